from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="DebugInfo")


@_attrs_define
class DebugInfo:
    """Timings and the entry that matched. Present only where `include_debug` was true.

    Attributes:
        embedding_time_ms (float | Unset): Time to embed the prompt, in milliseconds.
        search_time_ms (float | Unset): Time to search the cache, in milliseconds.
        total_time_ms (float | Unset): Time in the service altogether, in milliseconds.
        matched_cache_entry_id (None | str | Unset): The entry whose answer was returned, by an opaque id. Null on a
            miss.
        cache_entry_count (int | Unset): Entries in the cache that was searched.
    """

    embedding_time_ms: float | Unset = UNSET
    search_time_ms: float | Unset = UNSET
    total_time_ms: float | Unset = UNSET
    matched_cache_entry_id: None | str | Unset = UNSET
    cache_entry_count: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        embedding_time_ms = self.embedding_time_ms

        search_time_ms = self.search_time_ms

        total_time_ms = self.total_time_ms

        matched_cache_entry_id: None | str | Unset
        if isinstance(self.matched_cache_entry_id, Unset):
            matched_cache_entry_id = UNSET
        else:
            matched_cache_entry_id = self.matched_cache_entry_id

        cache_entry_count = self.cache_entry_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if embedding_time_ms is not UNSET:
            field_dict["embedding_time_ms"] = embedding_time_ms
        if search_time_ms is not UNSET:
            field_dict["search_time_ms"] = search_time_ms
        if total_time_ms is not UNSET:
            field_dict["total_time_ms"] = total_time_ms
        if matched_cache_entry_id is not UNSET:
            field_dict["matched_cache_entry_id"] = matched_cache_entry_id
        if cache_entry_count is not UNSET:
            field_dict["cache_entry_count"] = cache_entry_count

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        embedding_time_ms = d.pop("embedding_time_ms", UNSET)

        search_time_ms = d.pop("search_time_ms", UNSET)

        total_time_ms = d.pop("total_time_ms", UNSET)

        def _parse_matched_cache_entry_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        matched_cache_entry_id = _parse_matched_cache_entry_id(
            d.pop("matched_cache_entry_id", UNSET)
        )

        cache_entry_count = d.pop("cache_entry_count", UNSET)

        debug_info = cls(
            embedding_time_ms=embedding_time_ms,
            search_time_ms=search_time_ms,
            total_time_ms=total_time_ms,
            matched_cache_entry_id=matched_cache_entry_id,
            cache_entry_count=cache_entry_count,
        )

        debug_info.additional_properties = d
        return debug_info

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
