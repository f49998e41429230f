"""How long a retry waits, when it does not; and the strategy without a run around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, ExecutionConfig, Node, Runner, WorkflowExecutionError
from fastdag_typed.policies.errors import WorkflowError
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import running
from tests.policies.flaky import Flaky, at_once, flow

if TYPE_CHECKING:
    from collections.abc import Callable

MODES: list[Any] = ["sequential", "parallel"]


def waits(strategy_options: dict[str, Any], failures: int) -> list[float]:
    """The waits around a node that fails so often."""
    found: list[float] = []
    flaky = Flaky([OSError() for _ in range(failures)])
    flow(flaky.node(policies=[RetryStrategy(failures, **strategy_options, sleep=found.append)])).run(x=1)
    return found


def test_waits_grow_by_the_factor_up_to_the_longest() -> None:
    assert waits({}, 4) == [1, 2, 4, 8]
    assert waits({"delay": 0.5, "backoff_factor": 3}, 3) == [0.5, 1.5, 4.5]
    assert waits({"delay": 5, "max_delay": 12}, 4) == [5, 10, 12, 12]
    assert waits({"delay": 2, "backoff_factor": 1}, 3) == [2, 2, 2]
    assert waits({"delay": 1e300, "backoff_factor": 1e300, "max_delay": 7}, 2) == [7, 7]


def test_jitter_is_drawn_anew_and_stays_below_its_limit() -> None:
    found = waits({"delay": 1, "backoff_factor": 1, "jitter": 0.5}, 50)
    assert all(1 <= wait <= 1.5 for wait in found)
    assert len(set(found)) > 10


@pytest.mark.parametrize("is_async", [False, True])
def test_what_waits_may_be_async_around_every_node(is_async: bool) -> None:
    found: list[float] = []

    async def wait(seconds: float) -> None:
        found.append(seconds)

    assert flow(Flaky([OSError()]).node(is_async=is_async, policies=[RetryStrategy(sleep=wait)])).run(x=1) == 2
    assert found == [1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_wait_that_would_outlast_the_run_is_not_begun(mode: Any, is_async: bool) -> None:
    error = OSError("gone")
    flaky = Flaky([error])
    dag = flow(flaky.node(is_async=is_async, policies=[RetryStrategy(delay=1000)]))
    with pytest.raises(WorkflowExecutionError) as caught:
        Runner(dag, ExecutionConfig(run_timeout_seconds=500)).run({"x": 1}, mode)
    assert caught.value.__cause__ is error
    assert error.__notes__ == ['A wait of 1e+03 s would outlast the run for node "flaky"']
    assert flaky.calls == [1]


class Interrupted:
    """A run that is interrupted as soon as something waits for it."""

    plan: Any = None
    context: Any = None
    deadline: float | None = None
    workers: Any = None
    waiting = 0

    def emit(self, event: Any) -> None:
        raise AssertionError(event)

    def at_end(self, action: Any) -> None:
        raise AssertionError(action)

    def at_stop(self, action: Callable[[], object]) -> Callable[[], None]:
        self.waiting += 1
        action()
        return self.settled

    def settled(self) -> None:
        self.waiting -= 1


def test_a_thread_that_waits_stops_when_the_run_is_interrupted() -> None:
    error, scope = OSError("gone"), Interrupted()
    flaky = Flaky([error])
    step = flow(flaky.node()).plan().steps[0]
    call = RetryStrategy(delay=1000).wrap(step, step.func, scope.emit)
    token = running.set(scope)
    try:
        with pytest.raises(OSError, match="gone") as caught:
            call(1)
    finally:
        running.reset(token)
    assert caught.value is error
    assert error.__notes__ == ['The run was interrupted during a wait for node "flaky"']
    assert flaky.calls == [1]
    assert scope.waiting == 0


# -- used directly ---------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_used_directly_it_calls_the_node_again_with_the_inputs_of_the_record() -> None:
    flaky = Flaky([OSError(), OSError()])
    node = flaky.node()
    dag = flow(node)
    found: list[float] = []
    error = WorkflowError.of(OSError("first"), node, lambda: node(x=7))
    assert await RetryStrategy(sleep=found.append).recover(error, node, dag.context) == 14
    assert flaky.calls == [7, 7, 7]
    assert (error.retry_count, error.max_retries) == (3, 3)
    assert found == [1, 2, 4]


@pytest.mark.asyncio
async def test_used_directly_on_a_record_made_by_hand_it_executes_a_node_that_needs_no_inputs() -> None:
    async def ready() -> str:
        return "yes"

    node = Node(ready)
    error = WorkflowError("ready", "OSError", "no", WorkflowError.of(OSError(), node).severity, 0.0)
    assert await at_once().recover(error, node, DAG("d").context) == "yes"


@pytest.mark.asyncio
async def test_a_record_that_does_not_know_the_inputs_says_how_to_give_them() -> None:
    node = Flaky([]).node()
    error = WorkflowError.of(OSError(), node)
    with pytest.raises(Exception, match=r'Node "flaky" cannot be called again: the inputs "x" are not known') as caught:
        await at_once(1).recover(error, node, DAG("d").context)
    assert "WorkflowError.of(error, node, call)" in str(caught.value)


@pytest.mark.asyncio
async def test_a_record_whose_retries_are_used_up_fails_at_once() -> None:
    flaky = Flaky([])
    node = flaky.node()
    error = WorkflowError("flaky", "OSError", "gone", WorkflowError.of(OSError(), node).severity, 0.0, retry_count=3)
    with pytest.raises(WorkflowExecutionError, match="gone") as caught:
        await at_once(3).recover(error, node, DAG("d").context)
    assert caught.value.__notes__ == ['Max retries (3) exceeded for node "flaky"']
    assert flaky.calls == []
