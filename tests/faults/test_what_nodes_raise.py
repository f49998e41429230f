"""Whatever a node raises: the run ends, says which node it was and why, and what was done stays readable."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from itertools import product
from typing import Any, NoReturn

import pytest

from fastdag_typed import DAG, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import RunTimeoutError
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.run.config import ExecutionConfig
from tests.faults.drivers import DRIVERS, Driver


class TwoArgumentsError(Exception):
    """Cannot be made from a text alone."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what, where)


class SilentError(Exception):
    """Raises when it is asked for its text."""

    def __str__(self) -> str:
        raise TypeError("no text")


class HiddenError(SilentError):
    """Raises, whatever it is asked."""

    __repr__ = SilentError.__str__


def recurse(x: int) -> int:
    return recurse(x) + 1


def _raiser(error: BaseException | type[BaseException]) -> Any:
    def fault(x: int) -> NoReturn:
        raise error

    return fault


FAILURES = [
    ValueError("wrong"),
    ValueError,
    StopAsyncIteration("over"),
    ExceptionGroup("several", [ValueError("one"), ExceptionGroup("more", [OSError("two")])]),
    TwoArgumentsError("this", "there"),
    MemoryError(),
    TimeoutError("late"),
    AssertionError(),
]
BESIDE = ["sequential", "sequential-async", "threads", "asyncio"]
PASSING = [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, BaseException]


@pytest.fixture(params=DRIVERS, ids=str)
def driver(request: pytest.FixtureRequest) -> Driver:
    return request.param  # type: ignore[no-any-return]


def ended_at_bad(runner: Runner[Any], reason: str) -> None:
    metrics = runner.metrics
    assert metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}
    assert metrics.results == {"good": 1}
    assert metrics.stop_reason == reason
    assert metrics.value is None
    assert metrics.nodes_executed == 1
    assert runner.workflow["good"] == 1


@pytest.mark.parametrize("error", FAILURES, ids=repr)
def test_an_exception_fails_the_run_which_names_the_node(driver: Driver, error: Any) -> None:
    runner = Runner(driver.workflow(_raiser(error)))
    with pytest.raises(WorkflowExecutionError) as caught:
        driver.run(runner)
    cause = caught.value.__cause__
    assert cause is error or type(cause) is error
    assert caught.value.node_name == "bad"
    assert re.match(r'Error in node "bad" \(.*drivers\.py:\d+\): ', str(caught.value))
    assert str(caught.value).endswith(f"{type(cause).__name__}{f': {cause}' if str(cause) else ''}")
    assert runner.metrics.errors == [str(caught.value)]
    ended_at_bad(runner, "failed")


def test_stop_iteration_fails_the_run_and_ends_no_loop_of_ours(driver: Driver) -> None:
    runner = Runner(driver.workflow(_raiser(StopIteration(7))))
    with pytest.raises(WorkflowExecutionError) as caught:
        driver.run(runner)
    cause = caught.value.__cause__
    if driver.is_async:  # so says Python of every coroutine
        assert type(cause) is RuntimeError
        cause = cause.__cause__
    assert type(cause) is StopIteration
    assert cause.args == (7,)
    ended_at_bad(runner, "failed")


@pytest.mark.parametrize("kind", [SilentError, HiddenError])
def test_an_exception_that_cannot_be_shown_is_still_the_one_of_the_node(driver: Driver, kind: Any) -> None:
    runner = Runner(driver.workflow(_raiser(kind())))
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(WorkflowExecutionError) as caught:
            driver.run(runner)
    finally:
        signal.signal(signal.SIGINT, handler)  # asyncio cannot, if it is not kept from such an exception
    assert type(caught.value.__cause__) is kind
    assert caught.value.node_name == "bad"
    assert kind.__name__ in str(caught.value)
    ended_at_bad(runner, "failed")


def test_endless_recursion_fails_the_run(driver: Driver) -> None:
    runner = Runner(driver.workflow(recurse))
    with pytest.raises(WorkflowExecutionError) as caught:
        driver.run(runner)
    assert type(caught.value.__cause__) is RecursionError
    ended_at_bad(runner, "failed")


