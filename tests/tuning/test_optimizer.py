"""What an optimizer finds, and that what it makes does the same as what it was given."""

from __future__ import annotations

import logging
from collections.abc import Iterator  # noqa: TC003 - what the annotation says is read at run time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed import DAG, FSM, ConditionalReturn, Context, ExecutionMetrics, Node, Runner
from fastdag_typed.policies.cache import Cache
from fastdag_typed.policies.place import Place
from fastdag_typed.run.config import ExecutionConfig
from fastdag_typed.tuning.optimizer import ExecutionOptimizer, ExecutionPlan, PerformanceOptimizer, Timing
from tests.run.workflows import async_dag, diamond

if TYPE_CHECKING:
    from fastdag_typed import Edge

MODES = ["sequential", "parallel"]


def measured(**seconds: float) -> ExecutionMetrics:
    return ExecutionMetrics(node_times=seconds)


def add(*values: int) -> int:
    return sum(values)


def chains() -> DAG:
    dag = DAG("chains")

    @dag.node
    def load(x: int) -> int:
        return x

    @dag.node
    def clean(x: int) -> int:
        return x + 1

    @dag.node
    def left(x: int) -> int:
        return x * 2

    @dag.node
    def right(x: int) -> int:
        return x * 3

    load >> clean >> [left, right]
    return dag


# -- plans -----------------------------------------------------------------------------------------------------------


def test_chains_are_found_that_run_as_one_call() -> None:
    plan = ExecutionOptimizer().optimize_execution_plan(chains())
    assert plan.fusion_groups == [["load", "clean"]]
    assert ExecutionPlan() == ExecutionPlan([], set(), {})


def test_what_several_nodes_read_is_worth_keeping() -> None:
    assert ExecutionOptimizer().optimize_execution_plan(chains()).cacheable_nodes == {"clean"}


def test_what_was_measured_says_what_is_worth_keeping() -> None:
    optimize = ExecutionOptimizer().optimize_execution_plan
    quick = measured(load=0.9, clean=0.0001, left=0.001, right=0.001)
    assert optimize(chains(), quick).cacheable_nodes == {"load"}
    slow = measured(load=0.001, clean=0.002, left=0.9, right=0.001)
    assert optimize(chains(), slow).cacheable_nodes == {"clean", "left"}


def test_values_travel_by_reference_where_nothing_says_otherwise() -> None:
    assert ExecutionOptimizer().optimize_execution_plan(chains()).data_transfer_plan == {
        "load.result -> clean.x": "reference",
        "clean.result -> left.x": "reference",
        "clean.result -> right.x": "reference",
    }


def test_values_travel_as_pickles_to_and_from_other_processes() -> None:
    dag = chains()
    dag.nodes["left"].policies = (Place("process"),)
    plan = ExecutionOptimizer().optimize_execution_plan(dag)
    assert plan.data_transfer_plan == {
        "load.result -> clean.x": "reference",
        "clean.result -> left.x": "pickle",
        "clean.result -> right.x": "reference",
    }


def test_the_configuration_says_what_runs_in_other_processes() -> None:
    dag = chains()
    dag.nodes["left"].policies = (Place("here"),)
    everywhere = ExecutionOptimizer(ExecutionConfig("processes")).optimize_execution_plan(dag)
    assert set(everywhere.data_transfer_plan.values()) == {"pickle"}
    dag.nodes["clean"].policies = (Place("here"),)
    one_stays = ExecutionOptimizer(ExecutionConfig("processes")).optimize_execution_plan(dag)
    assert one_stays.data_transfer_plan["clean.result -> left.x"] == "reference"
    fetched = ExecutionOptimizer(ExecutionConfig("processes")).optimize_execution_plan(async_dag())
    assert fetched.data_transfer_plan == {"fetch.result -> after.x": "pickle"}, "only the sync end is there"


@pytest.mark.parametrize(("pool", "way"), [(True, "pickle"), (False, "reference")])
def test_heavy_nodes_are_in_other_processes_only_if_asked_for(pool: bool, way: str) -> None:
    if Place("cpu").chosen == "thread":
        pytest.skip("threads are the best place without a GIL")
    config = ExecutionConfig("parallel", use_process_pool=pool)
    plan = ExecutionOptimizer(config).optimize_execution_plan(chains(), measured(left=0.9))
    assert plan.data_transfer_plan["clean.result -> left.x"] == way
    assert plan.data_transfer_plan["clean.result -> right.x"] == "reference"


