"""``fits`` and ``show`` against mypy itself: every pair of a table of types, judged by both."""

from __future__ import annotations

import re
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fastdag_typed.compat import fits, show

if TYPE_CHECKING:
    from pathlib import Path

DECLARATIONS = """\
import abc
import collections
import decimal
import enum
import pathlib
from collections.abc import (
    AsyncIterator, Awaitable, Callable, Collection, Container, Coroutine, Generator, Hashable, Iterable, Iterator,
    KeysView, Mapping, MutableMapping, MutableSequence, Reversible, Sequence, Set as AbstractSet, Sized, ValuesView,
)
from dataclasses import dataclass
from typing import (
    Annotated, Any, Generic, List, Literal, LiteralString, NamedTuple, Never, NewType, NotRequired, Optional,
    ParamSpec, Protocol, Required, Type, TypedDict, TypeVar, Union, runtime_checkable,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)
P = ParamSpec("P")

class Animal: ...
class Dog(Animal):
    def __init__(self) -> None:
        self.name = "dog"
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...
class Square(Shape):
    def area(self) -> float:
        return 1.0
class Sortable:
    def __len__(self) -> int:
        return 0
    def __iter__(self) -> Iterator[int]:
        return iter(())
class Adder:
    def __call__(self, left: int) -> int:
        return left
class Meta(type): ...
class Made(metaclass=Meta): ...
class Color(enum.Enum):
    RED = 1
    BLUE = 2
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
class Names(list[str]): ...
class Table(dict[str, T]): ...
class Box(Generic[T]):
    item: T
class Source(Generic[T_co]): ...
class Sink(Generic[T_contra]): ...
class SubBox(Box[int]): ...
class Pairs(Box[tuple[T, T]], Generic[T]): ...
@dataclass
class Record:
    name: str
    size: int
@dataclass(frozen=True)
class Holder(Generic[T]):
    item: T
class Point(NamedTuple):
    x: int
    y: int
class Named(NamedTuple):
    key: str
    value: int
class Movie(TypedDict):
    title: str
    year: int
class Film(TypedDict):
    title: str
    year: int
class LongMovie(Movie):
    length: int
class Partial(TypedDict, total=False):
    title: str
    year: int
class Mixed(TypedDict):
    title: Required[str]
    year: NotRequired[int]
class FloatYear(TypedDict):
    title: str
    year: float
class GenericTD(TypedDict, Generic[T]):
    item: T
class HasName(Protocol):
    name: str
class HasArea(Protocol):
    def area(self) -> float: ...
@runtime_checkable
class Closeable(Protocol):
    def close(self) -> None: ...
class Empty(Protocol): ...
class Calls(Protocol):
    def __call__(self, left: int) -> int: ...
class Closer(Closeable):
    def close(self) -> None: ...
UserId = NewType("UserId", int)
AdminId = NewType("AdminId", UserId)
Alias = Union[int, None]
"""

HINTS = """\
int
str
bytes
bytearray
bool
float
complex
object
Any
None
Never
decimal.Decimal
pathlib.Path
range
int | str
int | bool
int | float
str | None
Optional[int]
Alias
Union[int, str, None]
Annotated[int, "meters"]
LiteralString
Literal[1]
Literal["a"]
Literal["a", "b"]
Literal[True]
Literal[True, False]
Literal["a", None]
Literal[Color.RED]
Literal[Color.RED, Color.BLUE]
Literal["a"] | int
Color
Level
list
list[int]
list[bool]
list[float]
list[int | str]
list[int | None]
list[Any]
list[list[int]]
List[str]
dict
dict[str, int]
dict[str, float]
dict[str, Any]
dict[int, int]
dict[str, list[int]]
set[int]
frozenset[int]
frozenset[float]
tuple
tuple[()]
tuple[int]
tuple[int, int]
tuple[int, str]
tuple[float, float]
tuple[int, ...]
tuple[float, ...]
tuple[Any, ...]
collections.deque[int]
collections.defaultdict[str, int]
collections.OrderedDict[str, int]
collections.Counter[str]
collections.ChainMap[str, int]
Sequence
Sequence[int]
Sequence[float]
Sequence[str]
Sequence[object]
MutableSequence[int]
Iterable[int]
Iterable[float]
Iterable[str]
Iterator[int]
Generator[int, None, str]
Generator[float, Any, Any]
Collection[int]
Container[int]
Reversible[int]
Reversible[str]
Sized
Hashable
Mapping[str, int]
Mapping[str, float]
Mapping[str, object]
MutableMapping[str, int]
AbstractSet[int]
KeysView[str]
ValuesView[int]
Awaitable[int]
Coroutine[Any, Any, int]
AsyncIterator[int]
Callable
Callable[[], int]
Callable[[int], str]
Callable[[float], str]
Callable[[int], object]
Callable[[int, int], str]
Callable[..., int]
Callable[..., Any]
Callable[P, int]
type
Type[int]
type[bool]
type[float]
type[Animal]
type[Dog]
type[Any]
type[Made]
type[int | str]
Animal
Dog
Shape
Square
Sortable
Adder
Meta
Made
Names
Table
Table[int]
Box
Box[int]
Box[bool]
Box[Any]
SubBox
Pairs[int]
Box[tuple[int, int]]
Source[int]
Source[float]
Sink[int]
Sink[float]
Record
Holder[int]
Holder[str]
Point
Named
Movie
Film
LongMovie
Partial
Mixed
FloatYear
GenericTD[int]
GenericTD[str]
HasName
HasArea
Closeable
Empty
Calls
Closer
UserId
AdminId
list[UserId]
T
list[T]
Box[T]
""".splitlines()

