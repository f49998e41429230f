"""What a type says of a value: accepted or refused always alike, with the way to the part that is wrong."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import typing
from collections import OrderedDict, UserDict, deque
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import (
    IO,
    Annotated,
    Any,
    BinaryIO,
    ForwardRef,
    Generic,
    Literal,
    NamedTuple,
    Never,
    NewType,
    NotRequired,
    Protocol,
    Required,
    TextIO,
    TypedDict,
    TypeVar,
)

import pytest

from fastdag_typed.checks import accepts, checker

T = TypeVar("T")
Number = TypeVar("Number", int, str)
Bounded = TypeVar("Bounded", bound=list[int])
UserId = NewType("UserId", int)


class Movie(TypedDict):
    title: str
    year: int
    tags: NotRequired[list[str]]


class Loose(TypedDict, total=False):
    title: Required[str]
    year: int


class Tree(TypedDict):
    value: int
    below: list[Tree]


class Point(NamedTuple):
    x: int
    y: int = 0
    names: list[str] = []  # noqa: RUF012 - a NamedTuple's default


@dataclass
class Order:
    number: int
    lines: list[Movie]
    note: str = None


@dataclass(frozen=True)
class Slim:
    __slots__ = ("number",)
    number: int


@dataclass
class Holder(Generic[T]):
    item: T


@dataclass
class Link:
    value: int
    next: Link | None = None


class Box(Generic[T]):
    pass


class Color(Enum):
    RED = 1
    BLUE = "blue"


class Closes(Protocol):
    name: str

    def close(self) -> None: ...


class File:
    def __init__(self) -> None:
        self.name = "file"

    def close(self) -> None: ...


class Anything:
    def __getattr__(self, name: str) -> str:
        return name


class Lazy(Iterable[int]):
    """Something that is not to be looked at, like the result of a query."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("it was looked at")

    def __len__(self) -> int:
        return 1

    def __contains__(self, _: object) -> bool:
        raise AssertionError("it was looked at")


MOVIE: dict[str, Any] = {"title": "Metropolis", "year": 1927}


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (int, [1, True], [1.0, "1", None]),
        (float, [1, 1.5, True], ["1", 1j, Decimal(1)]),
        (complex, [1, 1.5, 1j], ["1"]),
        (bool, [True], [1]),
        (None, [None], [0]),
        (object, [None, 1], []),
        (Any, [None, 1], []),
        (Never, [], [None, 1]),
        (Path, [Path("a")], ["a"]),
        (Color, [Color.RED], [1, "blue"]),
        (int | None, [1, None], ["a"]),
        (int | list[str], [1, ["a"]], [[1], "a"]),
        (int | Any, ["a"], []),
        (Literal["a", 1, Color.RED] | None, ["a", 1, None, Color.RED], ["b", True, 1.0, Color.BLUE, []]),
        (Literal["a"] | int, ["a", 1, True], ["b"]),
        (list[int], [[], [1, 2]], [(1,), [1, "a"], [None], "a"]),
        (typing.List[int], [[1]], [["a"]]),  # noqa: UP006 - the old spelling
        (typing.List, [[1]], [(1,)]),  # noqa: UP006 - the same
        (typing.Tuple, [(), (1,)], [[1]]),  # noqa: UP006 - the same
        (deque[int], [deque([1])], [deque(["a"]), [1]]),
        (set[int], [{1}, set()], [{"a"}, frozenset({1})]),
        (frozenset[int], [frozenset({1})], [frozenset({"a"})]),
        (AbstractSet[int], [{1}, frozenset({1}), {1: 2}.keys()], [{"a"}, [1]]),
        (tuple[int, str], [(1, "a")], [(1,), (1, 2), (1, "a", 3), [1, "a"]]),
        (tuple[int, ...], [(), (1, 2)], [(1, "a")]),
        (tuple[()], [()], [(1,)]),
        (dict[str, int], [{}, {"a": 1}], [{"a": "b"}, {1: 1}, [("a", 1)]]),
        (dict[str, list[int]], [{"a": [1]}], [{"a": ["b"]}, {"a": 1}]),
        (Mapping[str, int], [{"a": 1}, UserDict({"a": 1}), OrderedDict(a=1)], [{"a": "b"}, UserDict({"a": "b"})]),
        (Mapping[str, object], [{"a": object()}], [{1: 1}]),
        (Sequence[int], [[1], (1,), range(3), b"ab"], ["ab", ["a"], {1}]),
        (Sequence[str], ["ab", ["ab"]], [b"ab", [1]]),
        (Collection[int], [[1], {1}, {1: "a"}, Lazy()], [["a"], {"a": 1}, 1]),
        (Container[int], [[1], Lazy()], [["a"], 1]),
        (Iterable[int], [[1], {1: 2}, iter("ab"), Lazy(), {"a": 1}.values()], [["a"], 1, "ab", {"a": "b"}.values()]),
        (Iterator[int], [iter([1]), iter("ab")], [[1]]),
        (Movie, [MOVIE, {**MOVIE, "tags": ["a"]}, {**MOVIE, "more": 1}], [{}, {"title": "a"}, {**MOVIE, "year": "1"}]),
        (Loose, [{"title": "a"}, {"title": "a", "year": 1}], [{}, {"title": "a", "year": None}, [("title", "a")]]),
        (Point, [Point(1), Point(1, 2, ["a"])], [(1, 2), Point("a"), Point(1, None), Point(1, 2, [3])]),
        (Slim, [Slim(1)], [Slim("a")]),
        (Holder[int], [Holder(1)], [Holder("a"), 1]),
        (Holder, [Holder(1), Holder("a")], [1]),
        (Box[int], [Box()], [1]),
        (Closes, [File(), Anything()], [1, object()]),
        (Callable[[int], str], [len, print], [1]),
        (type[int], [int, bool], [str, 1]),
        (typing.Type[int], [int], [str]),  # noqa: UP006 - the old spelling
        (re.Pattern[str], [re.compile("a")], ["a"]),
        (os.PathLike[str], [Path("a")], ["a"]),
        (TextIO, [io.StringIO()], ["a"]),
        (BinaryIO, [io.BytesIO()], [b"a"]),
        (IO[str], [io.StringIO()], [1]),
        (UserId, [1], ["a"]),
        (T, [1, "a"], []),
        (Number, [1, "a"], [1.5]),
        (list[Bounded], [[[1]]], [[["a"]], [1]]),
        (Annotated[int, "a note"], [1], ["a"]),
        (Annotated[list[int], []], [[1]], [["a"]]),
        (list[Annotated[int, []]], [[1]], [["a"]]),
        (Tree, [{"value": 1, "below": [{"value": 2, "below": []}]}], [{"value": 1, "below": [{"value": 2}]}]),
    ],
)
def test_a_value_is_accepted_or_refused_by_its_type(hint: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not accepts(hint, value)] == []
    assert [value for value in bad if accepts(hint, value)] == []


