"""Runs inside of nodes, runs beside each other, event loops of nodes, long chains: each run is its own."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from fastdag_typed import DAG, FSM, Context, FSMReturn, Node, Runner, WorkflowExecutionError
from fastdag_typed.step import running
from tests.faults.drivers import DRIVERS, Driver

MODES: list[Any] = ["sequential", "parallel"]


@pytest.fixture(params=DRIVERS, ids=str)
def driver(request: pytest.FixtureRequest) -> Driver:
    return request.param  # type: ignore[no-any-return]


def inner_flow(*, is_async: bool, fails: bool = False) -> DAG:
    dag = DAG("inner")

    def double(x: int) -> int:
        if fails:
            raise KeyError(x)
        return x * 2

    async def double_later(x: int) -> int:
        await asyncio.sleep(0)
        return double(x)

    dag.add_node(Node(double_later if is_async else double, "double"))
    return dag


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_that_runs_a_workflow_gets_its_value_and_the_outer_run_goes_on(
    driver: Driver, mode: Any, is_async: bool
) -> None:
    inner = Runner(inner_flow(is_async=is_async))

    def nested(x: int) -> Any:
        outer = running.get()
        value = inner.run({"x": x + 1}, mode).value
        assert running.get() is outer
        assert outer is not None
        return value

    metrics = driver.run(Runner(driver.workflow(nested)))
    assert metrics.results == {"good": 1, "bad": 4, "never": 4}
    assert inner.metrics.results == {"double": 4}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_whose_own_run_fails_fails_with_that_runs_error(driver: Driver, mode: Any, is_async: bool) -> None:
    inner = Runner(inner_flow(is_async=is_async, fails=True))
    with pytest.raises(WorkflowExecutionError) as caught:
        driver.run(Runner(driver.workflow(lambda x: inner.run({"x": x}, mode))))
    middle = caught.value.__cause__
    assert caught.value.node_name == "bad"
    assert isinstance(middle, WorkflowExecutionError)
    assert middle.node_name == "double"
    assert type(middle.__cause__) is KeyError


@pytest.mark.parametrize("mode", MODES)
def test_an_async_node_may_await_a_run(driver: Driver, mode: Any) -> None:
    if not driver.is_async:
        driver = driver._replace(is_async=True)
    inner = Runner(inner_flow(is_async=True))

    async def nested(x: int) -> Any:
        return (await inner.run_async({"x": x + 1}, mode)).value

    metrics = driver.run(Runner(driver.chain({"good": lambda: 1, "bad": nested})))
    assert metrics.value == 4


def test_runs_may_be_nested_by_nodes_to_any_depth(driver: Driver) -> None:
    def deeper(x: int) -> Any:
        if x > 3:
            return x
        flow = driver.chain({"good": lambda: x + 1, "bad": deeper, "never": lambda y: y})
        return Runner(flow).run(mode=driver.mode).value

    assert driver.run(Runner(driver.workflow(deeper))).value == 4


def test_a_sync_node_may_have_an_event_loop_of_its_own_where_none_is_running(driver: Driver) -> None:
    """Where one is running, Python refuses, and the node fails."""

    async def work(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    def fault(x: int) -> int:
        coming = work(x)
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coming)
        finally:
            coming.close()
            loop.close()

    runner = Runner(driver.workflow(fault))
    on_the_loop = driver.is_async or (driver.by_run_async and (driver.mode == "sequential" or driver.is_machine))
    if not on_the_loop:
        assert driver.run(runner).value == 2
        return
    with pytest.raises(WorkflowExecutionError, match="Cannot run the event loop while another loop is running"):
        driver.run(runner)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_sync_node_may_run_a_loop_beside_async_nodes_in_parallel_mode(is_async: bool) -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    dag = DAG("d")
    dag.add_node(Node(lambda: asyncio.run(work()), "loop"))
    if is_async:
        dag.add_node(Node(work))
    assert set(Runner(dag).run(mode="parallel").results.values()) == {1}


def test_a_node_that_closes_a_loop_of_its_own_does_not_touch_the_loop_of_the_run(driver: Driver) -> None:
    def fault(x: int) -> int:
        loop = asyncio.new_event_loop()
        loop.call_soon(loop.stop)
        loop.close()
        return x + 1

    assert driver.run(Runner(driver.workflow(fault))).value == 2


@pytest.mark.parametrize("mode", MODES)
def test_a_node_that_closes_the_running_loop_fails_with_what_python_says(mode: Any) -> None:
    dag = DAG("d")

    @dag.node
    async def closes() -> None:
        asyncio.get_running_loop().close()

    with pytest.raises(WorkflowExecutionError, match="Cannot close a running event loop"):
        dag.run(mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_node_that_stops_the_running_loop_is_cancelled_and_ends_the_run(mode: Any) -> None:
    dag = DAG("d")

    @dag.node
    async def stops() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)

    runner = Runner(dag)
    with pytest.raises(asyncio.CancelledError):
        runner.run(mode=mode)
    assert runner.metrics.statuses == {"stops": "failed"}
    assert runner.metrics.stop_reason == "interrupted"


def test_tasks_that_a_node_leaves_behind_are_cancelled_with_the_loop_of_the_run() -> None:
    log: list[str] = []
    dag = DAG("d")

    async def forgotten() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    @dag.node
    async def leaves() -> int:
        node.task = asyncio.ensure_future(forgotten())  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        return 1

    class Keep:
        task: Any = None

    node = Keep()
    for mode in MODES:
        assert dag.run(mode=mode) == 1
    assert log == ["cancelled", "cancelled"]


marker: ContextVar[str] = ContextVar("marker")


class Meeting:
    """A workflow whose two runs meet inside of a node, so that they are under way at the same time."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.barrier = threading.Barrier(2)
        self.arrived: list[asyncio.Event] = []

    def flow(self) -> Any:
        driver = self.driver

        def meet(x: Any, context: Context) -> tuple[str, Any]:
            context.metadata["seen"] = marker.get()
            self.barrier.wait(60)
            return marker.get(), x

        async def meet_later(x: Any, context: Context) -> tuple[str, Any]:
            context.metadata["seen"] = marker.get()
            mine, other = self.arrived if marker.get() == "a" else self.arrived[::-1]
            mine.set()
            await other.wait()
            return marker.get(), x

        def last(x: Any, context: Context) -> Any:
            return x, context.metadata["seen"]

        first = {"good": marker.get, "bad": meet_later if driver.is_async else meet, "never": last}
        return driver.chain(first)


