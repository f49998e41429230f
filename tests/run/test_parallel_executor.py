"""The executor chooses how to run by shape, declarations and measured times, and results are the same."""

from __future__ import annotations

import asyncio
import sys
import threading
from time import sleep
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from fastdag_typed import DAG, FSM, Context, ExecutionMetrics, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import MemoryLimitError
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.resources import Memory
from fastdag_typed.run.config import ExecutionConfig
from fastdag_typed.run.executor import DAGAnalysis, ParallelExecutor
from fastdag_typed.run.shape import heavy_place
from tests.run.workflows import async_dag, diamond

if TYPE_CHECKING:
    import numpy as np  # type: ignore[import-not-found]  # an annotation that only type checkers can read

HERE: list[str] = []  # elsewhere this module is imported anew, and the list is empty
PATIENCE = 20  # seconds that nothing here ever takes
one_memory = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="threads are the best place without a GIL"
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "HERE", ["here"])


def array(x: int) -> "np.ndarray":  # noqa: UP037 - as text, whatever the file says
    return len(HERE)


def slow(x: int) -> int:
    sleep(0.015)
    return len(HERE)


def quick(x: int) -> int:
    return len(HERE)


def measured(**seconds: float) -> ExecutionMetrics:
    return ExecutionMetrics(node_times=seconds)


def wide(*funcs: Any, policies: Any = ()) -> DAG:
    """Make a DAG of nodes side by side, called ``n0``, ``n1`` and so on."""
    dag = DAG("wide")
    for number, func in enumerate(funcs):
        dag.add_node(Node(func, f"n{number}", policies=policies))
    return dag


# -- the analysis ----------------------------------------------------------------------------------------------------


def test_levels_are_the_longest_ways_to_nodes() -> None:
    analysis = DAGAnalysis.of(diamond([]))
    assert analysis.levels == {0: ["start"], 1: ["left", "right"], 2: ["end"]}
    assert analysis.max_parallelism == 2
    assert analysis.critical_path == ["start", "left", "end"]
    assert (analysis.critical_time, analysis.total_time) == (0.0, 0.0)
    assert analysis.speedup == pytest.approx(4 / 3)


def test_the_critical_path_is_the_one_that_took_most_time() -> None:
    analysis = DAGAnalysis.of(diamond([]), measured(start=0.1, left=0.2, right=0.5, end=0.1))
    assert analysis.critical_path == ["start", "right", "end"]
    assert analysis.critical_time == pytest.approx(0.7)
    assert analysis.total_time == pytest.approx(0.9)
    assert analysis.speedup == pytest.approx(0.9 / 0.7)


def test_what_was_not_measured_counts_as_nothing() -> None:
    analysis = DAGAnalysis.of(diamond([]), measured(right=0.5, gone=9.0))
    assert analysis.critical_path == ["start", "right", "end"]
    assert analysis.critical_time == analysis.total_time == 0.5


def test_an_empty_analysis_is_that_of_nothing() -> None:
    assert DAGAnalysis().speedup == 0.0
    assert DAGAnalysis().max_parallelism == 1


def test_a_long_chain_is_analyzed() -> None:
    dag = DAG("long")
    dag.chain(*(dag.add_node(Node(quick, f"n{number}")) for number in range(5000)))
    analysis = DAGAnalysis.of(dag)
    assert analysis.max_parallelism == 1
    assert analysis.critical_path == list(dag.nodes)
    assert analysis.speedup == 1.0


def test_a_state_machine_is_refused_with_what_to_do() -> None:
    light = FSM("light")

    @light.state(is_initial=True)
    def red(turns: int) -> int:
        return turns

    with pytest.raises(TypeError, match=r'"light" is a state machine.* \(run it with a Runner\)'):
        DAGAnalysis.of(light)
    with pytest.raises(TypeError, match="state machine"):
        ParallelExecutor().execute(light)


