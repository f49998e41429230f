"""A node runs where its placement says, in every mode; everything around the bare function stays here."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, get_args

import pytest

from fastdag_typed import DAG, FSM, Condition, Node, Runner, State, WorkflowExecutionError
from fastdag_typed.exceptions import PlacementError
from fastdag_typed.policies.on_node import OnNode
from fastdag_typed.policies.place import Place, Where, best_for_cpu, can_leave, input_check
from fastdag_typed.policies.timeout import Timeout
from fastdag_typed.run.inputs import fill
from fastdag_typed.step import running
from tests.workers import functions
from tests.workers.processes import children, gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastdag_typed.step import Step

MODES: list[Any] = ["sequential", "parallel", "processes"]
IN_A_PROCESS = [Place("process")]
setting: ContextVar[str] = ContextVar("setting", default="none")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before, threads = children(), threading.active_count()
    yield
    assert children() <= before
    assert threading.active_count() == threads


def only(func: Any, *policies: Any, name: str = "only", **options: Any) -> DAG:
    dag = DAG("d")
    dag.add_node(Node(func, name, policies=policies, **options))
    return dag


def step_of(func: Any, *policies: Any) -> Step:
    return only(func, *policies).plan().steps[0]


def run(dag: Any, mode: Any = "sequential", /, **inputs: Any) -> Any:
    with Runner(dag) as runner:
        return runner.run(inputs, mode).value


# -- the choice --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gil", "interpreters", "best"),
    [(True, False, "process"), (True, True, "interpreter"), (False, False, "thread"), (False, True, "thread")],
)
def test_the_cheapest_place_that_runs_beside_others_is_chosen(gil: bool, interpreters: bool, best: str) -> None:
    assert best_for_cpu(gil=gil, interpreters=interpreters) == best


@pytest.mark.parametrize("where", get_args(Where))
def test_every_place_is_chosen_as_one_that_there_is(where: Where) -> None:
    assert Place(where).chosen in {"process", "thread", "interpreter", "here"}
    assert where == "cpu" or Place(where).chosen == where


def test_an_unknown_place_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r'no node runs in "proces" \(did you mean "process"\?\)'):
        Place("proces")  # type: ignore[arg-type]


def test_here_is_no_policy_at_all() -> None:
    step = step_of(functions.pid)
    assert Place("here").wrap(step, step.func, lambda _: None) is step.func


# -- processes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("func", [functions.give, functions.later])
def test_a_node_runs_in_a_process_in_every_mode(mode: Any, func: Any) -> None:
    dag = DAG("d")
    first = dag.add_node(Node(func, "first", policies=IN_A_PROCESS))
    first >> dag.add_node(Node(functions.double.func, "last"))
    first >> dag.add_node(Node(functions.pid, "where", policies=IN_A_PROCESS))
    value = run(dag, mode, **{"value" if func is functions.give else "x": 4})
    assert value["last"] == 8
    assert value["where"] != os.getpid()


@pytest.mark.parametrize("mode", MODES)
def test_branches_joins_and_defaults_are_as_they_are_here(mode: Any) -> None:
    dag = DAG("d")
    check = dag.add_node(Condition(functions.choose, "check", policies=IN_A_PROCESS))
    yes = dag.add_node(Node(functions.double.func, "yes", policies=IN_A_PROCESS))
    no = dag.add_node(Node(functions.plus_one.func, "no", policies=IN_A_PROCESS))
    end = dag.add_node(Node(functions.is_given, "end", policies=IN_A_PROCESS, node_type="any"))
    assert isinstance(check, Condition)
    check.on_true >> yes
    check.on_false >> no
    yes.connect_to(end, input_name="first")
    no.connect_to(end, input_name="last")
    assert run(dag, mode, x=3) == (6, False, None)
    assert run(dag, mode, x=-3) == (None, False, -2)


@pytest.mark.parametrize("mode", MODES)
def test_states_run_in_processes(mode: Any) -> None:
    fsm = FSM("f")
    fsm.add_node(State(functions.go_on, "first", is_initial=True, policies=IN_A_PROCESS))
    fsm.add_node(State(functions.stop, "second", policies=IN_A_PROCESS))
    with Runner(fsm) as runner:
        metrics = runner.run({"first.x": 1}, mode)
    assert (metrics.value, metrics.stop_reason, metrics.execution_order) == (4, "stopped", ["first", "second"])


def test_a_workflow_as_a_node_runs_in_a_process_as_a_whole() -> None:
    inner = DAG("inner")
    inner.add_node(Node(functions.double.func, "double")) >> inner.add_node(Node(functions.plus_one.func, "plus_one"))
    dag = DAG("outer")
    node = dag.add_workflow("inner", inner)
    node.policies = (Place("process"),)
    assert run(dag, x=4) == 9
    assert run(dag, x=5) == 11


def test_processes_are_kept_for_the_next_run_and_end_with_the_runner() -> None:
    with Runner(only(functions.pid, Place("process"))) as runner:
        pids = {runner.run().value for _ in range(3)}
        assert len(pids) == 1
    assert all(map(gone, pids))


def test_other_policies_and_context_variables_stay_here() -> None:
    seen: list[tuple[int, str]] = []

    class Watch:
        layer = Timeout(1).layer

        def wrap(self, step: Any, call: Any, emit: Any) -> Any:
            def watched(*args: Any) -> Any:
                seen.append((os.getpid(), setting.get()))
                return call(*args)

            return watched

    token = setting.set("ours")
    try:
        assert run(only(functions.give, Place("process"), Watch()), "parallel", value=3) == 3
    finally:
        setting.reset(token)
    assert seen == [(os.getpid(), "ours")]


def test_an_async_node_in_a_process_keeps_no_other_node_waiting(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"

    async def answer(file: str) -> None:
        await asyncio.to_thread(functions.told, begun)
        functions.tell(file, "from the loop")

    dag = DAG("d")
    dag.add_node(Node(functions.begin_and_wait_async, "waits", policies=IN_A_PROCESS))
    dag.add_node(Node(answer, "answers"))
    value = run(dag, "parallel", **{"waits.begun": str(begun), "waits.go": str(go), "answers.file": str(go)})
    assert value["waits"] == "from the loop"


def test_a_cancelled_run_kills_what_is_in_a_process(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    async def main() -> int:
        with Runner(only(functions.hang_async, Place("process"))) as runner:
            task = asyncio.create_task(runner.run_async({"begun": str(begun)}, "parallel"))
            pid = int(await asyncio.to_thread(functions.told, begun))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return pid

    assert gone(asyncio.run(main()))


@pytest.mark.parametrize("func", [functions.pid, functions.later])
def test_outside_of_any_run_a_process_is_there_for_one_call(func: Any) -> None:
    step = step_of(func)
    call = Place("process").wrap(step, step.func, lambda _: None)
    assert running.get() is None
    value = asyncio.run(awaited(call(3))) if step.is_async else call(3)
    assert value == 3 if step.is_async else value != os.getpid()
    assert children() == set()


async def awaited(coming: Any) -> Any:
    return await coming


def test_a_policy_that_is_said_twice_places_once() -> None:
    step = step_of(functions.pid)
    call = Place("process").wrap(step, step.func, lambda _: None)
    assert Place("process").wrap(step, call, lambda _: None) is call


# -- threads and interpreters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_node_runs_in_a_thread_of_its_own_with_context_variables(mode: Any) -> None:
    def look() -> tuple[str, str]:
        return threading.current_thread().name, setting.get()

    async def look_async() -> tuple[str, str]:
        await asyncio.sleep(0)
        return look()

    token = setting.set("ours")
    try:
        assert run(only(look, Place("thread"), name="look"), mode) == ("fastdag-look", "ours")
        assert run(only(look_async, Place("thread"), name="look"), mode) == ("fastdag-look", "ours")
    finally:
        setting.reset(token)


@pytest.mark.parametrize("error", [ValueError(1), StopIteration(2), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["thread", "process"])
def test_what_is_raised_there_is_raised_here(where: Any, error: BaseException) -> None:
    step = step_of(functions.throw)
    with pytest.raises(type(error)) as caught:
        Place(where).wrap(step, step.func, lambda _: None)(error)
    assert caught.value.args == error.args


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has interpreters")
def test_interpreters_are_refused_where_there_are_none() -> None:
    with pytest.raises(PlacementError, match=r"only.*cannot run in an interpreter of its own, which Python has from"):
        run(only(functions.pid, Place("interpreter")))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="this Python has no interpreters")
@pytest.mark.parametrize("func", [functions.double.func, functions.later])
def test_a_node_runs_in_an_interpreter(func: Any) -> None:
    assert run(only(func, Place("interpreter")), x=4) == 4


def test_work_for_a_processor_runs_on_every_python() -> None:
    assert run(only(functions.double.func, Place("cpu")), "parallel", x=4) == 8


# -- what cannot be placed ---------------------------------------------------------------------------------------------


def test_a_function_that_cannot_travel_is_refused_before_any_node_runs() -> None:
    log: list[int] = []
    dag = DAG("d")
    dag.add_node(Node(log.append, "first")) >> dag.add_node(Node(lambda x: x, "last", policies=IN_A_PROCESS))
    with pytest.raises(PlacementError, match=r'Node "last".*it is a lambda') as caught:
        Runner(dag).run({"object": 1})
    assert caught.value.node_name == "last"
    assert caught.value.where is not None
    assert log == []


def test_a_node_that_takes_the_context_is_refused_in_words() -> None:
    with pytest.raises(PlacementError, match=r'Node "only" .*takes the context of the run, which stays here'):
        run(only(functions.with_context, Place("process")), x=1)


def test_where_it_is_not_strict_what_cannot_leave_stays() -> None:
    lenient = Place("process", strict=False)
    for func in (functions.with_context, functions.later):
        step = step_of(func)
        assert not can_leave(step)
        assert lenient.wrap(step, step.func, lambda _: None) is step.func
    assert can_leave(step_of(functions.give))
    assert run(only(functions.pid, lenient)) != os.getpid()


def test_a_value_that_cannot_travel_is_refused_before_the_run_with_its_port() -> None:
    dag = only(functions.give, Place("process"))
    plan = dag.plan()
    check = input_check(plan)
    assert check is not None
    check(fill(plan, {"value": [1, "two"]})[0])
    with pytest.raises(PlacementError, match=r'the value of "value" \(function\) cannot be sent') as caught:
        check(fill(plan, {"value": lambda: None})[0])
    assert (caught.value.node_name, caught.value.port) == ("only", "value")


def test_values_are_looked_at_only_where_they_travel() -> None:
    assert input_check(only(functions.give).plan()) is None
    assert input_check(only(functions.give, Place("thread")).plan(), [Place("process")]) is None
    assert input_check(only(functions.give).plan(), [Place("process")]) is not None
    lenient = Place("process", strict=False)
    assert input_check(only(functions.later).plan(), [lenient]) is None
    assert input_check(only(functions.later).plan(), [lenient, Place("process")]) is not None
    first_only = DAG("d")
    node = first_only.add_node(Node(functions.give, "first"))
    node >> first_only.add_node(Node(functions.give, "last", policies=IN_A_PROCESS))
    assert input_check(first_only.plan()) is None


HERE, THREAD, PROCESS = Place("here"), Place("thread"), Place("process")


@pytest.mark.parametrize(
    ("own", "of_the_runner", "mode", "leaves"),
    [
        ([PROCESS], [OnNode("only", HERE)], "sequential", False),
        ([PROCESS], [OnNode("only", THREAD)], "parallel", False),
        ([PROCESS], [OnNode("only", HERE), PROCESS], "processes", False),
        ([PROCESS], [OnNode("other", HERE)], "sequential", True),
        ([PROCESS], [HERE], "sequential", True),
        ([PROCESS], [THREAD], "parallel", True),
        ([HERE], [PROCESS], "sequential", False),
        ([HERE], [], "processes", False),
        ([THREAD], [], "processes", False),
        ([HERE], [OnNode("only", PROCESS)], "parallel", True),
        ([THREAD], [OnNode("only", PROCESS)], "sequential", True),
        ([], [OnNode("only", THREAD)], "processes", False),
        ([], [OnNode("only", HERE)], "processes", False),
        ([], [OnNode("only", PROCESS), THREAD], "sequential", True),
        ([], [THREAD], "processes", False),
        ([], [HERE], "processes", True),
        ([], [THREAD, PROCESS], "sequential", False),
        ([], [HERE, PROCESS], "sequential", True),
        ([], [], "processes", True),
    ],
)
@pytest.mark.parametrize("what", ["value", "function"])
def test_what_cannot_travel_is_refused_only_if_the_place_that_takes_effect_is_elsewhere(
    own: list[Any], of_the_runner: list[Any], mode: Any, leaves: bool, what: str
) -> None:
    log: list[str] = []
    dag = DAG("d")
    first = dag.add_node(Node(lambda: log.append("first"), "first", policies=[HERE]))
    func = functions.give if what == "value" else lambda value: value
    last = dag.add_node(Node(func, "only", policies=own))
    last.after(first)
    value: Any = (lambda: None) if what == "value" else 1
    with Runner(dag, policies=of_the_runner) as runner:
        if leaves:
            with pytest.raises(PlacementError, match='Node "only"'):
                runner.run({"value": value}, mode)
            assert log == []
        else:
            assert runner.run({"value": value}, mode).value is value
            assert log == ["first"]


@pytest.mark.parametrize("mode", MODES)
def test_a_value_made_during_the_run_that_cannot_travel_is_an_error_of_its_node(mode: Any) -> None:
    dag = DAG("d")
    dag.add_node(Node(functions.lambda_of, "makes", policies=[Place("here")])) >> dag.add_node(
        Node(functions.give, "takes", policies=IN_A_PROCESS)
    )
    with Runner(dag) as runner, pytest.raises(WorkflowExecutionError, match='the value of "value"') as caught:
        runner.run({"x": 1}, mode)
    assert caught.value.node_name == "takes"
    assert runner.metrics.statuses == {"makes": "done", "takes": "failed"}
