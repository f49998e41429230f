"""Which calls of pure nodes are left out, and which stay because of a doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdag_codegen.optimize import Optimized, is_immutable, optimize
from fastdag_typed import DAG, FSM, ConditionalReturn, Context, FSMReturn, Node, RetryStrategy, Workflow
from fastdag_typed.plan import reads, slot_of

NOTHING = Optimized(frozenset(), {}, {})


def found(workflow: Workflow, *keep: str) -> dict[str, Any]:
    """What was found, by name."""
    plan = workflow.plan()
    dead, folded, same = optimize(plan, keep or None)
    names = plan.names
    return {
        **{names[index]: "dead" for index in dead},
        **{names[index]: text for index, text in folded.items()},
        **{names[index]: names[first] for index, first in same.items()},
    }


def one() -> int:
    return 1


def twice(x: int) -> int:
    return x * 2


def plus(x: int, y: int = 5) -> int:
    return x + y


def listed(x: int) -> list[int]:
    return [x]


def total(values: list[int]) -> int:
    return sum(values)


def untyped(x):  # type: ignore[no-untyped-def]
    return x


async def later(x: int) -> int:
    return x


def pure(dag: DAG, func: Callable[..., Any], name: str, *sources: Any, **options: Any) -> Any:
    """Add a pure node that reads some others."""
    return impure(dag, func, name, *sources, pure=True, **options)


def impure(dag: DAG, func: Callable[..., Any], name: str, *sources: Any, **options: Any) -> Any:
    node: Any = dag.add_node(Node(func, name, **options))
    for source in sources:
        source >> node
    return node


# -- dead --------------------------------------------------------------------------------------------------------------


def test_pure_nodes_that_nothing_kept_needs_are_dead() -> None:
    dag = DAG("d")
    a = pure(dag, twice, "a")
    b = pure(dag, twice, "b", a)
    pure(dag, twice, "c", b)
    pure(dag, plus, "d", a)

    assert found(dag, "d") == {"b": "dead", "c": "dead"}


def test_what_a_node_with_side_effects_needs_is_alive() -> None:
    dag = DAG("d")
    a = pure(dag, twice, "a")
    b = pure(dag, plus, "b", a)
    impure(dag, twice, "c", b)
    pure(dag, plus, "d")

    assert found(dag, "c") == {"d": "dead"}


def test_nothing_is_dead_where_all_results_are_kept() -> None:
    dag = DAG("d")
    pure(dag, twice, "a")

    assert optimize(dag.plan(), None) == NOTHING


def test_nothing_is_dead_where_a_node_sees_all_results() -> None:
    dag = DAG("d")
    pure(dag, twice, "a")

    @dag.node
    def sees(context: Context) -> int:
        return len(context.results)

    assert found(dag, "sees") == {}


def test_a_pure_node_on_a_branch_can_be_dead() -> None:
    dag = DAG("d")

    @dag.condition(pure=True)
    def big(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 1, x)

    big.on_true >> pure(dag, twice, "a")
    big.on_false >> pure(dag, plus, "b")

    assert found(dag, "b") == {"a": "dead"}
    assert found(dag, "big") == {"a": "dead", "b": "dead"}


@pytest.mark.parametrize(
    ("func", "options"),
    [(twice, {"policies": [RetryStrategy()]}), (later, {})],
    ids=["policies", "async"],
)
def test_what_may_be_noticed_is_not_dead(func: Callable[..., Any], options: dict[str, Any]) -> None:
    dag = DAG("d")
    pure(dag, func, "a", **options)
    pure(dag, plus, "b")

    assert found(dag, "b") == {}


def test_what_checks_its_arguments_is_not_dead() -> None:
    dag = DAG("d")
    pure(dag, twice, "a", impure(dag, untyped, "u"))

    assert found(dag, "u") == {}


def test_a_nested_workflow_is_not_dead() -> None:
    inner = DAG("inner")
    pure(inner, twice, "a")
    dag = DAG("d")
    dag.add_workflow("nested", inner).pure = True
    pure(dag, plus, "b")

    assert found(dag, "b") == {}


# -- folded ------------------------------------------------------------------------------------------------------------


def composed(flow: Callable[..., Any], *nodes: Any) -> DAG:
    """Make a workflow that is wired by calls."""
    dag = DAG("composed")
    for node in nodes:
        dag.add_node(node)
    dag.compose(flow)
    return dag


def test_calls_with_constants_are_folded() -> None:
    first, second, third = (Node(func, func.__name__, pure=True) for func in (one, twice, plus))

    def flow() -> Any:
        return third(second(first()), y=-7)

    dag = composed(flow, first, second, third)

    assert found(dag) == {"one": "1", "twice": "2", "plus": "-5"}
    assert dag.run() == -5


def test_a_call_with_an_input_is_not_folded_even_if_that_has_a_default() -> None:
    dag = DAG("d")

    @dag.node(pure=True)
    def with_default(x: int = 3) -> int:
        return x

    assert found(dag) == {}


def test_a_call_of_a_node_with_side_effects_is_not_folded() -> None:
    dag = DAG("d")
    pure(dag, twice, "b", impure(dag, one, "a"))

    assert found(dag) == {}


@pytest.mark.parametrize(
    "value",
    [[1], {"a": 1}, object(), float("nan"), float("inf"), 1 << 500, "x" * 500, (1, [2]), frozenset([1]), True + 0j],
    ids=lambda value: type(value).__name__,
)
def test_a_value_without_an_exact_literal_is_not_folded(value: object) -> None:
    dag = DAG("d")
    pure(dag, lambda: value, "a")

    assert found(dag) == {}


@pytest.mark.parametrize("value", [-0.0, (1, ("a", b"b")), '"\n\u2028', None, True, -3])
def test_a_literal_gives_exactly_the_value(value: object) -> None:
    dag = DAG("d")
    pure(dag, lambda: value, "a")

    again = eval(found(dag)["a"])  # noqa: S307 - what is shown is that this is right

    assert (repr(again), type(again)) == (repr(value), type(value))


@pytest.mark.parametrize("error", [ValueError, RecursionError, SystemExit, Warning])
def test_a_call_that_raises_is_left_to_the_run(error: type[BaseException]) -> None:
    def fails() -> int:
        raise error

    dag = DAG("d")
    pure(dag, twice, "b", pure(dag, fails, "a"))

    assert found(dag) == {}


def test_a_constant_that_can_be_changed_is_not_known() -> None:
    values = [1, 2]
    node = Node(total, pure=True)

    def flow() -> Any:
        return node(values)

    assert found(composed(flow, node)) == {}


def test_nothing_on_a_branch_or_with_policies_is_folded() -> None:
    dag = DAG("d")

    @dag.condition
    def big(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 1, x)

    pure(dag, one, "a").after(big.on_true)
    pure(dag, one, "b", policies=[RetryStrategy()])
    impure(dag, one, "c")

    assert found(dag) == {}


# -- same --------------------------------------------------------------------------------------------------------------


def test_a_call_that_was_made_before_is_shared() -> None:
    dag = DAG("d")
    source = impure(dag, twice, "source")
    a, b = pure(dag, twice, "a", source), pure(dag, twice, "b", source)
    pure(dag, plus, "c", a)
    pure(dag, plus, "d", b)
    pure(dag, plus, "e", b, source)

    assert found(dag) == {"b": "a", "d": "c"}


def test_inputs_of_one_name_are_the_same() -> None:
    dag = DAG("d")
    for name in ("a", "b"):
        pure(dag, plus, name)

    assert found(dag) == {"b": "a"}


def test_inputs_of_one_name_with_different_defaults_are_not_the_same() -> None:
    dag = DAG("d")

    @dag.node(pure=True)
    def a(y: int) -> int:
        return y

    first = a.func
    dag.add_node(Node(first, "b", pure=True))

    @dag.node
    def other(y: int = 3) -> int:
        return y

    assert found(dag) == {"b": "a"}

    one_of, other_of = Node(plus, "c", pure=True), Node(plus, "d", pure=True)

    def flow(y: int = 5, x: int = 1) -> Any:
        return other_of(x=one_of(x=1, y=y), y=5)

    assert found(composed(flow, one_of, other_of)) == {}


def test_equal_constants_are_the_same_and_what_only_compares_equal_is_not() -> None:
    nodes: list[Any] = [Node(plus, name, pure=True) for name in "abcd"]

    def flow(x: int) -> Any:
        values = [node(x, y=y) for node, y in zip(nodes, (3, 3, 3.0, True), strict=True)]
        return tuple(values)

    assert found(composed(flow, *nodes)) == {"b": "a"}


def test_another_function_or_other_arguments_are_not_the_same() -> None:
    dag = DAG("d")
    source = impure(dag, twice, "source")
    pure(dag, twice, "a", source)
    pure(dag, plus, "b", source)
    pure(dag, twice, "c")
    impure(dag, twice, "d", source)
    pure(dag, twice, "e", source, policies=[RetryStrategy()])
    pure(dag, lambda x: x * 2, "f", source)

    assert found(dag) == {}


def test_a_value_that_can_be_changed_is_not_shared() -> None:
    dag = DAG("d")
    for name in ("a", "b"):
        pure(dag, listed, name)

    assert found(dag) == {}


def test_what_may_be_skipped_is_not_shared() -> None:
    dag = DAG("d")

    @dag.condition
    def big(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 1, x)

    way = impure(dag, twice, "way")
    big.on_true >> way
    for name in ("a", "b"):
        pure(dag, twice, name, way)

    assert found(dag) == {}


def test_what_may_have_been_changed_between_is_not_the_same() -> None:
    dag = DAG("d")
    values = impure(dag, listed, "values")
    a = pure(dag, total, "a", values)
    changes = impure(dag, total, "changes", values).after(a)
    b = pure(dag, total, "b", values).after(changes)
    pure(dag, total, "c", values).after(b)

    assert found(dag) == {"c": "b"}


def test_a_node_that_takes_the_context_is_not_the_same() -> None:
    dag = DAG("d")

    def sees(context: Context) -> int:
        return len(context.results)

    for name in ("a", "b"):
        pure(dag, sees, name)

    assert found(dag) == {}


def test_a_state_machine_keeps_all_its_calls() -> None:
    fsm = FSM("m")

    @fsm.state(is_initial=True, pure=True)
    def start() -> FSMReturn[int]:
        return FSMReturn(stop_condition=True, value=1)

    assert optimize(fsm.plan(), ()) == NOTHING


# -- types -------------------------------------------------------------------------------------------------------------


class Color(Enum):
    RED = 1


class Pair(NamedTuple):
    a: int


@dataclass(frozen=True)
class Point:
    x: int
    after: Point | None = None


@dataclass(frozen=True)
class Holder:
    values: list[int]


@dataclass
class Open:
    x: int


class Loose(Point):
    """Takes attributes of its own."""


SIMPLE = [int, str, bytes, bool, float, None, int | None, Literal["a", 1], Color]
MADE_OF_SIMPLE = [Point, tuple[()], tuple[int, ...], frozenset[str], tuple[Point | None, frozenset[Color]]]
UNKNOWN = [object, Any, tuple, frozenset, frozenset[Any], Callable[[], int], type[int], RetryStrategy]
CHANGEABLE = [list[int], tuple[list[int], int], int | list[int], Holder, Open, Loose, Pair]


@pytest.mark.parametrize("hint", [*SIMPLE, *MADE_OF_SIMPLE], ids=str)
def test_values_of_these_types_cannot_be_changed(hint: object) -> None:
    assert is_immutable(hint)


@pytest.mark.parametrize("hint", [*UNKNOWN, *CHANGEABLE], ids=str)
def test_values_of_these_types_may_be_changed(hint: object) -> None:
    assert not is_immutable(hint)


# -- all at once -------------------------------------------------------------------------------------------------------


def weigh(*values: int) -> int:
    return 7 * sum(values) + len(values)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_is_left_out_of_random_workflows_is_not_missed(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    dag = DAG("random")
    nodes: list[Any] = []
    for number in range(random.randint(1, 12)):
        func, most = random.choice(((weigh, 3), (weigh, 1), (plus, 2), (one, 0)))
        sources = random.sample(nodes, random.randint(0, min(most, number)))
        make = pure if random.random() < 0.8 else impure
        nodes.append(make(dag, func, f"n{number}", *sources))
    keep = [node.name for node in nodes if random.random() < 0.5]
    plan = dag.plan()
    dag.run({entry.name: 1 for entry in plan.inputs})
    dead, folded, same = optimize(plan, keep)

    assert not dead & {step.index for step in plan.steps if step.name in keep}
    assert all(step.node.pure for step in plan.steps if step.index in {*dead, *folded, *same})
    for step in plan.steps:
        if step.index not in dead | folded.keys():
            assert not dead & {
                plan.step_of_slot[slot_of(read)].index for read in reads(step) if read in plan.step_of_slot
            }
    assert {index: str(dag[plan.names[index]]) for index in folded} == folded
    assert all(dag[plan.names[index]] == dag[plan.names[first]] for index, first in same.items())
