"""Verdicts on types that mypy and the interpreter see differently, or that cannot be read."""

from __future__ import annotations

import inspect
import numbers
import types
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, NotRequired, Protocol, TypedDict, Union

import pytest
from typing_extensions import ReadOnly, TypeAliasType

from fastdag_typed.compat import fits, show


class Movie(TypedDict):
    title: str
    year: int


class PartlyKnown(TypedDict):
    title: str
    year: NotRequired[int]


class TitleToRead(TypedDict):
    title: ReadOnly[object]


class Loop(TypedDict):
    next: Loop


class Ring(TypedDict):
    next: Ring


class Unreadable(NamedTuple):
    known: int
    unknown: Missing  # type: ignore[name-defined]  # noqa: F821 - that it is missing is what is tested


class UnreadableKeys(TypedDict):
    known: int
    unknown: Missing  # type: ignore[name-defined]  # noqa: F821 - that it is missing is what is tested


class Named(Protocol):
    name: str


class SetsItself:
    def __init__(self) -> None:
        self.name = "set"


class Delegates:
    def __getattr__(self, name: str) -> str:
        return name


class Nameless:
    pass


@dataclass
class Equal:
    value: int


PAIR = TypeAliasType("PAIR", "tuple[int, str]")
NUMBER = TypeAliasType("NUMBER", Union[int, float])  # noqa: UP007 - as an older module has it


def test_what_has_no_type_fits_everything_and_takes_everything() -> None:
    empty = inspect.Parameter.empty
    assert fits(empty, int) is fits(int, empty) is fits(empty, list[int]) is fits(list[int], empty) is True
    assert fits(Any, int) is fits(int, Any) is True


def test_a_hint_without_a_hash_is_judged_too() -> None:
    assert fits(Annotated[int, []], int) is True
    assert fits(Annotated[str, {}], Annotated[int, {}]) is False


def test_a_registered_class_is_not_refused() -> None:
    assert fits(int, numbers.Real) is None  # true at run time, an error to mypy
    assert fits(str, numbers.Real) is False


def test_an_attribute_that_is_set_on_self_may_be_what_a_protocol_asks_for() -> None:
    assert fits(SetsItself, Named) is None
    assert fits(Delegates, Named) is None
    assert fits(Nameless, Named) is False


def test_a_dataclass_may_be_hashable() -> None:
    """It is not, but mypy does not see that ``eq=True`` takes the hash away."""
    from collections.abc import Hashable

    assert fits(Equal, Hashable) is None
    assert fits(list[int], Hashable) is False


def test_marks_of_keys_are_read_where_annotations_are_text() -> None:
    assert fits(Movie, PartlyKnown) is False  # what may be missing could be deleted
    assert fits(PartlyKnown, Movie) is False
    assert fits(Movie, TitleToRead) is True
    assert fits(TitleToRead, Movie) is False


def test_types_that_contain_themselves_have_no_verdict() -> None:
    assert fits(Loop, Ring) is None
    assert fits(Loop, Loop) is True


def test_what_cannot_be_read_is_not_refused() -> None:
    assert fits(Unreadable, tuple[int, str]) is True
    assert fits(Unreadable, tuple[str, str]) is False
    assert fits(UnreadableKeys, Movie) is False
    assert fits(list["Missing"], list[int]) is None  # type: ignore[name-defined]  # noqa: F821 - that it is missing is what is tested
    assert fits("Missing", int) is None


def test_an_alias_is_what_it_stands_for() -> None:
    assert fits(int, NUMBER) is True
    assert fits(NUMBER, str) is False
    assert show(NUMBER) == "int | float"
    assert fits(PAIR, int) is None  # what it stands for is text that nobody has read


def test_a_generic_class_of_the_standard_library_is_only_known_to_fit_itself() -> None:
    import re

    assert fits(re.Pattern[str], re.Pattern[str]) is True
    assert fits(re.Pattern[str], re.Pattern[bytes]) is None
    assert fits(re.Pattern[str], re.Pattern) is True


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (inspect.Parameter.empty, "Any"),
        (None, "None"),
        (types.NoneType, "None"),
        (types.SimpleNamespace, "SimpleNamespace"),
        (int | None, "int | None"),
        (None | int | str, "int | str | None"),
        (Annotated[int, "meters"], "int"),
        (tuple[()], "tuple[()]"),
        ("Missing", "Missing"),
    ],
)
def test_a_type_has_a_short_name(hint: object, name: str) -> None:
    assert show(hint) == name