@pytest.mark.parametrize(
    ("share", "heavy"), [(0.1, {"n0", "n1"}), (0.3, {"n0"}), (0.9, set())], ids=["a tenth", "a third", "most"]
)
def test_heavy_is_what_took_its_share_of_the_time(share: float, heavy: set[str]) -> None:
    dag = wide(quick, quick, quick, quick)
    analysis = DAGAnalysis.of(dag, measured(n0=0.6, n1=0.25, n2=0.05, n3=0.1 - 0.001), heavy_share=share)
    assert analysis.heavy_nodes == heavy
    assert analysis.has_heavy_computation == bool(heavy)


def test_what_takes_next_to_nothing_is_not_heavy_whatever_its_share() -> None:
    assert DAGAnalysis.of(wide(quick), measured(n0=0.001)).heavy_nodes == set()


def test_heavy_is_what_has_numeric_types_or_is_placed_elsewhere() -> None:
    frame = type("DataFrame", (), {"__module__": "pandas.core.frame"})

    def table(x: list[Any]) -> int:
        return 1

    def lookalike(x: int) -> "mynumpy.thing":  # type: ignore[name-defined]  # noqa: F821, UP037 - cannot be read
        return 1

    table.__annotations__["x"] = list[frame]  # type: ignore[valid-type]
    dag = wide(array, table, quick, lookalike)
    dag.add_node(Node(quick, "there", policies=[Place("process")]))
    dag.add_node(Node(array, "kept", policies=[Place("here")]))
    assert DAGAnalysis.of(dag, measured(n2=0.001, kept=5.0)).heavy_nodes == {"n0", "n1", "there"}


def test_an_async_node_waits_and_is_not_heavy() -> None:
    assert DAGAnalysis.of(async_dag(), measured(fetch=5.0, after=0.1)).heavy_nodes == set()


# -- the executor ----------------------------------------------------------------------------------------------------


def test_nodes_that_can_run_at_once_do() -> None:
    together = threading.Barrier(2)
    dag = wide(*(lambda: together.wait(PATIENCE) for _ in range(2)))
    assert ParallelExecutor(ExecutionConfig(max_workers=2)).execute(dag).nodes_executed == 2


@pytest.mark.parametrize(("workers", "count"), [(4, 1), (1, 3)], ids=["a chain", "one worker"])
def test_what_cannot_run_at_once_runs_in_the_thread_of_the_caller(workers: int, count: int) -> None:
    dag = wide(*[threading.get_ident] * count)
    metrics = ParallelExecutor(ExecutionConfig(max_workers=workers)).execute(dag)
    assert set(metrics.results.values()) == {threading.get_ident()}


def test_async_and_sync_nodes_run_on_the_current_loop_and_beside_it() -> None:
    async def work() -> Any:
        async with ParallelExecutor() as executor:
            metrics = await executor.execute_dag(async_dag(), {"x": 4})
            other = await executor.execute_dag(diamond([]), {"x": 1})
        return metrics.value, other.value

    assert asyncio.run(work()) == (10, 12)


def test_metrics_of_a_failed_run_stay_readable() -> None:
    dag = diamond([])
    executor = ParallelExecutor()
    dag.nodes["right"].func = lambda x: x.missing
    with pytest.raises(WorkflowExecutionError):
        executor.execute(dag, {"x": 1})
    assert executor.metrics.stop_reason == "failed"
    assert executor.metrics.results["start"] == 1


def test_a_changed_dag_is_looked_at_again() -> None:
    executor, dag = ParallelExecutor(), wide(quick)
    assert executor.execute(dag, {"x": 1}).nodes_executed == 1
    together = threading.Barrier(2)
    dag.add_node(Node(lambda: together.wait(PATIENCE), "a"))
    dag.add_node(Node(lambda: together.wait(PATIENCE), "b"))
    assert executor.execute(dag, {"x": 1}).nodes_executed == 3


def test_it_learns_how_long_nodes_took() -> None:
    executor, dag = ParallelExecutor(), wide(slow, quick)
    assert executor.analyze(dag).total_time == 0.0
    executor.execute(dag, {"x": 1})
    analysis = executor.analyze(dag)
    assert analysis.critical_path == ["n0"]
    assert analysis.critical_time >= 0.015
    assert analysis.heavy_nodes == {"n0"}


