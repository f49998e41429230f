"""A run that is cancelled from outside ends, with its tasks, and what was done stays readable."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, FSM, Node, Runner, State, WorkflowExecutionError
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KINDS = ["sequential", "parallel", "machine"]


class Stage:
    """A workflow that has come to an async node which waits for ever, and what becomes of that."""

    def __init__(self, kind: str, *, nested: bool = False, **options: Any) -> None:
        self.begun = asyncio.Event()
        self.log: list[str] = []
        self.holds = True
        nodes = {"good": lambda: 1, "waits": self.waits, "never": lambda x: x}
        self.mode: Any = "parallel" if kind == "parallel" else "sequential"
        flow: Any = FSM("machine") if kind == "machine" else DAG("graph")
        make: Any = State if kind == "machine" else Node
        made = [flow.add_node(make(func, name, **(options if name == "waits" else {}))) for name, func in nodes.items()]
        for before, after in pairwise(made):
            before >> after
        if kind == "machine":
            flow.set_entrypoint("good")
        if nested:
            outer = DAG("outer")
            outer.add_workflow("inner", flow)
            flow = outer
        self.runner = Runner(flow)

    async def waits(self, x: int) -> None:
        self.begun.set()
        if not self.holds:
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0)
            self.log.append("cleaned up")

    def run(self) -> Awaitable[Any]:
        return self.runner.run_async(mode=self.mode)


async def by_task(stage: Stage) -> None:
    task = asyncio.ensure_future(stage.run())
    await stage.begun.wait()
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def by_timeout(stage: Stage) -> None:
    async def go() -> None:
        async with asyncio.timeout(None) as timer:
            run = asyncio.ensure_future(stage.run())
            await stage.begun.wait()
            timer.reschedule(0)
            await run

    with pytest.raises(TimeoutError):
        await go()


async def by_wait_for(stage: Stage) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stage.run(), 0.05)


async def by_group(stage: Stage) -> None:
    async def fails() -> None:
        await stage.begun.wait()
        raise KeyError

    async def go() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.run())  # type: ignore[arg-type]
            group.create_task(fails())

    with pytest.raises(ExceptionGroup):
        await go()


CANCELS = [by_task, by_timeout, by_wait_for, by_group]


def alone() -> set[Any]:
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cancel", CANCELS)
@pytest.mark.parametrize("nested", [False, True])
def test_a_cancelled_run_cancels_its_node_lets_it_clean_up_and_leaves_no_task(
    kind: str, cancel: Callable[[Stage], Awaitable[None]], nested: bool
) -> None:
    async def go() -> Stage:
        stage = Stage(kind, nested=nested)
        await cancel(stage)
        assert not alone()
        assert running.get() is None
        return stage

    stage = asyncio.run(go())
    metrics = stage.runner.metrics
    assert stage.log == ["cancelled", "cleaned up"]
    assert metrics.stop_reason == "interrupted"
    assert metrics.value is None
    if nested:
        assert metrics.results == {}
    else:
        assert metrics.results == {"good": 1}
        assert metrics.statuses == {"good": "done", "waits": "failed", "never": "pending"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", ["continue", "skip"])
def test_a_cancelled_run_does_not_go_on_whatever_the_strategy(kind: str, strategy: Any) -> None:
    async def go() -> Stage:
        stage = Stage(kind, policies=[RetryStrategy(3, delay=0)])
        stage.runner = Runner(stage.runner.workflow, error_strategy=strategy)
        await by_task(stage)
        return stage

    stage = asyncio.run(go())
    assert stage.log == ["cancelled", "cleaned up"]
    assert stage.runner.metrics.statuses["never"] == "pending"


@pytest.mark.parametrize("kind", KINDS)
def test_a_runner_works_after_it_was_cancelled(kind: str) -> None:
    async def go() -> Any:
        stage = Stage(kind)
        for _ in range(2):
            stage.begun.clear()
            await by_task(stage)
        stage.holds = False
        return await stage.run()

    metrics = asyncio.run(go())
    assert set(metrics.statuses.values()) == {"done"}
    assert metrics.errors == []


def test_a_run_cancelled_before_it_begins_runs_nothing() -> None:
    async def go() -> Stage:
        stage = Stage("parallel")
        task = asyncio.ensure_future(stage.run())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return stage

    stage = asyncio.run(go())
    assert stage.log == []
    assert stage.runner.metrics.results == {}


def test_a_cancelled_parallel_run_lets_sync_nodes_in_threads_come_to_their_end_and_counts_them() -> None:
    begun, go_on = threading.Event(), threading.Event()
    dag = DAG("d")

    @dag.node
    def slow() -> int:
        begun.set()
        assert go_on.wait(60)
        return 1

    @dag.node
    def after(x: int) -> int:
        return x

    @dag.node
    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            go_on.set()

    slow >> after
    runner = Runner(dag)

    async def go() -> None:
        task = asyncio.ensure_future(runner.run_async(mode="parallel"))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not alone()

    asyncio.run(go())
    assert runner.metrics.results == {"slow": 1}
    assert runner.metrics.statuses["after"] == "pending"
    assert runner.metrics.stop_reason == "interrupted"


@pytest.mark.parametrize("nested", [False, True])
def test_a_parallel_run_within_a_node_of_a_cancelled_run_gives_nothing(nested: bool) -> None:
    begun = threading.Event()
    inner, dag, log = DAG("inner"), DAG("d"), list[Any]()

    @inner.node
    def slow() -> int:
        stopped = threading.Event()
        scope: Any = running.get()
        forget = scope.at_stop(stopped.set)
        begun.set()
        assert stopped.wait(60)
        forget()
        return 1

    @inner.node
    def after(x: int) -> int:
        return x

    @dag.node
    def within() -> None:
        try:
            log.append(Runner(inner).run(mode="parallel").value)
        except BaseException as error:
            log.append(type(error))
            raise

    slow >> after
    outer = dag
    if nested:
        outer = DAG("outer")
        outer.add_workflow("within", dag)
    runner = Runner(outer)

    async def go() -> None:
        task = asyncio.ensure_future(runner.run_async(mode="parallel"))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not alone()

    asyncio.run(go())
    assert log == [asyncio.CancelledError]
    assert runner.metrics.results == {}
    assert runner.metrics.stop_reason == "interrupted"


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_node_that_does_not_let_itself_be_cancelled_delays_the_end_of_the_run_and_no_further_node_runs(
    mode: Any,
) -> None:
    dag = DAG("d")
    begun = asyncio.Event()
    log: list[str] = []

    @dag.node
    async def stubborn() -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("went on")
        return 1

    @dag.node
    async def waits(x: int) -> int:
        log.append("next")
        return x

    stubborn >> waits
    runner = Runner(dag)

    async def go() -> None:
        task = asyncio.ensure_future(runner.run_async(mode=mode))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not alone()

    asyncio.run(go())
    assert log[0] == "went on"
    assert runner.metrics.results["stubborn"] == 1
    if mode == "parallel":  # in a sequential run the node took the cancellation for itself: the run was not cancelled
        assert log == ["went on"]
        assert runner.metrics.stop_reason == "interrupted"


def test_a_run_that_is_cancelled_again_while_it_waits_for_a_thread_leaves_neither_task_nor_thread() -> None:
    begun, go_on = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []
    dag = DAG("d")

    @dag.node
    def slow() -> int:
        threads.append(threading.current_thread())
        begun.set()
        assert go_on.wait(60)
        return 1

    @dag.node
    async def quick() -> int:
        return 1

    runner = Runner(dag)

    async def go() -> None:
        task = asyncio.ensure_future(runner.run_async(mode="parallel"))
        await asyncio.to_thread(begun.wait)
        for _ in range(3):
            task.cancel()
            for _ in range(5):
                await asyncio.sleep(0)
            go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert not alone()

    asyncio.run(go())
    threads[0].join(60)  # the run did not wait for it any more
    assert runner.metrics.results["quick"] == 1
    assert runner.metrics.stop_reason == "interrupted"


def test_nodes_that_are_cancelled_because_another_one_failed_have_not_failed_and_interrupt_nothing() -> None:
    begun, go_on = threading.Event(), threading.Event()
    log: list[str] = []
    dag = DAG("d")

    @dag.node
    def slow() -> int:
        scope: Any = running.get()
        forget = scope.at_stop(lambda: log.append("interrupted"))
        begun.set()
        assert go_on.wait(60)
        forget()
        return 1

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.get_running_loop().call_soon(go_on.set)

    dag.add_node(Node(waits, "first"))
    dag.add_node(Node(waits, "second"))

    @dag.node
    async def bad() -> None:
        await asyncio.to_thread(begun.wait)
        raise KeyError

    runner = Runner(dag)
    with pytest.raises(WorkflowExecutionError, match="KeyError"):
        runner.run(mode="parallel")
    assert log == []
    assert runner.metrics.statuses == {"slow": "done", "first": "pending", "second": "pending", "bad": "failed"}
    assert len(runner.metrics.errors) == 1


def test_nodes_in_threads_that_wait_no_longer_because_another_one_failed_interrupt_nothing() -> None:
    threads: dict[str, threading.Thread] = {}
    begun = {name: threading.Event() for name in ("slow", "waits")}
    log: list[str] = []
    dag = DAG("d")

    @dag.node
    def waits() -> None:
        stopped = threading.Event()
        scope: Any = running.get()
        forget = scope.at_stop(stopped.set, begun=False)
        threads["waits"] = threading.current_thread()
        begun["waits"].set()
        assert stopped.wait(60)
        forget()
        raise asyncio.CancelledError

    @dag.node
    def slow() -> int:
        scope: Any = running.get()
        forget = scope.at_stop(lambda: log.append("interrupted"))
        begun["slow"].set()
        assert begun["waits"].wait(60)
        threads["waits"].join(60)
        forget()
        return 1

    @dag.node
    def bad() -> None:
        for event in begun.values():
            assert event.wait(60)
        raise KeyError

    runner = Runner(dag, max_workers=3)
    with pytest.raises(WorkflowExecutionError, match="KeyError"):
        runner.run(mode="parallel")
    assert log == []
    assert runner.metrics.statuses == {"waits": "pending", "slow": "done", "bad": "failed"}
