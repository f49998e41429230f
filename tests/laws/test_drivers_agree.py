"""Every driver gives the same values, states and errors on random workflows."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastdag_typed import DAG, ConditionalReturn, Node, Runner, SelectReturn, WorkflowExecutionError

KINDS = ["plain", "plain", "plain", "async", "condition", "select", "any", "bool"]


class Recipe:
    """A workflow to be built again and again, with its own log of calls."""

    def __init__(self, nodes: list[tuple[str, int, list[tuple[int, Any]], bool]]) -> None:
        self.nodes = nodes

    def __repr__(self) -> str:
        return f"Recipe({self.nodes})"

    def build(self, log: list[str]) -> DAG:
        dag = DAG("random")
        made: list[Any] = []
        for number, (kind, seed, edges, fails) in enumerate(self.nodes):
            node = self._node(dag, number, kind, seed, len(edges), fails, log)
            for port, (source, branch) in enumerate(edges):
                self._connect(made[source], node, f"p{port}", branch)
            made.append(node)
        return dag

    def _connect(self, source: Any, node: Any, port: str, branch: int) -> None:
        if source.node_type == "condition":
            source = (source, source.on_true, source.on_false)[branch % 3]
        elif source.node_type == "select":
            source = source.on(f"b{branch % 2}")
        source.connect_to(node, input_name=port)

    def branches(self, number: int) -> set[str]:
        """The branches of a selection that are wired."""
        return {f"b{branch % 2}" for _, _, edges, _ in self.nodes for source, branch in edges if source == number}

    def _node(self, dag: DAG, number: int, kind: str, seed: int, ports: int, fails: bool, log: list[str]) -> Any:
        name, wired = f"n{number}", self.branches(number)
        names = [f"p{i}" for i in range(ports)]

        def body(values: dict[str, Any]) -> Any:
            log.append(name)
            if fails:
                raise ValueError(f"{name} fails")
            total = seed + sum(v for v in values.values() if v is not None)
            if kind == "condition":
                return ConditionalReturn(total % 2 == 0, total)
            if kind == "bool":
                return total % 2 == 0
            if kind == "select":
                return SelectReturn(total, branch if (branch := f"b{total % 2}") in wired else None)
            return total

        def sync(**values: Any) -> Any:
            return body(values)

        async def later(**values: Any) -> Any:
            await asyncio.sleep(0)
            return body(values)

        func = later if kind == "async" else sync
        if kind in ("condition", "bool"):
            decorate = dag.condition(name=name)
            node = decorate(func)
            node._inputs = tuple(names)
            return node
        if kind == "select":
            node = dag.select(name=name)(func)
            node._inputs = tuple(names)
            return node
        node_type = "any" if kind == "any" else "standard"
        return dag.add_node(Node(func, name, inputs=names, node_type=node_type))  # type: ignore[arg-type]


@st.composite
def recipes(draw: st.DrawFn, *, failing: bool = False) -> Recipe:
    nodes = []
    for number in range(draw(st.integers(1, 9))):
        count = draw(st.integers(0, min(3, number)))
        sources = draw(st.lists(st.integers(0, number - 1), min_size=count, max_size=count)) if number else []
        edges = [(source, draw(st.integers(0, 2))) for source in sources]
        fails = failing and draw(st.integers(0, 5)) == 0
        nodes.append((draw(st.sampled_from(KINDS)), draw(st.integers(0, 9)), edges, fails))
    return Recipe(nodes)


def outcome(dag: DAG, mode: Any, *, asynchronous: bool) -> tuple[Any, ...]:
    runner = Runner(dag)
    error: Any = None
    try:
        if asynchronous:
            asyncio.run(runner.run_async(mode=mode))
        else:
            runner.run(mode=mode)
    except WorkflowExecutionError as raised:
        error = (str(raised), raised.node_name, repr(raised.__cause__))
    return runner.metrics, error


WAYS = [("sequential", True), ("parallel", False), ("parallel", True)]


@settings(max_examples=300, deadline=None)
@given(recipes())
def test_every_driver_gives_the_same_values_and_states(recipe: Recipe) -> None:
    log: list[str] = []
    expected, _ = outcome(recipe.build(log), "sequential", asynchronous=False)
    for mode, asynchronous in WAYS:
        other: list[str] = []
        dag = recipe.build(other)
        found, _ = outcome(dag, mode, asynchronous=asynchronous)
        assert found.results == expected.results
        assert found.value == expected.value
        assert found.statuses == expected.statuses
        assert sorted(other) == sorted(log)
        at = {name: i for i, name in enumerate(other)}
        for step in dag.plan().steps:
            for wait in step.waits:
                before = dag.plan().names[wait]
                assert step.name not in at or before not in at or at[before] < at[step.name]


@settings(max_examples=300, deadline=None)
@given(recipes(failing=True))
def test_a_failure_is_the_same_where_only_one_node_can_be_first(recipe: Recipe) -> None:
    log: list[str] = []
    expected, error = outcome(recipe.build(log), "sequential", asynchronous=False)
    for mode, asynchronous in WAYS:
        other: list[str] = []
        found, other_error = outcome(recipe.build(other), mode, asynchronous=asynchronous)
        assert (other_error is None) == (error is None)
        if mode == "sequential" or sum(fails for _, _, _, fails in recipe.nodes) == 1:
            assert other_error == error
        if mode == "sequential":
            assert other == log
            assert found.statuses == expected.statuses