def test_order_carries_no_value() -> None:
    dag = chains()
    dag.nodes["right"].after(dag.nodes["left"])
    assert len(ExecutionOptimizer().optimize_execution_plan(dag).data_transfer_plan) == 3


def test_a_state_machine_has_no_such_plan() -> None:
    light = FSM("light")

    @light.state(is_initial=True)
    def red(turns: int) -> int:
        return turns

    with pytest.raises(TypeError, match="state machine"):
        ExecutionOptimizer().optimize_execution_plan(light)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="state machine"):
        PerformanceOptimizer.optimize_dag_structure(light)  # type: ignore[arg-type]


# -- nodes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_optimized_node_is_called_once_for_equal_inputs_and_timed(mode: Any, is_async: bool) -> None:
    calls: list[int] = []

    def square(x: int) -> int:
        calls.append(x)
        return x * x

    async def square_later(x: int) -> int:
        return square(x)

    dag = DAG("d")
    plain: Node[[int], Any] = Node(square_later if is_async else square, "square")
    dag.add_node(PerformanceOptimizer.optimize_node_execution(plain))
    runner, context = Runner(dag), Context()
    assert [runner.run({"x": x}, mode).value for x in (3, 4, 3)] == [9, 16, 9]
    assert calls == [3, 4]
    runner.run({"x": 3}, mode, context=context)
    assert 0 <= context.metadata["square_execution_time"] < 10
    assert plain.policies == ()


def test_policies_that_are_there_are_not_added_again() -> None:
    cache = Cache()
    node = PerformanceOptimizer.optimize_node_execution(Node(add, policies=[cache, Timing()]))
    assert node.policies == (cache, Timing())


def no_input() -> int:
    return 1


def effect(x: int) -> None:
    pass


def stream(x: int) -> Iterator[int]:
    yield x


def reads(x: int, context: Context) -> int:
    return x


@pytest.mark.parametrize(
    ("func", "reason"),
    [
        (no_input, "it has no input"),
        (effect, "it returns nothing"),
        (stream, "it returns an iterator"),
        (reads, "it takes the context"),
    ],
)
def test_no_cache_is_put_where_it_would_be_wrong_and_the_reason_is_told(func: Any, reason: str) -> None:
    node: Node[..., Any] = Node(func)
    assert str(PerformanceOptimizer.why_not_cached(node)).startswith(reason)
    assert PerformanceOptimizer.optimize_node_execution(node).policies == (Timing(),)


def test_a_workflow_in_a_node_is_not_cached_as_a_whole() -> None:
    dag = DAG("outer")
    inner = dag.add_workflow("inner", chains())
    assert str(PerformanceOptimizer.why_not_cached(inner)).startswith("it stands for a whole course")
    assert PerformanceOptimizer.why_not_cached(Node(add)) is None


def test_outside_of_a_run_there_is_nowhere_to_note_a_time() -> None:
    dag = DAG("d")
    dag.add_node(Node(add))
    (step,) = dag.plan().steps
    assert Timing().wrap(step, step.func, lambda _: None)(1, 2) == 3


# -- structure -------------------------------------------------------------------------------------------------------


def said(edges: list[Edge]) -> list[str]:
    return [f"{edge.source.name} {edge.target.name}" for edge in edges]


def test_order_that_other_edges_imply_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    dag = chains()
    nodes = dag.nodes
    nodes["left"].after(nodes["load"])  # load comes before clean, and clean before left
    nodes["clean"].after(nodes["load"])  # the value says it
    nodes["right"].after(nodes["left"])  # nothing else says it
    assert said(PerformanceOptimizer.redundant_edges(dag)) == ["load clean", "load left"]
    lean = PerformanceOptimizer.optimize_dag_structure(dag)
    assert '"load" before "clean", "load" before "left"' in caplog.text
    assert said(list(lean.edges)) == ["load clean", "clean left", "clean right", "left right"]
    assert len(list(dag.edges)) == 6, "what was given stays as it is"
    assert PerformanceOptimizer.redundant_edges(lean) == []
    assert lean.run(x=1) == dag.run(x=1) == 6