def test_the_memory_limit_is_one_for_all_that_it_runs() -> None:
    executor = ParallelExecutor(ExecutionConfig(memory_limit_mb=100))
    assert executor.execute(wide(quick, quick), {"x": 1}).nodes_executed == 2
    with pytest.raises(MemoryLimitError, match="the limit is 100 MB"):
        executor.execute(wide(quick, quick, policies=[Memory(101)]), {"x": 1})


def run(dag: DAG, times: int, inputs: Any = None, **config: Any) -> list[dict[str, Any]]:
    """Run several times; give for each run the nodes that ran here."""
    config.setdefault("use_process_pool", True)
    with ParallelExecutor(ExecutionConfig(max_workers=2, **config)) as executor:
        given = {"x": 1} if inputs is None else inputs
        return [dict(executor.execute(dag, given).results) for _ in range(times)]


@one_memory
def test_heavy_nodes_run_elsewhere_when_it_is_known_that_they_are() -> None:
    assert run(wide(slow, quick), 3) == [{"n0": 1, "n1": 1}, *[{"n0": 0, "n1": 1}] * 2]


@one_memory
def test_numeric_types_are_known_before_the_first_run() -> None:
    assert run(wide(array, quick), 1) == [{"n0": 0, "n1": 1}]


@one_memory
def test_heavy_nodes_stay_if_nothing_runs_beside_them_or_nobody_asked() -> None:
    assert run(wide(array), 2) == [{"n0": 1}] * 2
    assert run(wide(slow, array), 2, use_process_pool=False) == [{"n0": 1, "n1": 1}] * 2


@one_memory
def test_in_processes_mode_all_nodes_are_there() -> None:
    assert run(wide(quick, array), 1, mode="processes") == [{"n0": 0, "n1": 0}]


def lock_in(x: int) -> Any:
    sleep(0.015)
    return threading.Lock()


def lock_out(lock: Any) -> int:
    sleep(0.015)
    return len(HERE)


@one_memory
def test_a_node_stays_whose_function_or_values_cannot_leave() -> None:
    def local(x: int) -> int:
        return slow(x)

    async def waits(x: int) -> int:
        await asyncio.sleep(0.015)
        return 1

    def asks(x: int, context: Context) -> int:
        return slow(x)

    dag = wide(local, waits, asks)
    dag.add_node(Node(lock_in, "in")) >> dag.add_node(Node(lock_out, "out"))
    dag.add_node(Node(lock_out, "given"))
    inputs = {"x": 1, "given.lock": threading.Lock()}
    for results in run(dag, 2, inputs):
        del results["in"]
        assert results == {"n0": 1, "n1": 1, "n2": 1, "out": 1, "given": 1}


@one_memory
def test_a_node_that_says_where_it_runs_runs_there() -> None:
    dag = wide(quick)
    dag.add_node(Node(slow, "pinned", policies=[Place("here")]))
    dag.add_node(Node(quick, "sent", policies=[Place("process")]))
    assert run(dag, 2) == [{"n0": 1, "pinned": 1, "sent": 0}] * 2


@one_memory
def test_a_runner_that_has_measured_nothing_places_what_has_numeric_types() -> None:
    def local(x: "np.ndarray") -> int:  # noqa: UP037 - as above
        return len(HERE)

    dag = wide(array, quick, local)
    with Runner(dag, policies=[heavy_place(dag.plan())]) as runner:
        assert runner.run({"x": 1}, "parallel").results == {"n0": 0, "n1": 1, "n2": 1}


def test_processes_stay_until_it_is_cleaned_up() -> None:
    def pids() -> set[int]:
        return {child.pid for child in psutil.Process().children(recursive=True)}

    before = pids()
    executor = ParallelExecutor(ExecutionConfig("processes", max_workers=1))
    for _ in range(2):
        executor.execute(wide(quick), {"x": 1})
    assert pids() - before
    executor.cleanup()
    executor.cleanup()
    assert not pids() - before
    assert executor.execute(wide(quick), {"x": 1}).nodes_executed == 1
    executor.cleanup()
