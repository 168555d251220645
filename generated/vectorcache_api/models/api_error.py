from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ApiError")


@_attrs_define
class ApiError:
    """What went wrong, as `detail` alone or as `error` and `message`.

    Attributes:
        detail (Any | Unset): What went wrong. Most often a text. Where the request's fields do not validate (422), a
            list of objects: `loc` the path to the field, `msg` the text, `type` the rule that failed.
        error (str | Unset): What went wrong, as a code.
        message (str | Unset): What went wrong, as a text.
        retry_after (float | Unset): How long to wait before the call is repeated, in seconds.
        fallback (str | Unset): What the caller can do instead, as a text.
        current_usage (int | Unset): Used of `monthly_limit` so far. Present where the monthly quota is used up.
        monthly_limit (int | Unset): What the plan allows a month. Present where the monthly quota is used up.
    """

    detail: Any | Unset = UNSET
    error: str | Unset = UNSET
    message: str | Unset = UNSET
    retry_after: float | Unset = UNSET
    fallback: str | Unset = UNSET
    current_usage: int | Unset = UNSET
    monthly_limit: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        error = self.error

        message = self.message

        retry_after = self.retry_after

        fallback = self.fallback

        current_usage = self.current_usage

        monthly_limit = self.monthly_limit

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if detail is not UNSET:
            field_dict["detail"] = detail
        if error is not UNSET:
            field_dict["error"] = error
        if message is not UNSET:
            field_dict["message"] = message
        if retry_after is not UNSET:
            field_dict["retry_after"] = retry_after
        if fallback is not UNSET:
            field_dict["fallback"] = fallback
        if current_usage is not UNSET:
            field_dict["current_usage"] = current_usage
        if monthly_limit is not UNSET:
            field_dict["monthly_limit"] = monthly_limit

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        detail = d.pop("detail", UNSET)

        error = d.pop("error", UNSET)

        message = d.pop("message", UNSET)

        retry_after = d.pop("retry_after", UNSET)

        fallback = d.pop("fallback", UNSET)

        current_usage = d.pop("current_usage", UNSET)

        monthly_limit = d.pop("monthly_limit", UNSET)

        api_error = cls(
            detail=detail,
            error=error,
            message=message,
            retry_after=retry_after,
            fallback=fallback,
            current_usage=current_usage,
            monthly_limit=monthly_limit,
        )

        api_error.additional_properties = d
        return api_error

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
