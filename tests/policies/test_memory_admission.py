"""Nodes wait for the memory that they need, in every mode, and what they took is measured."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import pytest

from fastdag_typed import DAG, Context, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import MemoryLimitError, RunTimeoutError
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.resources import Memory, ProcessGauge, ResourceManager
from fastdag_typed.run.config import ExecutionConfig
from fastdag_typed.step import running
from tests.policies.memory import PATIENCE, Machine, manager, node, until


def test_a_node_that_can_never_fit_is_refused_before_any_node_runs() -> None:
    dag = DAG("d")
    ran: list[str] = []

    @dag.node
    def small() -> int:
        ran.append("small")
        return 1

    @dag.node(policies=[Memory(200)])
    def large(x: int) -> int:
        return x

    small >> large
    with pytest.raises(MemoryLimitError) as caught:
        Runner(dag, policies=[manager(100)]).run()
    assert ran == []
    error = caught.value
    assert (error.node_name, error.needed_mb, error.limit_mb, error.where) == ("large", 200, 100, large.where)
    assert 'Node "large" (' in str(error)
    assert "needs 200 MB of memory, but the limit is 100 MB" in str(error)


def crowd(width: int, *policies: Any, in_a_loop: bool = False) -> tuple[DAG, list[int]]:
    """Make nodes side by side that note how many of them run at once."""
    dag, at_once, lock = DAG("crowd"), [0, 0], threading.Lock()

    def enter() -> None:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)

    def leave() -> None:
        with lock:
            at_once[0] -= 1

    def sync() -> int:
        enter()
        threading.Event().wait(0.001)
        leave()
        return 1

    async def later() -> int:
        enter()
        await asyncio.sleep(0.001)
        leave()
        return 1

    for number in range(width):
        dag.add_node(Node(later if in_a_loop else sync, f"n{number}", policies=policies))
    return dag, at_once


@pytest.mark.parametrize("in_a_loop", [False, True])
def test_no_more_nodes_run_at_once_than_fit(in_a_loop: bool) -> None:
    dag, at_once = crowd(12, Memory(30), in_a_loop=in_a_loop)
    resources = manager(100)
    metrics = Runner(dag, policies=[resources], max_workers=12).run(mode="parallel")
    assert metrics.nodes_executed == 12
    assert at_once[1] <= 3
    assert resources.current_memory_usage == 0


def test_runners_may_share_one_account() -> None:
    resources = manager(100)
    pairs = [crowd(6, Memory(60)) for _ in range(3)]
    barrier = threading.Barrier(3)

    def run(dag: DAG) -> int:
        barrier.wait(PATIENCE)
        return Runner(dag, policies=[resources], max_workers=6).run(mode="parallel").nodes_executed

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, [dag for dag, _ in pairs])) == [6, 6, 6]
    assert all(at_once[1] == 1 for _, at_once in pairs)
    assert resources.current_memory_usage == 0


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_node_that_fails_gives_back_what_it_had(mode: Any) -> None:
    dag, resources = DAG("d"), manager(100)

    @dag.node(policies=[Memory(80)])
    def breaks() -> int:
        raise ValueError("broken")

    for _ in range(3):
        with pytest.raises(WorkflowExecutionError):
            Runner(dag, policies=[resources]).run(mode=mode)
    assert resources.current_memory_usage == 0


def test_an_exception_of_any_kind_goes_through_as_it_is() -> None:
    dag, resources = DAG("d"), manager(100)

    @dag.node
    def stops() -> int:
        raise StopIteration(3)

    with pytest.raises(WorkflowExecutionError) as caught:
        Runner(dag, policies=[resources]).run()
    assert isinstance(caught.value.__cause__, StopIteration)
    assert resources.current_memory_usage == 0


def test_a_cancelled_run_gives_back_what_its_nodes_had_and_waited_for() -> None:
    resources, begun = manager(100), asyncio.Event()
    dag = DAG("d")

    async def hang() -> int:
        begun.set()
        await asyncio.Event().wait()
        return 1

    for number in range(3):
        dag.add_node(Node(hang, f"n{number}", policies=[Memory(100)]))

    async def work() -> None:
        task = asyncio.create_task(Runner(dag, policies=[resources]).run_async(mode="parallel"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert resources.current_memory_usage == 0


def test_a_workflow_in_a_node_asks_for_nothing_more() -> None:
    resources = manager(100)
    inner = DAG("inner")
    inner.add_node(Node(lambda: resources.current_memory_usage, "look", policies=[Memory(90)]))
    dag = DAG("d")

    @dag.node(policies=[Memory(80)])
    def outer() -> int:
        return Runner(inner, policies=[resources]).run().value

    assert Runner(dag, policies=[resources]).run().value == 80
    assert resources.current_memory_usage == 0


def test_a_sync_node_on_an_event_loop_begins_beyond_the_limit_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    resources, dag, other = manager(100), DAG("d"), node("other run", 80)

    @dag.node(policies=[Memory(0)])
    async def first() -> int:
        return 1

    @dag.node(policies=[Memory(60)])
    def second(x: int) -> int:
        return resources.current_memory_usage

    first >> second
    resources.acquire(other)
    assert Runner(dag, policies=[resources]).run().value == 140
    assert resources.node_memory_usage == {"other run": 80}
    assert 'Node "second" begins with 140 MB of memory in use, beyond the limit of 100 MB' in caplog.text


class Scope:
    """A run that can be stopped."""

    def __init__(self, deadline: float | None = None) -> None:
        self.plan: Any = None
        self.workers: Any = None
        self.context = Context()
        self.deadline = deadline
        self.stops: list[Any] = []

    def emit(self, event: Any) -> None: ...
    def at_end(self, action: Any) -> None: ...

    def at_stop(self, action: Any, *, begun: bool = True) -> Any:
        self.stops.append(action)
        return lambda: self.stops.remove(action)


def called(resources: ResourceManager, one: Node[..., Any]) -> Any:
    """Give the call of a node as a run would make it."""
    dag = DAG("d")
    dag.add_node(one)
    (step,) = dag.plan().steps
    return resources.wrap(step, step.func, lambda _: None)


def in_scope(scope: Scope, call: Any) -> Any:
    running.set(scope)
    return call()


def test_a_thread_that_waits_is_woken_when_its_run_is_stopped() -> None:
    resources, holder, scope = manager(100), node("holder", 100), Scope()
    resources.acquire(holder)
    call = called(resources, node("waits", 50))
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(in_scope, scope, call)
        until(lambda: len(resources.turns.waiting) == 1)
        scope.stops[0]()
        with pytest.raises(asyncio.CancelledError):
            raise waits.exception(PATIENCE) or AssertionError
    assert scope.stops == []
    assert resources.node_memory_usage == {"holder": 100}


def test_nothing_begins_in_a_run_that_is_stopped_already() -> None:
    resources = manager(100)

    class Stopped(Scope):
        def at_stop(self, action: Any, *, begun: bool = True) -> Any:
            action()
            return super().at_stop(action, begun=begun)

    resources.acquire(node("holder", 50))
    for megabytes in (10, 80):  # one that fits, and one that would have to wait
        call = called(resources, node("late", megabytes))
        with ThreadPoolExecutor(1) as pool, pytest.raises(asyncio.CancelledError):
            pool.submit(in_scope, Stopped(), call).result(PATIENCE)
    assert resources.node_memory_usage == {"holder": 50}


@pytest.mark.parametrize("in_a_loop", [False, True])
def test_waiting_ends_with_the_time_of_the_run(in_a_loop: bool) -> None:
    resources, holder, scope = manager(100), node("holder", 100), Scope(deadline=perf_counter() + 0.01)
    resources.acquire(holder)

    async def later() -> int:
        return 1

    one = Node(later, "late", policies=[Memory(50)]) if in_a_loop else node("late", 50)
    call = called(resources, one)
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(RunTimeoutError, match=r'before node "late": it waited for 50 MB of memory') as caught,
    ):
        pool.submit(in_scope, scope, (lambda: asyncio.run(call())) if in_a_loop else call).result(PATIENCE)
    assert caught.value.node_name == "late"
    assert resources.node_memory_usage == {"holder": 100}


# -- what was measured -----------------------------------------------------------------------------------------------


def growing(machine: Machine, *growths: float, peak: float = 0.0) -> Any:
    left = list(growths)

    def grow() -> int:
        if peak:
            machine.most = machine.now + peak
        machine.now += left.pop(0)
        return 1

    return grow


def test_a_node_that_declares_nothing_needs_what_its_calls_took_at_most() -> None:
    machine = Machine()
    resources, dag = ResourceManager(1000, gauge=machine), DAG("d")
    grows = dag.add_node(Node(growing(machine, 20.5, 300.0, -50.0), "grows"))
    needs = []
    for _ in range(3):
        Runner(dag, policies=[resources]).run()
        needs.append(resources.need(grows))
    assert needs == [21, 300, 300]


def test_what_a_call_gave_back_before_its_end_counts_too() -> None:
    machine = Machine()
    resources, dag = ResourceManager(1000, gauge=machine), DAG("d")
    grows = dag.add_node(Node(growing(machine, 0.0, peak=400.0), "grows"))
    Runner(dag, policies=[resources]).run()
    assert resources.need(grows) == 400


def test_a_call_that_ran_alone_counts_more_than_those_in_company() -> None:
    machine = Machine()
    resources, company = ResourceManager(1000, gauge=machine), node("company", 1)
    dag = DAG("d")
    grows = dag.add_node(Node(growing(machine, 500.0, 20.0, 700.0, 30.0), "grows"))
    runner = Runner(dag, policies=[resources])
    needs = []
    for in_company in (True, False, True, False):
        if in_company:
            resources.acquire(company)
        runner.run()
        if in_company:
            resources.release(company)
        needs.append(resources.need(grows))
    assert needs == [500, 20, 20, 30]


def test_a_call_that_failed_says_nothing_of_what_is_needed() -> None:
    dag, resources = DAG("d"), manager(1000)

    @dag.node
    def breaks() -> int:
        raise ValueError

    with pytest.raises(WorkflowExecutionError):
        Runner(dag, policies=[resources]).run()
    assert resources.need(breaks) == 100


def fill(x: int) -> int:
    """Take 64 mebibytes for a while."""
    return len(bytes(64 * 2**20).replace(b"\0", b"x", 2)) * 0 + x


def test_what_a_call_takes_in_a_worker_process_is_measured_there() -> None:
    dag, resources = DAG("d"), ResourceManager(100_000)
    fills = dag.add_node(Node(fill, policies=[Place("process")]))
    with Runner(dag, policies=[resources]) as runner:
        assert runner.run({"x": 7}).value == 7
    assert resources.need(fills) >= 64
    assert resources.current_memory_usage == 0


def test_the_limit_of_the_configuration_holds_in_every_mode() -> None:
    for mode in ("sequential", "parallel", "processes"):
        dag = DAG("d")
        dag.add_node(Node(fill, policies=[Memory(200)]))
        with (
            Runner(dag, ExecutionConfig(mode, memory_limit_mb=100)) as runner,
            pytest.raises(MemoryLimitError, match="needs 200 MB"),
        ):
            runner.run({"x": 1})


def test_the_gauge_of_the_process_sees_what_is_allocated() -> None:
    gauge = ProcessGauge()
    before, _ = gauge.used()[os.getpid()]
    block = bytearray(64 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    after, most = gauge.used()[os.getpid()]
    assert after - before > 50
    assert most > before + 50
    assert gauge.available() > 0
