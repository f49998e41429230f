"""Observers and policies that raise: what is only watched goes on, what is asked for fails and says so."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any, NoReturn

import pytest

from fastdag_typed import DAG, Layer, Node, Runner, WorkflowExecutionError
from fastdag_typed.events import (
    NodeFailed,
    NodeFinished,
    NodeRetried,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import rescue, running
from tests.faults.drivers import DRIVERS, Driver


@pytest.fixture(params=DRIVERS, ids=str)
def driver(request: pytest.FixtureRequest) -> Driver:
    return request.param  # type: ignore[no-any-return]


class Raising:
    """An observer that raises when it is told of an event of a kind."""

    def __init__(self, kind: type, error: BaseException, *, required: bool = False, node: str = "") -> None:
        self.kind = kind
        self.error = error
        self.required = required
        self.node = node
        self.seen: list[Any] = []

    def __call__(self, event: Any) -> None:
        self.seen.append(event)
        if isinstance(event, self.kind) and self.node in ("", getattr(event, "node", "")):
            raise self.error


def well(x: int) -> int:
    return x + 1


@pytest.mark.parametrize("kind", [RunStarted, NodeStarted, NodeFinished, RunFinished])
def test_an_observer_that_raises_is_switched_off_and_the_run_goes_on(
    driver: Driver, kind: type, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = Raising(kind, ValueError("broken")), Raising(type(None), ValueError())
    runner = Runner(driver.workflow(well), observers=[broken, other])
    for _ in range(2):  # it is there again in the next run
        broken.seen, other.seen = [], []
        with caplog.at_level(logging.ERROR):
            metrics = driver.run(runner)
        assert metrics.value == 2
        assert metrics.errors == []
        assert [type(event) for event in broken.seen].index(kind) == len(broken.seen) - 1
        assert len(other.seen) == 8
    assert len([record for record in caplog.records if "switched off" in record.message]) == 2


def test_an_observer_that_raises_in_two_threads_at_once_is_switched_off_once(caplog: pytest.LogCaptureFixture) -> None:
    barrier, broken_error = threading.Barrier(2), ValueError("broken")

    def broken(event: Any) -> None:
        if isinstance(event, NodeStarted):
            barrier.wait(60)
            raise broken_error

    dag = DAG("d")
    for name in ("a", "b"):
        dag.add_node(Node(lambda: 1, name))
    metrics = Runner(dag, observers=[broken], max_workers=2).run(mode="parallel")
    assert metrics.value == {"a": 1, "b": 1}
    assert metrics.errors == []
    assert 1 <= len(caplog.records) <= 2


def test_a_required_observer_that_raises_before_the_nodes_fails_the_run_and_no_node_runs(driver: Driver) -> None:
    broken = Raising(RunStarted, ValueError("broken"), required=True)
    runner = Runner(driver.workflow(well), observers=[broken])
    with pytest.raises(ValueError, match="broken") as caught:
        driver.run(runner)
    assert caught.value is broken.error
    assert runner.metrics.errors == ["Error outside of the nodes: ValueError: broken"]
    assert set(runner.metrics.statuses.values()) == {"pending"}
    assert isinstance(broken.seen[-1], RunFinished)
    assert broken.seen[-1].error is broken.error


@pytest.mark.parametrize("kind", [NodeStarted, NodeFinished])
def test_a_required_observer_that_raises_at_a_node_fails_that_node(driver: Driver, kind: type) -> None:
    called: list[int] = []
    broken = Raising(kind, ValueError("broken"), required=True, node="bad")
    runner = Runner(driver.workflow(called.append), observers=[broken])
    with pytest.raises(WorkflowExecutionError, match="ValueError: broken") as caught:
        driver.run(runner)
    assert caught.value.__cause__ is broken.error
    assert caught.value.node_name == "bad"
    assert called == ([] if kind is NodeStarted else [1])
    assert runner.metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}
    assert runner.metrics.results == {"good": 1}


def test_a_required_observer_that_raises_when_a_node_fails_keeps_the_failure_as_context(driver: Driver) -> None:
    def fault(x: int) -> NoReturn:
        raise KeyError(x)

    broken = Raising(NodeFailed, ValueError("broken"), required=True)
    runner = Runner(driver.workflow(fault), observers=[broken])
    with pytest.raises(WorkflowExecutionError, match="ValueError: broken") as caught:
        driver.run(runner)
    assert caught.value.__cause__ is broken.error
    assert type(broken.error.__context__) is KeyError


def test_a_required_observer_that_raises_when_a_node_is_skipped_fails_that_node() -> None:
    dag = DAG("d")

    @dag.condition
    def check() -> bool:
        return False

    @dag.node
    def on_true(x: Any) -> Any:
        return x

    check.on_true >> on_true
    for mode in ("sequential", "parallel"):
        broken = Raising(NodeSkipped, ValueError("broken"), required=True)
        runner = Runner(dag, observers=[broken])
        with pytest.raises(WorkflowExecutionError, match="ValueError: broken") as caught:
            runner.run(mode=mode)  # type: ignore[arg-type]
        assert caught.value.node_name == "on_true"


def test_a_required_observer_that_raises_at_a_retry_ends_the_retries(driver: Driver) -> None:
    called: list[int] = []

    def fault(x: int) -> NoReturn:
        called.append(x)
        raise KeyError(x)

    broken = Raising(NodeRetried, ValueError("broken"), required=True)
    runner = Runner(driver.workflow(fault, policies=[RetryStrategy(3, delay=0)]), observers=[broken])
    with pytest.raises(WorkflowExecutionError, match="ValueError: broken"):
        driver.run(runner)
    assert called == [1]


def test_a_required_observer_that_raises_at_the_end_fails_a_run_whose_results_stay_readable(driver: Driver) -> None:
    broken = Raising(RunFinished, ValueError("broken"), required=True)
    runner = Runner(driver.workflow(well), observers=[broken])
    with pytest.raises(ValueError, match="broken"):
        driver.run(runner)
    assert runner.metrics.errors == ["Error outside of the nodes: ValueError: broken"]
    assert runner.metrics.stop_reason == "failed"
    assert runner.metrics.value is None
    assert runner.metrics.results == {"good": 1, "bad": 2, "never": 2}


@pytest.mark.parametrize("kind", [RunStarted, NodeStarted, NodeFinished, RunFinished])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interrupt_in_an_observer_ends_the_run(driver: Driver, kind: type, error: Any) -> None:
    runner = Runner(driver.workflow(well), observers=[Raising(kind, error())])
    with pytest.raises(error):
        driver.run(runner)
    assert runner.metrics.stop_reason == "interrupted"


class Wrapping:
    """A policy that raises when it is bound, or around a call; before, after, or instead of what failed."""

    def __init__(self, when: str, error: BaseException, layer: Layer = Layer.HOOK) -> None:
        self.when = when
        self.error = error
        self.layer = layer

    def wrap(self, step: Any, call: Any, emit: Any) -> Any:
        if self.when == "wrap":
            raise self.error

        def check(now: str) -> None:
            if self.when == now and step.name == "bad":
                raise self.error

        def run(*args: Any, **kwargs: Any) -> Any:
            check("before")
            value = call(*args, **kwargs)
            check("after")
            return value

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            check("before")
            value = await call(*args, **kwargs)
            check("after")
            return value

        async def again(error: Exception, args: Any, kwargs: Any) -> Any:
            raise self.error

        if self.when == "rescue":
            return rescue(step, call, again)
        return run_async if step.is_async else run


def test_a_policy_that_raises_while_it_is_bound_stops_the_run_before_any_node(driver: Driver) -> None:
    called: list[int] = []
    policy = Wrapping("wrap", ValueError("broken"))
    runner = Runner(driver.workflow(called.append), policies=[policy])
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            driver.run(runner)
    assert called == []
    policy.when = ""  # nothing half bound is kept
    assert driver.run(runner).statuses["never"] == "done"
    assert called == [1]


@pytest.mark.parametrize("layer", list(Layer))
@pytest.mark.parametrize("when", ["before", "after", "rescue"])
def test_a_policy_that_raises_around_a_call_makes_its_node_fail(driver: Driver, layer: Layer, when: str) -> None:
    def fault(x: int) -> int:
        if when == "rescue":
            raise KeyError(x)
        return x

    policy = Wrapping(when, LookupError("broken"), layer)
    runner = Runner(driver.workflow(fault), policies=[policy])
    with pytest.raises(WorkflowExecutionError, match="LookupError: broken") as caught:
        driver.run(runner)
    assert caught.value.__cause__ is policy.error
    assert caught.value.node_name == "bad"
    assert runner.metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}


class Ending:
    """A policy that leaves something for the end of the run, which raises there."""

    layer = Layer.HOOK

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.ended: list[str] = []

    def wrap(self, step: Any, call: Any, emit: Any) -> Any:
        def act() -> NoReturn:
            self.ended.append(step.name)
            raise ValueError(f"end of {step.name}")

        async def act_later() -> NoReturn:
            await asyncio.sleep(0)
            act()

        def leave() -> None:
            scope: Any = running.get()
            scope.at_end(act_later if self.is_async else act)

        def run(*args: Any, **kwargs: Any) -> Any:
            leave()
            return call(*args, **kwargs)

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            leave()
            return await call(*args, **kwargs)

        return run_async if step.is_async else run


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("error", [None, KeyError("lost"), KeyboardInterrupt()])
def test_what_raises_at_the_end_of_a_run_is_listed_and_changes_neither_value_nor_failure(
    driver: Driver, is_async: bool, error: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(x: int) -> int:
        if error:
            raise error
        return x + 1

    policy = Ending(is_async=is_async)
    runner = Runner(driver.workflow(fault), policies=[policy])
    if error is None:
        assert driver.run(runner).value == 2
    else:
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else WorkflowExecutionError):
            driver.run(runner)
    names = ["never", "bad", "good"][0 if error is None else 1 :]
    assert policy.ended == names
    assert runner.metrics.errors[-len(names) :] == [
        f"Error outside of the nodes: ValueError: end of {n}" for n in names
    ]
    assert runner.metrics.results["good"] == 1
    assert len(caplog.records) == len(names)
