from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.debug_info import DebugInfo


T = TypeVar("T", bound="QueryResponse")


@_attrs_define
class QueryResponse:
    """An answer, from the cache or from the LLM.

    Attributes:
        cache_hit (bool): Whether the answer came from the cache.
        response (str): The answer.
        cost_saved (float): What the hit saved, in US dollars. 0 on a miss.
        llm_provider (str): Who answered; `cache` on a hit, else the provider's name.
        similarity_score (float | None | Unset): Cosine similarity of the prompt to the one whose answer was returned.
            Null or absent on a miss.
        debug (DebugInfo | Unset): Timings and the entry that matched. Present only where `include_debug` was true.
    """

    cache_hit: bool
    response: str
    cost_saved: float
    llm_provider: str
    similarity_score: float | None | Unset = UNSET
    debug: DebugInfo | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        cache_hit = self.cache_hit

        response = self.response

        cost_saved = self.cost_saved

        llm_provider = self.llm_provider

        similarity_score: float | None | Unset
        if isinstance(self.similarity_score, Unset):
            similarity_score = UNSET
        else:
            similarity_score = self.similarity_score

        debug: dict[str, Any] | Unset = UNSET
        if not isinstance(self.debug, Unset):
            debug = self.debug.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cache_hit": cache_hit,
                "response": response,
                "cost_saved": cost_saved,
                "llm_provider": llm_provider,
            }
        )
        if similarity_score is not UNSET:
            field_dict["similarity_score"] = similarity_score
        if debug is not UNSET:
            field_dict["debug"] = debug

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.debug_info import DebugInfo

        d = dict(src_dict)
        cache_hit = d.pop("cache_hit")

        response = d.pop("response")

        cost_saved = d.pop("cost_saved")

        llm_provider = d.pop("llm_provider")

        def _parse_similarity_score(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        similarity_score = _parse_similarity_score(d.pop("similarity_score", UNSET))

        _debug = d.pop("debug", UNSET)
        debug: DebugInfo | Unset
        if isinstance(_debug, Unset):
            debug = UNSET
        else:
            debug = DebugInfo.from_dict(_debug)

        query_response = cls(
            cache_hit=cache_hit,
            response=response,
            cost_saved=cost_saved,
            llm_provider=llm_provider,
            similarity_score=similarity_score,
            debug=debug,
        )

        query_response.additional_properties = d
        return query_response

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
