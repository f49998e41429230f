"""Which edges the types of functions prove; what of the others a run has to check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypedDict, TypeVar

import pytest

from fastdag_typed import DAG, FSM, ConditionalReturn, FSMReturn, Node, SelectReturn
from fastdag_typed.checks import doubts, unchecked
from fastdag_typed.policies.fallback import FallbackStrategy

T = TypeVar("T")


class Movie(TypedDict):
    title: str
    year: int


class Film(TypedDict):
    title: str
    year: int


class Vague(TypedDict):
    title: str
    year: Any


class Point(NamedTuple):
    x: int
    y: Any


@dataclass
class Record:
    size: int
    more: Any


class Closes(Protocol):
    def close(self) -> None: ...


class File:
    def close(self) -> None: ...


def returning(hint: Any) -> Any:
    def give() -> None: ...

    give.__annotations__["return"] = hint
    return give


def taking(hint: Any, returns: Any = None) -> Any:
    def take(value): ...

    take.__annotations__.update({"value": hint, "return": returns})
    return take


def untyped(value): ...


def names_of(plan: Any) -> dict[str, list[int | str]]:
    return {plan.names[index]: [one.key for one in found] for index, found in doubts(plan).items()}


@pytest.mark.parametrize(
    ("source", "target", "doubtful"),
    [
        (int, int, False),
        (bool, int, False),
        (int, float, False),
        (int, object, False),
        (int, Any, False),
        (int, int | None, False),
        (list[int], Sequence[float], False),
        (list[Any], list[Any], False),
        (list, list, False),
        (dict[str, Any], Mapping[str, object], False),
        (dict[str, Any], Mapping[str, Any], False),
        (list[Any], Iterable[Any], False),
        (Movie, Movie, False),
        (Movie, Film, False),
        (Vague, Vague, False),
        (Record, Record, False),
        (Callable[..., Any], Callable[[int], str], False),
        (Any, int, True),
        (object, object, False),
        (list, list[int], True),
        (list[Any], list[int], True),
        (list[Any], Sequence[int], True),
        (dict[str, Any], dict[str, int], True),
        (dict, Mapping[str, int], True),
        (tuple, tuple[int, str], True),
        (tuple[Any, ...], tuple[int, str], True),
        (list[dict[str, Any]], Sequence[Mapping[str, int]], True),
        (int | Any, int, True),
        (Vague, Movie, True),
        (list[Vague], list[Movie], True),
        (Point, tuple[int, int], True),
        (type[Any], type[int], True),
        (File, Closes, True),
        (T, int, True),
        (Any, Any, False),
        (Any, object, False),
        (Any, T, False),
    ],
)
def test_what_is_any_proves_nothing(source: Any, target: Any, doubtful: bool) -> None:
    dag = DAG("d")
    dag.connect(dag.add_node(Node(returning(source), "a")), dag.add_node(Node(taking(target), "b")))
    assert names_of(dag.plan()) == ({"b": [0]} if doubtful else {})


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement came with Python 3.12")
def test_an_alias_that_contains_itself_proves_itself() -> None:
    space: dict[str, Any] = {}
    exec("type Json = int | list[Json]", space)  # noqa: S102 - a syntax error in Python 3.11
    dag = DAG("d")
    source = dag.add_node(Node(returning(space["Json"]), "a"))
    dag.connect(source, dag.add_node(Node(taking(space["Json"]), "same")))
    dag.connect(source, dag.add_node(Node(taking(int | list[Any]), "other")))
    assert names_of(dag.plan()) == {"other": [0]}


def test_a_function_without_types_proves_nothing_and_expects_nothing() -> None:
    dag = DAG("d")
    first, second = dag.add_node(Node(untyped, "first")), dag.add_node(Node(untyped, "second"))
    first >> second >> dag.add_node(Node(taking(int), "third"))
    assert names_of(dag.plan()) == {"third": [0]}


def test_a_field_is_as_good_as_its_type() -> None:
    dag = DAG("d")
    record = dag.add_node(Node(returning(Record), "record"))
    bare = dag.add_node(Node(returning(dict), "bare"))
    for name, source, output in (("size", record, "size"), ("more", record, "more"), ("key", bare, "size")):
        dag.connect(source, dag.add_node(Node(taking(int), name)), output=output)
    assert names_of(dag.plan()) == {"more": [0], "key": [0]}


def test_every_kind_of_argument_is_found_by_its_place_or_name() -> None:
    dag = DAG("d")

    @dag.node
    def known() -> int:
        return 1

    @dag.node
    def loose() -> Any:
        return 1

    @dag.node
    def many(first: int, context: Any, /, second: int, *rest: int, key: int, other: int = 0, **more: int) -> int:
        return first

    for source, name in [(loose, "first"), (known, "second"), (known, "*0"), (loose, "*1"), (loose, "key")]:
        source.connect_to(many, input_name=name)
    loose.connect_to(many, input_name="further")
    assert names_of(dag.plan()) == {"many": [0, 4, "key", "further"]}


def test_constants_and_run_inputs_are_not_doubted() -> None:
    dag = DAG("d")

    @dag.node
    def loose(x: int) -> Any:
        return x

    @dag.node
    def add(*values: int, scale: float) -> float:
        return sum(values) * scale

    @dag.compose
    def flow(x: int, scale: float) -> float:
        return add(x, 1, loose(x), scale=scale)

    assert names_of(dag.plan()) == {"add": [2]}


def test_a_condition_passes_on_its_first_input_where_it_has_no_value_of_its_own() -> None:
    dag = DAG("d")

    @dag.node
    def loose() -> Any:
        return 1

    @dag.condition
    def passes(value: int) -> bool:
        return value > 0

    @dag.condition
    def gives(value: str) -> ConditionalReturn[int]:
        return ConditionalReturn(True, 1)

    @dag.select
    def same(value: int) -> SelectReturn[int]:
        return SelectReturn(1, "a")

    for condition in (passes, gives, same):
        loose >> condition
        condition >> dag.add_node(Node(taking(int), f"after_{condition.name}"))
    assert names_of(dag.plan()) == {"passes": [0], "gives": [0], "same": [0], "after_gives": [0]}


def test_what_a_fallback_gives_is_doubted() -> None:
    dag = DAG("d")
    safe = dag.add_node(Node(returning(int), "safe", policies=[FallbackStrategy(None)]))
    safe >> dag.add_node(Node(taking(int), "next"))
    assert names_of(dag.plan()) == {"next": [0]}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_nested_workflow_whose_branch_may_not_be_taken_is_doubted(depth: int) -> None:
    inner = DAG("inner")
    check = inner.condition(name="check")(taking(int, ConditionalReturn[int]))
    check.on_true >> inner.add_node(Node(taking(int, int), "last"))
    for _ in range(depth - 1):
        inner, deeper = DAG("around"), inner
        inner.add_workflow("deeper", deeper)
    dag = DAG("d")
    nested = dag.add_workflow("nested", inner)
    dag.connect(nested, dag.add_node(Node(taking(int), "strict")))
    dag.connect(nested, dag.add_node(Node(taking(int | None), "lenient")))
    assert names_of(dag.plan()) == {"strict": [0]}


def test_an_order_without_data_is_not_doubted() -> None:
    dag = DAG("d")
    first, second = dag.add_node(Node(untyped, "first")), dag.add_node(Node(taking(int), "second"))
    second.after(first)
    assert names_of(dag.plan()) == {}


def machine(first: Any, *, chosen: bool) -> FSM:
    fsm = FSM("f")
    begin = fsm.state(name="begin", is_initial=True)(returning(FSMReturn[first] if chosen else first))
    middle = fsm.state(name="middle")(taking(int, int))
    fsm.state(name="last", is_final=True)(taking(int))
    begin >> middle
    return fsm


@pytest.mark.parametrize(
    ("first", "chosen", "doubtful"),
    [(int, False, []), (int, True, []), (str, False, ["middle"]), (str, True, ["middle", "last"])],
)
def test_a_state_doubts_only_what_it_may_follow(first: Any, chosen: bool, doubtful: list[str]) -> None:
    assert list(names_of(machine(first, chosen=chosen).plan())) == doubtful


def test_a_state_that_returns_no_type_may_lead_anywhere() -> None:
    fsm = FSM("f")

    @fsm.state(is_initial=True)
    def begin(number: int):
        return FSMReturn("next", number)

    @fsm.state(name="next")
    def after(number: int, other: str = "") -> int:
        return number

    assert names_of(fsm.plan()) == {"next": [0]}


def test_doubts_are_found_once_for_a_plan() -> None:
    dag = DAG("d")
    dag.connect(dag.add_node(Node(untyped, "a")), dag.add_node(Node(taking(int), "b")))
    assert doubts(dag.plan()) is doubts(dag.plan())


def test_what_a_run_checks_only_in_part_is_listed() -> None:
    dag = DAG("d")

    @dag.node
    def lines(path: str, each: Callable[[str], str]) -> Any:
        return path

    @dag.node
    def count(found: Iterator[str]) -> int:
        return 0

    @dag.node
    def proved(number: int, ways: list[int]) -> Iterator[int]:
        return iter(ways)

    @dag.node
    def last(numbers: Iterator[int]) -> int:
        return 0

    lines >> count >> proved >> last
    assert [(one.node, one.port, one.what.partition(":")[0]) for one in unchecked(dag.plan())] == [
        ("lines", "each", '"Callable[[str], str]" only as callable'),
        ("count", "found", '"Iterator[str]" only by its class'),
    ]