@pytest.mark.parametrize("error", PASSING)
@pytest.mark.parametrize("strategy", ["stop", "continue", "skip"])
def test_what_is_no_exception_passes_through_whatever_the_strategy(driver: Driver, error: Any, strategy: Any) -> None:
    raised = error("now")
    runner = Runner(driver.workflow(_raiser(raised)), error_strategy=strategy)
    with pytest.raises(error) as caught:
        driver.run(runner)
    assert caught.value is raised or type(caught.value) is asyncio.CancelledError  # which asyncio makes anew
    ended_at_bad(runner, "interrupted")


@pytest.mark.parametrize("error", PASSING)
def test_what_is_no_exception_is_not_retried_nor_replaced(driver: Driver, error: Any) -> None:
    calls: list[int] = []

    def fault(x: int) -> NoReturn:
        calls.append(x)
        raise error

    policies = [RetryStrategy(3, delay=0), FallbackStrategy(0)]
    runner = Runner(driver.workflow(fault, policies=policies))
    with pytest.raises(error):
        driver.run(runner)
    assert calls == [1]
    ended_at_bad(runner, "interrupted")


def test_a_run_that_skips_failures_goes_on_to_its_end(driver: Driver) -> None:
    runner = Runner(driver.workflow(_raiser(ValueError("wrong"))), ExecutionConfig(error_strategy="skip"))
    metrics = driver.run(runner)
    assert metrics.results == {"good": 1}
    assert metrics.statuses == {"good": "done", "bad": "failed", "never": "pending" if driver.is_machine else "skipped"}
    assert len(metrics.errors) == 1
    assert "ValueError: wrong" in metrics.errors[0]


def test_a_runner_works_after_a_failure(driver: Driver) -> None:
    faults = [KeyboardInterrupt(), ValueError("wrong"), SystemExit()]

    def fault(x: int) -> int:
        if faults:
            raise faults.pop()
        return x + 1

    runner = Runner(driver.workflow(fault))
    for kind in (SystemExit, WorkflowExecutionError, KeyboardInterrupt):
        with pytest.raises(kind):
            driver.run(runner)
    metrics = driver.run(runner)
    assert metrics.value == 2
    assert metrics.errors == []
    assert set(metrics.statuses.values()) == {"done"}


@pytest.mark.parametrize("error", PASSING)
@pytest.mark.parametrize(("driver", "strategy"), list(product(BESIDE, ["continue", "skip"])))
def test_what_is_no_exception_goes_before_the_failures_of_other_nodes(driver: str, error: Any, strategy: Any) -> None:
    end_beside_a_failure(driver, error, strategy)


@pytest.mark.parametrize("error", [kind for kind in PASSING if kind is not asyncio.CancelledError])
@pytest.mark.parametrize("driver", ["threads", "asyncio"])
def test_of_nodes_that_end_a_run_at_once_what_is_no_exception_goes_before(driver: str, error: Any) -> None:
    end_beside_a_failure(driver, error, "stop")


def end_beside_a_failure(driver: str, error: Any, strategy: Any) -> None:
    """Run a node that fails and one that raises what is no exception, where it can be done at the same time."""
    mode: Any = "sequential" if "sequential" in driver else "parallel"
    barrier = threading.Barrier(1 if mode == "sequential" else 2)

    def bad() -> NoReturn:
        barrier.wait(60)
        raise ValueError

    def interrupted() -> NoReturn:
        barrier.wait(60)
        raise error

    async def quick() -> int:
        return 1

    dag = DAG("d")
    for func in (bad, interrupted, *([quick] if "async" in driver else [])):
        dag.add_node(Node(func))
    runner = Runner(dag, max_workers=4, error_strategy=strategy)
    with pytest.raises(error):
        runner.run(mode=mode)
    assert runner.metrics.stop_reason == "interrupted"
    assert runner.metrics.statuses["bad"] == runner.metrics.statuses["interrupted"] == "failed"
    assert [line.split('"')[1] for line in runner.metrics.errors] == ["bad", "interrupted"]


@pytest.mark.parametrize("strategy", ["stop", "continue", "skip"])
def test_a_run_whose_time_is_up_raises_whatever_the_strategy(driver: Driver, strategy: Any) -> None:
    runner = Runner(driver.workflow(_raiser(RunTimeoutError("late", node_name="bad"))), error_strategy=strategy)
    with pytest.raises(WorkflowExecutionError) as caught:
        driver.run(runner)
    assert type(caught.value.__cause__) is RunTimeoutError
    ended_at_bad(runner, "timeout")
