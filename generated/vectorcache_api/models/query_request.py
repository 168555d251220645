from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="QueryRequest")


@_attrs_define
class QueryRequest:
    """A prompt, and where and how closely to look for an earlier one like it.

    Attributes:
        prompt (str): What to answer.
        model (str): The LLM that answers on a miss, by its provider's name for it. An open set; only entries of the
            same model are searched.
        similarity_threshold (float | Unset): The least cosine similarity that counts as a hit. Higher is stricter: 0.92
            to 0.95 suits legal and medical text, 0.85 to 0.90 support, 0.80 to 0.85 education and FAQ. Default: 0.85.
        context (None | str | Unset): Segments the cache: the same prompt in two contexts is two entries.
        include_debug (bool | Unset): Whether the answer carries `debug`. Default: False.
        project_id (str | Unset): The project to search. Inferred from the key where it is left out.
    """

    prompt: str
    model: str
    similarity_threshold: float | Unset = 0.85
    context: None | str | Unset = UNSET
    include_debug: bool | Unset = False
    project_id: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        model = self.model

        similarity_threshold = self.similarity_threshold

        context: None | str | Unset
        if isinstance(self.context, Unset):
            context = UNSET
        else:
            context = self.context

        include_debug = self.include_debug

        project_id = self.project_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
                "model": model,
            }
        )
        if similarity_threshold is not UNSET:
            field_dict["similarity_threshold"] = similarity_threshold
        if context is not UNSET:
            field_dict["context"] = context
        if include_debug is not UNSET:
            field_dict["include_debug"] = include_debug
        if project_id is not UNSET:
            field_dict["project_id"] = project_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        prompt = d.pop("prompt")

        model = d.pop("model")

        similarity_threshold = d.pop("similarity_threshold", UNSET)

        def _parse_context(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        context = _parse_context(d.pop("context", UNSET))

        include_debug = d.pop("include_debug", UNSET)

        project_id = d.pop("project_id", UNSET)

        query_request = cls(
            prompt=prompt,
            model=model,
            similarity_threshold=similarity_threshold,
            context=context,
            include_debug=include_debug,
            project_id=project_id,
        )

        query_request.additional_properties = d
        return query_request

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
