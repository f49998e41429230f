"""A node that fails is called again: with its inputs, after a wait, as often as is allowed, in every mode."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, FSM, ExecutionConfig, FSMReturn, InputError, Node, Runner, WorkflowExecutionError
from fastdag_typed.events import NodeRetried
from fastdag_typed.exceptions import RunTimeoutError
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import Layer, Rescue
from tests.policies.flaky import Flaky, at_once, flow

if TYPE_CHECKING:
    from pathlib import Path

MODES: list[Any] = ["sequential", "parallel"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_failed_attempt_is_repeated_with_the_same_inputs_and_counted(mode: Any, is_async: bool) -> None:
    flaky = Flaky([OSError("one"), OSError("two")])
    metrics = Runner(flow(flaky.node(is_async=is_async, policies=[at_once()]))).run({"x": 4}, mode)
    assert metrics.value == 8
    assert flaky.calls == [4, 4, 4]
    assert metrics.executions["flaky"].attempts == 3
    assert metrics.statuses == {"flaky": "done"}


def fails_twice(path: Path) -> int:
    tries = path.read_text() if path.exists() else ""
    path.write_text(tries + "x")
    if len(tries) < 2:
        raise OSError(tries)
    return len(tries)


def test_an_attempt_in_a_process_is_repeated_there(tmp_path: Path) -> None:
    with Runner(flow(Node(fails_twice, policies=[at_once()])), max_workers=1) as runner:
        metrics = runner.run({"path": tmp_path / "tries"}, "processes")
    assert metrics.value == 2
    assert metrics.executions["fails_twice"].attempts == 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_the_last_failure_itself_is_the_cause_and_says_that_it_was_the_last(mode: Any, is_async: bool) -> None:
    errors = [OSError("one"), OSError("two"), OSError("three")]
    last = errors[-1]
    runner = Runner(flow(Flaky(errors).node(is_async=is_async, policies=[at_once(2)])))
    with pytest.raises(WorkflowExecutionError, match=r'Error in node "flaky" .*OSError: three') as caught:
        runner.run({"x": 1}, mode)
    assert caught.value.__cause__ is last
    assert last.__notes__ == ['Max retries (2) exceeded for node "flaky"']
    assert runner.metrics.executions["flaky"].attempts == 3
    assert runner.metrics.statuses == {"flaky": "failed"}


def test_an_exception_that_is_raised_again_and_again_has_one_note() -> None:
    error = OSError("always the same")
    dag = flow(Flaky([error] * 6).node(policies=[at_once(2)]))
    for _ in range(2):
        with pytest.raises(WorkflowExecutionError):
            dag.run(x=1)
    assert error.__notes__ == ['Max retries (2) exceeded for node "flaky"']


def test_what_needs_the_value_waits_for_the_last_attempt() -> None:
    flaky, after = Flaky([OSError()]), Flaky([])
    dag = flow(flaky.node(policies=[at_once()]), after.node("after"))
    assert dag.run(x=3) == 12
    assert after.calls == [6]


def test_observers_are_told_of_each_call_that_follows() -> None:
    errors: list[BaseException] = [OSError("one"), KeyError("two")]
    seen: list[Any] = []
    expected = [NodeRetried("flaky", 2, errors[0]), NodeRetried("flaky", 3, errors[1])]
    Runner(flow(Flaky(errors).node(policies=[at_once()])), observers=[seen.append]).run({"x": 1})
    assert [event for event in seen if isinstance(event, NodeRetried)] == expected


def test_an_observer_that_has_to_succeed_is_not_a_node_that_failed() -> None:
    class Strict:
        required = True

        def __call__(self, event: Any) -> None:
            if event == NodeRetried("flaky", 2, error):
                raise LookupError("not written down")

    error = OSError()
    flaky = Flaky([error] * 9)
    with pytest.raises(WorkflowExecutionError, match="not written down"):
        Runner(flow(flaky.node(policies=[at_once(8)])), observers=[Strict()]).run({"x": 1})
    assert flaky.calls == [1]


# -- what is retried -------------------------------------------------------------------------------------------------


def test_only_the_exceptions_that_are_meant_are_retried() -> None:
    strategy = at_once(exceptions=(ConnectionError, KeyError))
    flaky = Flaky([ConnectionResetError(), KeyError(), ValueError("bad")])
    runner = Runner(flow(flaky.node(policies=[strategy])))
    with pytest.raises(WorkflowExecutionError, match="ValueError: bad") as caught:
        runner.run({"x": 1})
    assert flaky.calls == [1, 1, 1]
    assert caught.value.__cause__.__notes__ == ['Retry 2 raised what is not retried for node "flaky"']
    assert Flaky([]).node(policies=[at_once(exceptions=OSError)]).policies[0].exceptions == (OSError,)


def test_an_exception_is_retried_until_it_is_given_up() -> None:
    asked: list[str] = []

    def hopeless(error: Exception) -> bool:
        asked.append(str(error))
        return str(error) == "404"

    flaky = Flaky([OSError("503"), OSError("404"), OSError("503")])
    with pytest.raises(WorkflowExecutionError, match="404"):
        flow(flaky.node(policies=[at_once(give_up=hopeless)])).run(x=1)
    assert asked == ["503", "404"]


def test_two_rules_for_two_kinds_of_exceptions_nest() -> None:
    rules = [at_once(1, exceptions=KeyError), at_once(1, exceptions=OSError)]
    flaky = Flaky([KeyError(), OSError()])
    metrics = Runner(flow(flaky.node(policies=rules))).run({"x": 1})
    assert metrics.value == 2
    assert flaky.calls == [1, 1, 1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_never_retried(mode: Any, is_async: bool, error: Any) -> None:
    flaky = Flaky([OSError(), error()])
    with pytest.raises(error):
        flow(flaky.node(is_async=is_async, policies=[at_once()])).run(mode=mode, x=1)
    assert flaky.calls == [1, 1]


def test_wrong_inputs_of_a_nested_workflow_and_the_end_of_the_runs_time_are_never_retried() -> None:
    inner = flow(Flaky([]).node())
    calls: list[int] = []

    def misuse(x: int) -> int:
        calls.append(x)
        return inner.run({"y": x})

    with pytest.raises(WorkflowExecutionError) as caught:
        flow(Node(misuse, policies=[at_once()])).run(x=1)
    assert isinstance(caught.value.__cause__, InputError)
    assert calls == [1]
    flaky = Flaky([RunTimeoutError("over")])
    with pytest.raises(WorkflowExecutionError):
        flow(flaky.node(policies=[at_once()])).run(x=1)
    assert flaky.calls == [1]


def test_an_exception_of_tenacity_is_one_as_any() -> None:
    from tenacity import TryAgain

    flaky = Flaky([TryAgain()])
    with pytest.raises(WorkflowExecutionError, match="TryAgain"):
        flow(flaky.node(policies=[at_once(exceptions=KeyError)])).run(x=1)
    assert flaky.calls == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_retries": -1}, "max_retries is at least 0, not -1"),
        ({"delay": -1}, "delay is at least 0"),
        ({"max_delay": float("nan")}, "max_delay is at least 0, not nan"),
        ({"jitter": -0.1}, "jitter is at least 0"),
        ({"backoff_factor": 0}, "backoff_factor is more than 0"),
        ({"exceptions": KeyboardInterrupt}, "exceptions are subclasses of Exception, not <class 'KeyboardInterrupt'>"),
        ({"exceptions": (OSError, "KeyError")}, "exceptions are subclasses of Exception, not 'KeyError'"),
    ],
)
def test_a_strategy_that_makes_no_sense_is_refused(options: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        RetryStrategy(**options)


# -- where it is put -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_state_is_retried_in_each_of_its_cycles(mode: Any) -> None:
    fsm = FSM("machine")
    outcomes = iter([OSError(), "again", OSError(), OSError(), "end"])

    @fsm.state(is_initial=True, policies=[at_once()])
    def step(x: int) -> FSMReturn[int]:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return FSMReturn(next_state="step") if outcome == "again" else FSMReturn(stop_condition=True, value=x)

    metrics = Runner(fsm).run({"x": 1}, mode)
    assert metrics.value == 1
    assert metrics.execution_order == ["step", "step"]
    assert metrics.executions["step"].attempts == 5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_nested_workflow_is_retried_whole_by_what_failed_in_it(mode: Any, is_async: bool) -> None:
    first, second = Flaky([]), Flaky([OSError(), OSError(), KeyError()])
    inner = flow(first.node("first", is_async=is_async), second.node("second", policies=[at_once(1)]))
    outer = DAG("outer")
    node = outer.add_workflow("inner", inner)
    node.policies = (at_once(1, exceptions=OSError), at_once(1, exceptions=KeyError))
    metrics = Runner(outer).run({"x": 1}, mode)
    assert metrics.value == 4
    assert first.calls == [1, 1]
    assert second.calls == [2, 2, 2, 2]
    assert metrics.executions["inner"].attempts == 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_condition_is_retried_before_it_decides(mode: Any, is_async: bool) -> None:
    dag, errors = DAG("choice"), [OSError()]

    def check(x: int) -> bool:
        if errors:
            raise errors.pop()
        return x > 1

    async def check_later(x: int) -> bool:
        return check(x)

    condition = dag.condition(name="check", policies=[at_once()])(check_later if is_async else check)
    condition.on_true >> dag.add_node(Node(lambda x: "large", "large"))
    condition.on_false >> dag.add_node(Node(lambda x: "small", "small"))
    metrics = Runner(dag).run({"x": 2}, mode)
    assert metrics.value == {"large": "large"}
    assert metrics.executions["check"].attempts == 2


def test_a_runner_can_do_without_retries() -> None:
    flaky = Flaky([OSError()])
    dag = flow(flaky.node(policies=[at_once()]))
    with pytest.raises(WorkflowExecutionError):
        Runner(dag, ExecutionConfig(retry_on_failure=False)).run({"x": 1})
    assert flaky.calls == [1]


def test_without_retries_or_failures_nothing_is_around_the_call() -> None:
    step = flow(Flaky([]).node()).plan().steps[0]
    assert RetryStrategy(0).wrap(step, step.func, print) is step.func
    call = RetryStrategy().wrap(step, step.func, print)
    assert isinstance(call, Rescue)
    assert call.call is step.func
    assert RetryStrategy().layer is Layer.RETRY


def test_success_does_not_even_import_what_retries() -> None:
    program = """
import sys
from fastdag_typed import DAG
from fastdag_typed.policies.retry import RetryStrategy
dag, errors = DAG("d"), []
@dag.node(policies=[RetryStrategy(delay=0)])
def f(x: int) -> int:
    if errors:
        raise errors.pop()
    return x
dag.run(x=1)
print("tenacity" in sys.modules, "asyncio" in sys.modules)
errors.append(OSError())
dag.run(x=1)
print("tenacity" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]