if sys.version_info >= (3, 12):
    DECLARATIONS += """\
type Number = int | float
type Both[E] = tuple[E, E]
type Tree = dict[str, Tree] | int
type Bush = dict[str, Bush] | int
class Modern[E]:
    def put(self, item: E) -> None: ...
class Reader[E]:
    def get(self) -> E:
        raise ValueError
"""
    HINTS += ["Number", "Both[int]", "Tree", "Bush", "list[Number]", "Modern[int]", "Modern[float]", "Reader[float]"]

MOST_UNKNOWN = 0.03
"""Share of the pairs on which ``fits`` may have no opinion: type variables, protocols, constructors, hashing."""

SHOWN_OTHERWISE = {"Tree", "Bush"}
"""Recursive aliases, which mypy writes out or not, depending on the other type in the message."""


class Table(NamedTuple):
    """The hints as they are at run time, and the names in mypy's refusal of one as an argument for another."""

    hints: list[Any]
    refused: dict[tuple[int, int], tuple[str, str]]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Write one module with a call for every pair, run mypy on it once, and run it."""
    folder = tmp_path_factory.mktemp("pairs")
    lines = DECLARATIONS.splitlines()
    lines += [f"def take_{index}(value: {hint}) -> None: ..." for index, hint in enumerate(HINTS)]
    at: dict[int, tuple[int, int]] = {}
    for source, hint in enumerate(HINTS):
        lines.append(f"def give_{source}(value: {hint}) -> None:")
        for target in range(len(HINTS)):
            lines.append(f"    take_{target}(value)")
            at[len(lines)] = (source, target)
    text = "\n".join(lines) + "\n"
    refused = {at[line]: names for line, names in _mypy(folder, text).items()}
    module = types.ModuleType("pairs")
    exec(compile(text, "pairs.py", "exec", dont_inherit=True), vars(module))  # noqa: S102 - the text is the one above
    hints = [typing.get_type_hints(getattr(module, f"take_{index}"))["value"] for index in range(len(HINTS))]
    return Table(hints, refused)


def _mypy(folder: Path, text: str) -> dict[int, tuple[str, str]]:
    """Line of each refused call, with the names that mypy gives to the two types."""
    from mypy import api

    (folder / "pairs.py").write_text(text)
    (folder / "mypy.ini").write_text("[mypy]\n")
    options = ["--config-file", str(folder / "mypy.ini"), "--cache-dir", str(folder / "cache"), "--no-error-summary"]
    output, problem, status = api.run([*options, "--hide-error-context", "--no-pretty", str(folder / "pairs.py")])
    assert (problem, status) == ("", 1)
    found: dict[int, tuple[str, str]] = {}
    for line in output.splitlines():
        match = re.match(
            r'.*pairs\.py:(\d+): error: Argument 1 to "\w+" has incompatible type (.*); expected (.*)  \[', line
        )
        if match:
            found[int(match[1])] = (match[2].strip('"'), match[3].strip('"'))
        else:
            assert ": note: " in line, line
    return found


def test_a_verdict_is_that_of_mypy(table: Table) -> None:
    wrong = [
        f"{HINTS[s]} -> {HINTS[t]}: {verdict}"
        for s, source in enumerate(table.hints)
        for t, target in enumerate(table.hints)
        if (verdict := fits(source, target)) is not None and verdict is ((s, t) in table.refused)
    ]
    assert not wrong, "\n".join([f"{len(wrong)} differ", *wrong])


def test_few_pairs_have_no_verdict(table: Table) -> None:
    unknown = [fits(source, target) is None for source in table.hints for target in table.hints]
    assert sum(unknown) / len(unknown) < MOST_UNKNOWN


def test_a_type_is_written_as_mypy_writes_it(table: Table) -> None:
    written = {
        (HINTS[index], show(table.hints[index]), name)
        for pair, names in table.refused.items()
        for index, name in zip(pair, names, strict=True)
        if HINTS[index] not in SHOWN_OTHERWISE and not re.search(r"\b[TP]\b", HINTS[index])
    }
    assert len(written) > len(HINTS) * 0.9  # what accepts all and fits all is in no message
    assert not [f"{hint}: {ours}, not {name}" for hint, ours, name in written if ours != name]