def test_data_is_never_left_out() -> None:
    dag = DAG("d")
    a, b, c = (dag.add_node(Node(add, name)) for name in "abc")
    a >> b >> c
    a >> c
    lean = PerformanceOptimizer.optimize_dag_structure(dag)
    assert said(list(lean.edges)) == said(list(dag.edges))


def test_a_branch_is_never_left_out() -> None:
    dag = DAG("d")

    @dag.condition
    def big(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 10)

    @dag.node
    def shrink(x: int) -> int:
        return x - 10

    @dag.any
    def say(x: int | None) -> int:
        return x or 0

    big.on_true >> shrink >> say
    big.on_false >> say
    lean = PerformanceOptimizer.optimize_dag_structure(dag)
    assert said(list(lean.edges)) == said(list(dag.edges))
    assert [lean.run(x=x) for x in (12, 5)] == [dag.run(x=x) for x in (12, 5)] == [2, 0]


def test_a_composed_workflow_keeps_constants_inputs_and_what_it_returns() -> None:
    dag = DAG("calls", metadata={"kept": 1})

    @dag.node(outputs=["low", "high"])
    def split(x: int, by: int) -> tuple[int, int]:
        return x // by, x % by

    @dag.node
    def scale(x: int, factor: int = 1) -> int:
        return x * factor

    @dag.compose
    def flow(number: int, unused: int = 0) -> dict[str, Any]:
        low, high = split(number, 7)
        return {"low": scale(low, factor=2), "both": scale(high), "raw": low}

    lean = PerformanceOptimizer.optimize_dag_structure(dag)
    assert lean.run(number=23) == dag.run(number=23) == {"low": 6, "both": 2, "raw": 3}
    assert lean.plan().hash == dag.plan().hash
    assert lean.metadata == {"kept": 1}
    lean.metadata["kept"] = 2
    lean.remove_node("scale_2") if "scale_2" in lean.nodes else lean.add_node(Node(add, "more"))
    assert dag.metadata == {"kept": 1}
    assert len(dag.nodes) != len(lean.nodes)


def test_policies_names_and_entrypoints_come_along() -> None:
    dag = diamond([])
    dag.set_entrypoint("start")
    cache = Cache()
    dag.nodes["left"].policies = (cache,)
    lean = PerformanceOptimizer.optimize_dag_structure(dag)
    assert lean.nodes["left"].policies == (cache,)
    assert (lean.name, lean.entrypoints) == (dag.name, ["start"])
    assert lean["end"] is None
    lean.add_node(Node(add, "more")).after(lean.nodes["end"])
    assert "more" not in dag.nodes
    assert not list(dag.nodes["end"].edges_out)


@st.composite
def wired(draw: st.DrawFn) -> DAG:
    """Draw a DAG of data and order in any mixture; values tell the way that they came."""
    dag, size = DAG("drawn"), draw(st.integers(1, 7))
    nodes: list[Node[..., Any]] = [dag.add_node(Node(add, f"n{number}")) for number in range(size)]
    for target in range(size):
        for source in range(target):
            kind = draw(st.sampled_from(["none", "none", "data", "order", "both"]))
            if kind in ("data", "both"):
                nodes[source].connect_to(nodes[target])
            if kind in ("order", "both"):
                nodes[target].after(nodes[source])
    return dag


@given(wired())
def test_any_dag_waits_and_gives_the_same_without_its_redundant_edges(dag: DAG) -> None:
    before = said(list(dag.edges))
    lean = PerformanceOptimizer.optimize_dag_structure(dag)
    assert said(list(dag.edges)) == before
    assert [(s.name, s.args, s.waits) for s in lean.plan().steps] == [
        (s.name, s.args, s.waits) for s in dag.plan().steps
    ]
    assert lean.plan().returns == dag.plan().returns
    assert PerformanceOptimizer.redundant_edges(lean) == []
    data = [edge for edge in dag.edges if edge.port is not None]
    assert said([edge for edge in lean.edges if edge.port is not None]) == said(data)
    assert all(node is not lean.nodes[name] for name, node in dag.nodes.items())
