"""A node that keeps failing is not called for a while, and then tried by one call."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed import DAG, FSM, FSMReturn, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import CircuitOpenError, RunTimeoutError
from fastdag_typed.policies.breaker import CircuitBreakerStrategy
from fastdag_typed.policies.errors import WorkflowError
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import Layer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MODES: list[Any] = ["sequential", "parallel"]


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Service:
    """What a node calls: it works, or raises."""

    def __init__(self) -> None:
        self.error: BaseException | None = OSError("down")
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return "up"

    def flow(self, *policies: Any, is_async: bool = False) -> DAG:
        async def later() -> str:
            return self()

        dag = DAG("flow")
        dag.add_node(Node(later if is_async else self, "service", policies=policies))
        return dag


def outcome(dag: DAG, mode: Any = "sequential") -> str:
    try:
        return str(dag.run(mode=mode))
    except WorkflowExecutionError as error:
        return type(error.__cause__).__name__


def called(breaker: CircuitBreakerStrategy, func: Callable[[], Any]) -> Callable[[], Any]:
    """A function with a breaker around it, outside of any run."""
    dag = DAG("bare")
    dag.add_node(Node(func, "bare"))
    step = dag.plan().steps[0]
    return breaker.wrap(step, step.func, print)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_after_failures_in_a_row_the_node_is_not_called_until_a_trial_succeeds(mode: Any, is_async: bool) -> None:
    clock, service = Clock(), Service()
    breaker = CircuitBreakerStrategy(3, 10, clock=clock)
    dag = service.flow(breaker, is_async=is_async)
    assert breaker.state("service") == "closed"
    assert [outcome(dag, mode) for _ in range(5)] == ["OSError"] * 3 + ["CircuitOpenError"] * 2
    assert (service.calls, breaker.state(dag.nodes["service"])) == (3, "open")
    clock.now += 10
    assert breaker.state("service") == "half-open"
    assert [outcome(dag, mode) for _ in range(2)] == ["OSError", "CircuitOpenError"]
    assert (service.calls, breaker.state("service")) == (4, "open")
    clock.now += 10
    service.error = None
    assert [outcome(dag, mode) for _ in range(2)] == ["up", "up"]
    assert (service.calls, breaker.state("service")) == (6, "closed")
    service.error = OSError()
    assert [outcome(dag, mode) for _ in range(4)] == ["OSError"] * 3 + ["CircuitOpenError"]


def test_a_success_ends_the_row_of_failures() -> None:
    service, breaker = Service(), CircuitBreakerStrategy(2)
    dag = service.flow(breaker)
    for _ in range(3):
        service.error = OSError()
        assert outcome(dag) == "OSError"
        assert breaker.failure_count == {"service": 1}
        service.error = None
        assert outcome(dag) == "up"
        assert breaker.failure_count == {"service": 0}


def test_a_refused_call_says_which_node_until_when_and_why() -> None:
    clock, service = Clock(), Service()
    breaker = CircuitBreakerStrategy(2, 60, clock=clock)
    dag = service.flow(breaker)
    began = time.time()
    outcome(dag), outcome(dag)
    clock.now += 20
    with pytest.raises(
        WorkflowExecutionError,
        match=r'Node "service" is not called before \d\d:\d\d:\d\d \(for 40 s\): it failed 2 times in a row, '
        "last with OSError: down",
    ) as caught:
        dag.run()
    error = caught.value.__cause__
    assert isinstance(error, CircuitOpenError)
    assert error.node_name == "service"
    assert began + 40 <= error.until <= time.time() + 40
    assert (error.last_error.error_type, error.last_error.message) == ("OSError", "down")
    assert error.last_error.exception is None
    assert began <= breaker.last_failure_time["service"] <= time.time()


def test_each_node_has_a_circuit_of_its_own() -> None:
    bad, good, breaker = Service(), Service(), CircuitBreakerStrategy(1)
    good.error = None
    dag = DAG("two")
    dag.add_node(Node(good, "good", policies=[breaker]))
    dag.add_node(Node(bad, "bad", policies=[breaker]))
    outcome(dag), outcome(dag)
    assert (breaker.state("good"), breaker.state("bad")) == ("closed", "open")
    assert (good.calls, bad.calls) == (2, 1)


def test_only_the_exceptions_that_are_meant_are_failures() -> None:
    service, breaker = Service(), CircuitBreakerStrategy(2, exceptions=OSError)
    dag = service.flow(breaker)
    for error in (OSError(), ValueError(), OSError(), ValueError()):
        service.error = error
        assert outcome(dag) == type(error).__name__
    assert breaker.failure_count == {"service": 0}
    inner = service.flow()
    service.error = OSError()
    outer = DAG("outer")
    outer.add_workflow("service", inner).policies = (breaker,)
    assert [outcome(outer) for _ in range(3)] == ["WorkflowExecutionError"] * 2 + ["CircuitOpenError"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RunTimeoutError("over")])
def test_what_says_nothing_about_the_node_leaves_the_circuit_as_it_is(error: BaseException) -> None:
    clock, service = Clock(), Service()
    call = called(breaker := CircuitBreakerStrategy(1, 10, clock=clock), service)
    service.error = error
    with pytest.raises(type(error)):
        call()
    assert breaker.state("bare") == "closed"
    service.error = OSError("down")
    with pytest.raises(OSError, match="down"):
        call()
    clock.now += 10
    service.error = error
    with pytest.raises(type(error)):  # an interrupted trial: the next call is one
        call()
    assert breaker.state("bare") == "half-open"
    service.error = None
    assert call() == "up"
    assert breaker.state("bare") == "closed"


def test_of_callers_at_once_one_is_the_trial_and_the_others_are_refused() -> None:
    clock, began, go_on = Clock(), threading.Event(), threading.Event()
    fails, calls = [True], []

    def work() -> str:
        if fails.pop() if fails else False:
            raise OSError("down")
        calls.append(1)
        began.set()
        assert go_on.wait(10)
        return "up"

    call = called(breaker := CircuitBreakerStrategy(1, 10, clock=clock), work)
    with pytest.raises(OSError, match="down"):
        call()
    clock.now += 10
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(call)
        assert began.wait(10)
        for _ in range(3):
            with pytest.raises(CircuitOpenError, match="it is being tried, it failed 1 times in a row"):
                call()
        assert breaker.state("bare") == "half-open"
        go_on.set()
        assert trial.result(10) == "up"
    assert calls == [1]
    assert breaker.state("bare") == "closed"


def test_many_threads_at_once_count_every_failure() -> None:
    barrier = threading.Barrier(8)

    def work() -> str:
        barrier.wait(10)
        raise OSError("down")

    call = called(breaker := CircuitBreakerStrategy(100), work)
    with ThreadPoolExecutor(8) as pool:
        failures = [pool.submit(call) for _ in range(8 * 12)]
        assert all(isinstance(failure.exception(10), OSError) for failure in failures)
    assert breaker.failure_count == {"bare": 96}
    assert breaker.state("bare") == "closed"


@pytest.mark.asyncio
async def test_outcomes_of_calls_from_before_the_circuit_opened_do_not_close_or_reopen_it() -> None:
    clock = Clock()
    ways: list[asyncio.Future[str]] = [asyncio.get_running_loop().create_future() for _ in range(5)]
    begun: list[int] = []

    async def work() -> str:
        begun.append(1)
        return await ways[len(begun) - 1]

    call: Callable[[], Awaitable[str]] = called(breaker := CircuitBreakerStrategy(1, 10, clock=clock), work)
    tasks = [asyncio.ensure_future(call()) for _ in range(3)]
    await asyncio.sleep(0)
    assert len(begun) == 3
    ways[0].set_exception(OSError("first"))
    await asyncio.wait([tasks[0]])
    assert breaker.state("bare") == "open"
    ways[1].set_result("late")
    assert await tasks[1] == "late"
    assert breaker.state("bare") == "open"
    clock.now += 10
    trial = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    ways[2].set_exception(OSError("late, too"))
    await asyncio.wait([tasks[2]])
    assert breaker.state("bare") == "half-open"
    ways[3].set_result("up")
    assert await trial == "up"
    assert breaker.state("bare") == "closed"
    assert [type(tasks[index].exception()) for index in (0, 2)] == [OSError, OSError]


@pytest.mark.asyncio
async def test_a_trial_that_is_cancelled_or_never_ends_does_not_hold_the_circuit() -> None:
    clock = Clock()
    fails = [True]

    async def work() -> str:
        if fails.pop() if fails else False:
            raise OSError("down")
        await asyncio.Event().wait()
        return "never"

    call: Callable[[], Any] = called(breaker := CircuitBreakerStrategy(1, 10, clock=clock), work)
    with pytest.raises(OSError, match="down"):
        await call()
    clock.now += 10
    trials: list[asyncio.Task[Any]] = []
    for cancelled in (True, False):
        trial = asyncio.ensure_future(call())
        trials.append(trial)
        await asyncio.sleep(0)
        with pytest.raises(CircuitOpenError):
            await call()
        if cancelled:
            trial.cancel()
            await asyncio.wait([trial])
        else:
            clock.now += 10
        assert breaker.state("bare") == "half-open"
    newest = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpenError):
        await call()
    for task in (*trials, newest):
        task.cancel()
    await asyncio.wait([*trials, newest])


@given(st.lists(st.one_of(st.booleans(), st.integers(1, 15))), st.integers(1, 3))
def test_it_does_what_a_simple_model_does(moves: list[bool | int], threshold: int) -> None:
    """Numbers let time pass, booleans are calls that succeed or fail."""
    clock, service = Clock(), Service()
    call = called(breaker := CircuitBreakerStrategy(threshold, 10, clock=clock), service)
    row, closed_until, is_open = 0, 0.0, False
    for move in moves:
        if not isinstance(move, bool):
            clock.now += move
            continue
        service.error = None if move else OSError("down")
        refused = is_open and clock.now < closed_until
        before = service.calls
        try:
            found: object = call()
        except (OSError, CircuitOpenError) as error:
            found = type(error)
        assert found == (CircuitOpenError if refused else "up" if move else OSError)
        assert service.calls == before + (not refused)
        if refused:
            continue
        row = 0 if move else row + 1
        is_open = not move and (is_open or row >= threshold)
        closed_until = clock.now + 10
        assert breaker.state("bare") == ("open" if is_open else "closed")


# -- with others, and used directly ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_retries_are_inside_the_breaker_and_a_fallback_outside(mode: Any, is_async: bool) -> None:
    service, breaker = Service(), CircuitBreakerStrategy(2)
    policies = [FallbackStrategy("instead"), breaker, RetryStrategy(2, delay=0)]
    dag = service.flow(*policies, is_async=is_async)
    assert [outcome(dag, mode) for _ in range(4)] == ["instead"] * 4
    assert service.calls == 2 * 3
    assert breaker.failure_count == {"service": 2}
    assert breaker.layer is Layer.BREAKER


def test_an_outer_retry_does_not_hammer_on_an_open_circuit() -> None:
    service, tries = Service(), []
    inner = service.flow(CircuitBreakerStrategy(1))
    outcome(inner)
    outer = DAG("outer")
    outer.add_workflow("inner", inner).policies = (RetryStrategy(5, sleep=tries.append),)
    with pytest.raises(WorkflowExecutionError):
        outer.run()
    assert tries == []
    assert service.calls == 1


def test_a_circuit_opens_between_the_cycles_of_a_machine() -> None:
    service = Service()
    fsm = FSM("machine")

    @fsm.state(is_initial=True, policies=[FallbackStrategy(FSMReturn("poll", "none")), CircuitBreakerStrategy(2)])
    def poll(x: int) -> FSMReturn[str]:
        return FSMReturn(stop_condition=True, value=service())

    fsm.max_cycles = 6
    metrics = Runner(fsm).run({"x": 1})
    assert metrics.stop_reason == "max_cycles"
    assert service.calls == 2


@pytest.mark.asyncio
async def test_used_directly_it_calls_again_unless_the_failure_opens_the_circuit() -> None:
    service, breaker = Service(), CircuitBreakerStrategy(2)
    node = service.flow().nodes["service"]
    failure = OSError("down")
    service.error = None
    error = WorkflowError.of(failure, node, service)
    assert await breaker.recover(error, node, DAG("d").context) == "up"
    assert breaker.failure_count == {"service": 0}
    service.error = failure
    with pytest.raises(OSError, match="down"):
        await breaker.recover(WorkflowError.of(failure, node, service), node, DAG("d").context)
    assert breaker.state(node) == "open"
    with pytest.raises(CircuitOpenError):
        await breaker.recover(WorkflowError.of(failure, node, service), node, DAG("d").context)
    assert service.calls == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"failure_threshold": 0}, "failure_threshold is at least 1, not 0"),
        ({"timeout": -1}, "timeout is at least 0, not -1"),
        ({"timeout": float("nan")}, "timeout is at least 0, not nan"),
        ({"exceptions": SystemExit}, "exceptions are subclasses of Exception"),
    ],
)
def test_a_breaker_that_makes_no_sense_is_refused(options: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        CircuitBreakerStrategy(**options)
