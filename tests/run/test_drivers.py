"""Loops, threads and nested runs: each node once, as soon as it can, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any, Literal

import pytest

from fastdag_typed import (
    DAG,
    Node,
    Runner,
    WorkflowExecutionError,
)
from fastdag_typed.events import (
    NodeFailed,
)
from fastdag_typed.step import SKIPPED
from tests.run.workflows import async_dag, diamond

MODES: list[Literal["sequential", "parallel"]] = ["sequential", "parallel"]


@pytest.mark.parametrize("mode", MODES)
def test_async_nodes_run_without_and_inside_a_running_loop(mode: Any) -> None:
    dag = async_dag()
    assert dag.run(x=1, mode=mode) == 4

    async def inside() -> tuple[Any, Any]:
        return Runner(dag).run({"x": 2}, mode).value, await dag.run_async(x=3, mode=mode)

    assert asyncio.run(inside()) == (6, 8)


def test_plain_functions_start_no_loop_so_a_node_can_run_a_workflow() -> None:
    inner = diamond([])
    outer = DAG("outer")

    @outer.node
    def nested(x: int) -> int:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return int(Runner(inner).run({"x": x}).value)

    assert outer.run(x=1) == 12


@pytest.mark.parametrize("mode", MODES)
def test_a_workflow_is_a_node_with_the_open_inputs_as_ports(mode: Any) -> None:
    inner, outer = diamond([]), DAG("outer")
    node = outer.add_workflow("inner", inner)
    outer.add_node(Node(lambda r: r + 1, "plus"))
    node >> outer.nodes["plus"]
    assert node.inputs == ["x"]
    assert outer.run(x=1, mode=mode) == 13
    later = DAG("later")
    later.add_workflow("inner", async_dag()) >> later.add_node(Node(lambda r: r + 1, "plus"))
    assert later.run(x=1, mode=mode) == 5


def test_independent_nodes_really_run_at_the_same_time() -> None:
    dag = DAG("d")
    barrier = threading.Barrier(3)
    for name in "abc":
        dag.add_node(Node(lambda: barrier.wait(timeout=10), name))
    assert sorted(dag.run(mode="parallel", max_workers=3).values()) == [0, 1, 2]


def test_a_parallel_run_does_not_wait_for_a_level() -> None:
    dag = DAG("d")
    reached = threading.Event()

    @dag.node
    def slow() -> bool:
        return reached.wait(timeout=10)

    @dag.node
    def quick() -> int:
        return 1

    @dag.node
    def after_quick(x: int) -> int:
        reached.set()
        return x

    quick >> after_quick
    assert dag.run(mode="parallel") == {"slow": True, "after_quick": 1}


def test_a_cancelled_run_cancels_its_nodes() -> None:
    dag = DAG("d")
    seen: list[str] = []
    started = asyncio.Event()

    @dag.node
    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def go(mode: Any) -> None:
        task = asyncio.create_task(dag.run_async(mode=mode))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for mode in MODES:
        started = asyncio.Event()
        asyncio.run(go(mode))
    assert seen == ["cancelled", "cancelled"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("branches", [False, True])
def test_the_marker_of_what_was_skipped_is_a_value_like_any_other(mode: Any, is_async: bool, branches: bool) -> None:
    dag = DAG("marker")

    def odd(x: int) -> Any:
        return SKIPPED

    async def odd_later(x: int) -> Any:
        return SKIPPED

    @dag.node
    def after(x: Any) -> bool:
        return x is SKIPPED

    dag.add_node(Node(odd_later if is_async else odd, "odd")) >> after
    if branches:

        @dag.condition
        def check(x: bool) -> bool:
            return x

        @dag.node
        def end(x: bool) -> bool:
            return x

        after >> check
        check.on_true >> end
    metrics = Runner(dag).run({"x": 1}, mode)
    assert set(metrics.statuses.values()) == {"done"}
    assert metrics.results["odd"] is SKIPPED
    assert metrics.value is True


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_on_a_branch_that_returns_the_marker_is_skipped(mode: Any, is_async: bool) -> None:
    dag = DAG("marker")

    @dag.condition
    def check(x: bool) -> bool:
        return x

    def odd(x: bool) -> Any:
        return SKIPPED

    async def odd_later(x: bool) -> Any:
        return SKIPPED

    @dag.node
    def after(x: Any) -> Any:
        return x

    node = dag.add_node(Node(odd_later if is_async else odd, "odd"))
    check.on_true >> node
    node >> after
    metrics = Runner(dag).run({"x": True}, mode)
    assert metrics.statuses == {"check": "done", "odd": "skipped", "after": "skipped"}
    assert set(metrics.results) == {"check"}


def test_ctrl_c_while_a_thread_is_started_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    running, stopped = threading.Event(), threading.Event()
    begun: list[str] = []

    class Thread(threading.Thread):
        def start(self) -> None:
            super().start()
            assert running.wait(60)
            raise KeyboardInterrupt

        def join(self, timeout: float | None = None) -> None:
            stopped.set()
            super().join(timeout)

    dag = DAG("d")

    @dag.node
    def first() -> int:
        begun.append("first")
        running.set()
        assert stopped.wait(60)
        return 1

    @dag.node
    def second(x: int) -> int:
        begun.append("second")
        return x

    first >> second
    runner = Runner(dag, max_workers=2)
    monkeypatch.setattr(threading, "Thread", Thread)
    with pytest.raises(KeyboardInterrupt):
        runner.run({}, "parallel")
    assert begun == ["first"]
    assert runner.metrics.results == {"first": 1}
    assert runner.metrics.stop_reason == "interrupted"


@pytest.mark.parametrize("workers", [0, -1])
def test_fewer_than_one_worker_is_refused(workers: int) -> None:
    with pytest.raises(ValueError, match=f"max_workers is at least 1, not {workers}"):
        Runner(diamond([]), max_workers=workers)


def test_stop_iteration_of_a_node_in_a_thread_fails_the_run() -> None:
    dag = DAG("d")

    @dag.node
    def first() -> int:
        return next(iter(()))

    @dag.node
    async def second() -> int:
        return 2

    with pytest.raises(WorkflowExecutionError, match=r'Error in node "first".*StopIteration') as caught:
        dag.run(mode="parallel")
    assert type(caught.value.__cause__) is StopIteration


@pytest.mark.parametrize("is_async", [False, True])
def test_after_a_failure_what_runs_in_a_thread_ends_and_is_recorded(
    is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = DAG("d")
    begun, failed = threading.Event(), threading.Event()

    class Thread(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            failed.set()  # the run waits for its threads: it begins nothing more
            super().join(timeout)

    @dag.node
    def slow() -> int:
        begun.set()
        failed.wait()
        return 1

    @dag.node
    def later(x: int) -> int:
        return x

    def observer(event: Any) -> None:
        if is_async and isinstance(event, NodeFailed):
            failed.set()

    monkeypatch.setattr(threading, "Thread", Thread)
    if is_async:

        @dag.node
        async def bad() -> int:
            await asyncio.to_thread(begun.wait)
            raise ValueError

    else:

        @dag.node
        def bad() -> int:
            begun.wait()
            raise ValueError

    slow >> later
    runner = Runner(dag, observers=[observer])
    with pytest.raises(WorkflowExecutionError):
        runner.run(mode="parallel")
    assert runner.metrics.statuses == {"slow": "done", "later": "pending", "bad": "failed"}
    assert runner.metrics.results == {"slow": 1}


def test_what_a_node_sets_in_a_context_variable_reaches_no_other_node_of_a_parallel_run() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    variable.set("caller")
    dag = DAG("d")

    def look() -> str:
        seen = variable.get()
        variable.set("node")
        return seen

    for index in range(5):
        dag.add_node(Node(look, f"n{index}"))
    assert set(dag.run(mode="parallel", max_workers=2).values()) == {"caller"}


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_system_without_further_threads_slows_a_run_but_does_not_hang_it(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def scarce(thread: threading.Thread) -> None:
        if len(started) >= allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    dag = DAG("d")
    for name in "abc":
        dag.add_node(Node(lambda: 1, name))
    if allowed:
        assert dag.run(mode="parallel") == {"a": 1, "b": 1, "c": 1}
    else:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            dag.run(mode="parallel")
