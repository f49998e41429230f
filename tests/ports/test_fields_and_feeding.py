"""Fields of what is returned, and which of them an edge carries to a port."""

from __future__ import annotations

import collections
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Final, Generic, NamedTuple, NotRequired, TypedDict, TypeVar

import pytest

from fastdag_typed.ports import EMPTY, Port, Take, feed, fields_of, read_output

T = TypeVar("T")
K = TypeVar("K")


class Rows(TypedDict):
    count: int
    names: NotRequired[list[str]]


class MoreRows(Rows, total=False):
    extra: float


class GenericRows(TypedDict, Generic[T]):
    item: T


class Item(NamedTuple):
    item: float


class Point(NamedTuple):
    x: int
    y: str


@dataclass
class Box(Generic[T]):
    item: T
    items: list[T]
    size: int = 0
    seed: InitVar[int] = 0
    made: str = field(default="", init=False)


@dataclass
class IntBox(Box[int]): ...


@dataclass
class Twice(Box[list[T]], Generic[T]): ...


@dataclass
class Halfway:
    known: int
    unknown: Missing  # type: ignore[name-defined]  # noqa: F821 - that it is missing is what is tested


@dataclass
class Fixed:
    count: Final[int]


class Result(TypedDict):
    result: int


Plain = collections.namedtuple("Plain", "a b")  # noqa: PYI024 - without types, that is what is tested


def carried(returns: Any, name: str, target: Any, *, declared: tuple[str, ...] = ()) -> tuple[Take | None, Any, bool]:
    """Tell what an edge carries to a port of this name and type."""
    return feed(returns, fields_of(returns), declared, None, Port(name, target))


@pytest.mark.parametrize(
    ("hint", "fields"),
    [
        (Rows, {"count": (int, "key"), "names": (list[str], "key")}),
        (MoreRows, {"count": (int, "key"), "names": (list[str], "key"), "extra": (float, "key")}),
        (GenericRows[str], {"item": (str, "key")}),
        (GenericRows, {"item": (EMPTY, "key")}),
        (Point, {"x": (int, "attr"), "y": (str, "attr")}),
        (Plain, {"a": (EMPTY, "attr"), "b": (EMPTY, "attr")}),
        (Fixed, {"count": (EMPTY, "attr")}),
        (Halfway, {"known": (int, "attr"), "unknown": (EMPTY, "attr")}),
        (Annotated[Point, "here"], {"x": (int, "attr"), "y": (str, "attr")}),
        (int, {}),
        (dict[str, int], {}),
        (tuple[int, str], {}),
        (EMPTY, {}),
        (None, {}),
        (Rows | None, {}),
        (Rows | GenericRows[str], {}),
        (Rows | MoreRows, {"count": (int, "key"), "names": (list[str], "key")}),
        (GenericRows[str] | GenericRows[int], {"item": (str | int, "key")}),
        (GenericRows[str] | Box[int], {"item": (str | int, "field")}),
        (Box[int] | IntBox | Item | GenericRows[str], {"item": (int | float | str, "field")}),
        (Rows | dict[str, int], {}),
        (Box[int] | int, {}),
    ],
)
def test_fields_are_those_of_records(hint: object, fields: object) -> None:
    assert fields_of(hint) == fields


def test_fields_of_a_generic_record_have_the_types_it_is_given() -> None:
    inside = {"item": (int, "attr"), "items": (list[int], "attr"), "size": (int, "attr"), "made": (str, "attr")}
    assert fields_of(Box[int]) == inside
    assert fields_of(IntBox) == inside
    assert fields_of(Box)["item"] == (EMPTY, "attr")


def test_a_variable_that_means_two_things_in_two_classes_leaves_its_fields_unjudged() -> None:
    assert fields_of(Twice[int])["item"] == (Any, "attr")


def test_the_whole_goes_where_it_fits() -> None:
    assert carried(Rows, "count", Rows) == (None, Rows, True)
    assert carried(dict[str, int], "data", dict[str, int]) == (None, dict[str, int], True)
    assert carried(EMPTY, "count", int) == (None, EMPTY, True)
    assert carried(Rows, "count", EMPTY) == (None, Rows, True)


def test_the_field_that_bears_the_name_of_the_port_goes_where_the_whole_does_not_fit() -> None:
    assert carried(Rows, "count", int) == (Take(-1, "key", "count"), int, True)
    assert carried(Point, "y", str) == (Take(-1, "attr", "y"), str, True)
    assert carried(Box[int], "item", int) == (Take(-1, "attr", "item"), int, True)
    assert carried(Box[int], "item", str) == (Take(-1, "attr", "item"), int, False)
    assert carried(Rows, "other", int) == (None, Rows, False)
    assert carried(Result, "result", int) == (Take(-1, "key", "result"), int, True)


def test_a_union_of_records_is_taken_apart_where_every_member_has_the_field_and_every_one_fits() -> None:
    either = GenericRows[int] | Box[bool]
    assert carried(either, "item", int) == (Take(-1, "field", "item"), int | bool, True)
    assert carried(either, "item", bool) == (Take(-1, "field", "item"), int | bool, False)
    assert carried(either, "size", int) == (None, either, False)
    assert carried(either, "item", either) == (None, either, True)
    assert carried(either | None, "item", int) == (None, either | None, False)
    assert carried(Point | Item, "item", float) == (None, Point | Item, False)
    assert read_output(either, fields_of(either), (), "item") == (Take(-1, "field", "item"), int | bool)


def test_a_mapping_with_text_keys_has_every_field() -> None:
    assert carried(dict, "upper", int) == (Take(-1, "key", "upper"), Any, True)
    assert carried(dict[str, int], "upper", int) == (Take(-1, "key", "upper"), int, True)
    assert carried(dict[str, int], "upper", str) == (Take(-1, "key", "upper"), int, False)
    assert carried(collections.Counter[str], "upper", int) == (Take(-1, "key", "upper"), int, True)
    assert carried(dict[int, int], "upper", int) == (None, dict[int, int], False)


def test_declared_outputs_name_the_items_of_a_tuple_or_the_keys_of_a_mapping() -> None:
    assert read_output(tuple[int, str], {}, ("a", "b"), "b") == (Take(-1, "item", "b", 1), str)
    assert read_output(dict[str, int], {}, ("a", "b"), "b") == (Take(-1, "key", "b"), int)
    assert read_output(EMPTY, {}, ("a", "b"), "b") == (Take(-1, "named", "b", 1), EMPTY)
    assert read_output(int, {}, ("a",), "a") == (None, int)
    assert read_output(Point, fields_of(Point), ("x",), "x") == (Take(-1, "attr", "x"), int)
    assert read_output(Rows, fields_of(Rows), ("result",), "result") == (None, Rows)


def test_the_result_is_the_whole_value() -> None:
    assert read_output(Result, fields_of(Result), (), "result") == (None, Result)


@pytest.mark.parametrize("returns", [int, Rows, dict[int, int], EMPTY])
def test_an_output_that_is_not_there_is_refused(returns: object) -> None:
    with pytest.raises(KeyError, match="nothing"):
        read_output(returns, fields_of(returns), (), "nothing")
