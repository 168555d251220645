"""The input of a run, checked: prompts, labels and thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import attrs

from .._arguments import check_prompt, check_threshold, real_number, whole_number
from ..errors import InvalidRequestError

# Prompts with equal labels mean the same.
Label: TypeAlias = str | int

THRESHOLDS: Final = (0.75, 0.8, 0.85, 0.9, 0.95)


@attrs.frozen
class Questions:
    """Prompts in the order in which they were asked, and the thresholds to try, lowest first."""

    prompts: tuple[str, ...]
    thresholds: tuple[float, ...]
    labels: tuple[Label, ...] | None = None

    @classmethod
    def checked(
        cls,
        prompts: Iterable[str | Mapping[str, Any]],
        labels: Sequence[Label] | None,
        thresholds: Iterable[float],
    ) -> Questions:
        """Checks the arguments and returns them as questions.

        Raises:
            InvalidRequestError: an argument is invalid; the message names it.
        """
        texts, own_labels = _read(prompts)
        if labels is not None and own_labels is not None:
            raise InvalidRequestError(
                "labels are given twice, as labels= and with the prompts: give them in one way"
            )
        found = own_labels if labels is None else _checked_labels(labels, len(texts))
        return cls(texts, _checked_thresholds(thresholds), found)


def _read(
    prompts: Iterable[str | Mapping[str, Any]],
) -> tuple[tuple[str, ...], tuple[Label, ...] | None]:
    if isinstance(prompts, str | bytes | Mapping) or not isinstance(prompts, Iterable):
        raise InvalidRequestError(
            f"prompts is of type {type(prompts).__name__}: pass a list of prompts, in the order in "
            "which they were asked"
        )
    texts: list[str] = []
    labels: list[Label] = []
    for place, given in enumerate(prompts):
        text: object = given
        if isinstance(given, Mapping):
            text = given.get("prompt")
            if given.get("label") is not None:
                labels.append(_checked_label(given["label"], place))
        try:
            texts.append(check_prompt(text, InvalidRequestError))
        except InvalidRequestError as error:
            raise InvalidRequestError(f"prompts[{place}]: {error}") from None
    if len(texts) < 2:
        raise InvalidRequestError(
            f"prompts has a length of {len(texts)}: pass at least two, as each is compared with "
            "those before it; a hundred or more give useful figures"
        )
    if labels and len(labels) != len(texts):
        raise InvalidRequestError(
            f"{len(labels)} of {len(texts)} prompts have a label: label all of them, or none"
        )
    return tuple(texts), tuple(labels) or None


def _checked_labels(labels: Sequence[Label], count: int) -> tuple[Label, ...]:
    if isinstance(labels, str | bytes) or not isinstance(labels, Sequence):
        raise InvalidRequestError(
            f"labels is of type {type(labels).__name__}: pass a list with one label for each prompt"
        )
    if len(labels) != count:
        raise InvalidRequestError(
            f"labels has {len(labels)} entries for {count} prompts: pass one label for each prompt"
        )
    return tuple(_checked_label(label, place) for place, label in enumerate(labels))


def _checked_label(label: object, place: int) -> Label:
    if isinstance(label, str | bool):
        return label
    number = whole_number(label)
    if number is None:
        raise InvalidRequestError(
            f"the label of prompts[{place}] is of type {type(label).__name__}: pass a str or int"
        )
    return number


def _checked_thresholds(thresholds: Iterable[float]) -> tuple[float, ...]:
    if isinstance(thresholds, str | bytes) or not isinstance(thresholds, Iterable):
        raise InvalidRequestError(
            f"thresholds is of type {type(thresholds).__name__}: pass a list of numbers, 0 to 1"
        )
    checked = sorted(_checked_threshold(value) for value in thresholds)
    if not checked:
        raise InvalidRequestError("thresholds is empty: pass at least one number from 0 to 1")
    for value, following in pairwise(checked):
        if value == following:
            raise InvalidRequestError(f"thresholds has {value:g} twice: pass each threshold once")
    return tuple(checked)


def _checked_threshold(value: object) -> float:
    try:
        return check_threshold(value, InvalidRequestError)
    except InvalidRequestError:
        raise InvalidRequestError(f"thresholds has {value!r}: pass numbers from 0 to 1") from None


def check_share(name: str, value: object) -> float:
    """Returns ``value`` if it is a number from 0 to 1.

    Raises:
        InvalidRequestError: it is not; the message names the argument.
    """
    number = real_number(value)
    if number is None or not 0 <= number <= 1:
        raise InvalidRequestError(f"{name} is {value!r}: pass a number from 0 to 1")
    return number