@pytest.mark.parametrize("driver", [driver for driver in DRIVERS if not driver.is_async], ids=str)
def test_two_runs_of_one_workflow_in_two_threads_have_contexts_and_results_of_their_own(driver: Driver) -> None:
    meeting = Meeting(driver)
    runner = Runner(meeting.flow())
    found: dict[str, Any] = {}

    def go(name: str) -> None:
        marker.set(name)
        found[name] = driver.run(runner)

    threads = [threading.Thread(target=go, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name in "ab":
        assert found[name].value == ((name, name), name)
        assert found[name].results["good"] == name
        assert found[name].workflow["good"] == name
        assert set(found[name].statuses.values()) == {"done"}
    assert runner.metrics in (found["a"], found["b"])


@pytest.mark.parametrize("kind", ["sequential", "parallel", "machine"])
def test_two_runs_of_one_workflow_in_two_tasks_have_contexts_and_results_of_their_own(kind: str) -> None:
    mode: Any = "parallel" if kind == "parallel" else "sequential"
    driver = Driver("tasks", mode, by_run_async=True, is_async=True, is_machine=kind == "machine")
    meeting = Meeting(driver)
    runner = Runner(meeting.flow())

    async def one(name: str) -> Any:
        marker.set(name)
        return await runner.run_async(mode=mode)

    async def both() -> Any:
        meeting.arrived = [asyncio.Event(), asyncio.Event()]
        return await asyncio.gather(one("a"), one("b"))

    for name, metrics in zip("ab", asyncio.run(both()), strict=True):
        assert metrics.value == ((name, name), name)
        assert metrics.workflow["good"] == name


@pytest.mark.parametrize("kind", ["sequential", "parallel"])
def test_of_two_runs_at_once_one_may_fail_without_a_trace_in_the_other(kind: Any) -> None:
    dag = DAG("d")
    events: dict[str, asyncio.Event] = {}

    @dag.node
    async def meet(name: str) -> str:
        events[name].set()
        await events["b" if name == "a" else "a"].wait()
        if name == "a":
            raise KeyError(name)
        return name

    @dag.node
    def after(x: str) -> str:
        return x

    meet >> after
    runner = Runner(dag)

    async def both() -> Any:
        events.update(a=asyncio.Event(), b=asyncio.Event())
        runs = (runner.run_async({"name": name}, kind) for name in "ab")
        return await asyncio.gather(*runs, return_exceptions=True)

    failed, well = asyncio.run(both())
    assert isinstance(failed, WorkflowExecutionError)
    assert well.errors == []
    assert well.value == "b"
    assert set(well.statuses.values()) == {"done"}


DEEP = 5_000


def test_a_chain_of_five_thousand_nodes_runs_to_its_end(driver: Driver) -> None:
    async def add_later(x: int) -> int:
        return x + 1

    nodes: dict[str, Any] = {"n0": lambda: 0}
    for number in range(1, DEEP):
        nodes[f"n{number}"] = add_later if driver.is_async and number % 50 == 0 else lambda x: x + 1
    flow = driver.chain(nodes)
    metrics = driver.run(Runner(flow))
    assert metrics.value == DEEP - 1
    assert metrics.nodes_executed == DEEP


@pytest.mark.parametrize("strategy", ["stop", "skip"])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_failure_at_the_head_of_a_chain_of_five_thousand_nodes_is_told_once(
    mode: Any, is_async: bool, strategy: Any
) -> None:
    dag = DAG("d")

    def bad() -> int:
        raise KeyError

    async def bad_later() -> int:
        raise KeyError

    nodes = [dag.add_node(Node(bad_later if is_async else bad, "bad"))]
    for number in range(1, DEEP):
        nodes.append(dag.add_node(Node(lambda x: x, f"n{number}")))
        nodes[-2] >> nodes[-1]
    runner = Runner(dag, error_strategy=strategy)
    if strategy == "stop":
        with pytest.raises(WorkflowExecutionError):
            runner.run(mode=mode)
    else:
        assert runner.run(mode=mode).value is None
    assert len(runner.metrics.errors) == 1
    rest = "pending" if strategy == "stop" else "skipped"
    assert list(runner.metrics.statuses.values()).count(rest) == DEEP - 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_workflows_nested_thirty_deep_run_to_their_end(mode: Any, is_async: bool) -> None:
    flow: Any = inner_flow(is_async=is_async)
    for depth in range(30):
        outer = DAG(f"level {depth}")
        outer.add_workflow("inner", flow) >> outer.add_node(Node(lambda r: r + 1, "plus"))
        flow = outer
    assert flow.run(x=1, mode=mode) == 32


def test_a_machine_of_a_hundred_thousand_cycles_runs_to_its_end() -> None:
    fsm = FSM("f", max_cycles=100_000)

    @fsm.state(is_initial=True)
    def first() -> FSMReturn[int]:
        return FSMReturn("count", 0)

    @fsm.state
    def count(n: int) -> FSMReturn[int]:
        return FSMReturn("count" if n < 99_998 else None, n + 1)

    assert fsm.run() == 99_999
    assert fsm.cycle_count == 100_000