@pytest.mark.parametrize(
    ("hint", "value", "path", "expected", "actual"),
    [
        (int, "a", "", "int", "str"),
        (list[int], [1, 2, "a"], "[2]", "int", "str"),
        (dict[str, list[int]], {"a": [1], "b": [1, None]}, "['b'][1]", "int", "None"),
        (dict[str, int], {"a": 1, 2: 3}, "{2}", "str", "int"),
        (set[int], {"a"}, "{'a'}", "int", "str"),
        (tuple[int, list[str]], (1, ["a", 2]), "[1][1]", "str", "int"),
        (Movie, {"title": "a"}, "['year']", "int", ""),
        (Order, Order(1, [{"title": "a", "year": "b"}]), ".lines[0]['year']", "int", "str"),
        (Point, Point(1, 2, [3]), ".names[0]", "str", "int"),
        (list[int] | None, ["a"], "[0]", "int", "str"),
        (list[int] | list[str], [None], "", "list[int] | list[str]", "list"),
        (Tree, {"value": 1, "below": [{"value": "a", "below": []}]}, "['below'][0]['value']", "int", "str"),
        (list[int], {1}, "", "list[int]", "set"),
    ],
)
def test_the_part_that_is_wrong_is_found(hint: Any, value: Any, path: str, expected: str, actual: str) -> None:
    found = checker(hint).find(value)
    assert found is not None
    assert (found.path, found.expected, found.actual) == (path, expected, actual)


def test_every_item_is_looked_at() -> None:
    items: list[Any] = [*range(10_000)]
    check = checker(list[int])
    for index in (0, 1, 4_999, 9_999):
        spoilt = [*items]
        spoilt[index] = "a"
        for _ in range(3):
            found = check.find(spoilt)
            assert found is not None
            assert found.path == f"[{index}]"
    assert check.find(items) is None


def test_a_field_that_has_its_default_is_right_whatever_its_type() -> None:
    assert accepts(Order, Order(1, []))
    assert not accepts(Order, Order(1, [], 5))


def test_a_field_that_is_not_there_is_not_asked_for() -> None:
    order = Order(1, [])
    del order.number
    assert accepts(Order, order)


def test_data_that_contains_itself_is_looked_at_once() -> None:
    tree: Any = {"value": 1, "below": []}
    tree["below"].append(tree)
    assert accepts(Tree, tree)
    tree["below"].append({"value": "a", "below": [tree]})
    found = checker(Tree).find(tree)
    assert found is not None
    assert found.path == "['below'][1]['value']"


def test_data_that_is_contained_very_often_is_looked_at_once() -> None:
    tree: Any = {"value": 1, "below": []}
    for _ in range(200):
        tree = {"value": 1, "below": [tree] * 10}
    assert accepts(Tree, tree)


def test_data_that_is_too_deep_is_refused() -> None:
    tree: Any = {"value": 1, "below": []}
    for _ in range(100_000):
        tree = {"value": 1, "below": [tree]}
    found = checker(Tree).find(tree)
    assert found is not None
    assert found.actual == "dict, too deep to be checked"
    while tree["below"]:  # one after the other, for so deep a value cannot be freed at once everywhere
        tree = tree["below"].pop()


def test_objects_may_refer_to_each_other_without_end() -> None:
    link = Link(1)
    for _ in range(100_000):
        link = Link(1, link)
    first = link
    assert accepts(Link, link)
    assert not accepts(Link, Link("a"))
    while link.next is not None:
        link.next, link = None, link.next
    first.next = first
    assert accepts(Link, first)


@pytest.mark.parametrize(
    ("hint", "says"),
    [
        (Iterator[int], '"Iterator[int]" only by its class: looking at the items would use them up'),
        (Box[int], '"Box[int]" only by its class: a value does not tell what it was made for'),
        (list[Box[int]] | None, '"Box[int]" only by its class'),
        (re.Pattern[str], '"Pattern[str]" only by its class'),
        (Callable[[int], str], '"Callable[[int], str]" only as callable'),
        (Closes, '"Closes" only by its members, not their types'),
        (TextIO, '"TextIO" only by its members'),
        (Link, '"Link" only by its class: it is inside of itself'),
        (tuple[int, *tuple[str, ...]], "only by its class: how many items there are is left open"),
        ("Later", '"Later" not at all: there is no such name'),
        (dict[str, ForwardRef("Later")], '"Later" not at all: there is no such name'),
    ],
)
def test_what_cannot_be_checked_is_told(hint: Any, says: str) -> None:
    (told,) = checker(hint).blind
    assert says in told


@pytest.mark.parametrize(
    "hint", [int, Any, list[dict[str, Movie]], Order, Holder[int], Callable[..., Any], type[int], Tree, Box[Any]]
)
def test_of_what_is_checked_whole_nothing_is_told(hint: Any) -> None:
    assert checker(hint).blind == ()


def test_what_no_program_can_tell_is_accepted_and_told() -> None:
    from typing import Self

    check = checker(dict[str, Self])
    assert check.blind == ('"Self" not at all: a running program cannot tell',)
    assert check.find({"a": 1}) is None
    assert check.find({1: 1}) is not None


def test_validators_of_beartype_are_asked() -> None:
    from beartype.vale import IsInstance

    odd = Annotated[object, IsInstance[int]]
    assert accepts(list[odd], [1])
    found = checker(list[odd]).find([1, "a"])
    assert found is not None
    assert (found.path, found.expected) == ("[1]", "object as annotated")


ALIASES = """
type Json = None | bool | int | float | str | list[Json] | dict[str, Json]
type Either = list[Either] | list[int]
type Nest[T] = T | list[Nest[list[T]]]
type Pair[T] = tuple[T, T]
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement came with Python 3.12")
def test_aliases_may_contain_themselves() -> None:
    space: dict[str, Any] = {}
    exec(ALIASES, space)  # noqa: S102 - a syntax error in Python 3.11
    json, either, nest, pair = (space[name] for name in ("Json", "Either", "Nest", "Pair"))
    assert all(accepts(json, value) for value in (None, 1, [{"a": [None, 1.5]}]))
    assert not any(accepts(json, value) for value in (object(), {"a": [object()]}, {1: 2}))
    assert all(accepts(either, value) for value in ([1], [[1], [[2]]], []))
    assert not any(accepts(either, value) for value in (["a"], [[1], ["a"]], 1))
    assert accepts(pair[int], (1, 2))
    assert not accepts(pair[int], (1, "a"))
    assert checker(json).blind == ()
    assert "it has no end" in checker(nest[int]).blind[0]


@pytest.mark.parametrize(
    "hint",
    ["int", "list[int]", "dict[str, int | None]", "Record", "Row", "Literal['a']", "Callable[[int], str]", "Closes"],
)
def test_what_isinstance_decides_loads_no_library(hint: str) -> None:
    code = (
        "import sys\n"
        "from typing import *\n"
        "from dataclasses import dataclass\n"
        "from fastdag_typed.checks import checker\n"
        "class Closes(Protocol):\n    def close(self) -> None: ...\n"
        "@dataclass\nclass Record:\n    a: int\n    b: list[str]\n"
        "class Row(TypedDict):\n    a: int\n"
        f"checker({hint}).find(object())\n"
        "sys.exit('beartype' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
