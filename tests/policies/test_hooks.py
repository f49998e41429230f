"""What hooks are called with and when, and what becomes of what they give and raise."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from contextlib import suppress
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, FSM, FSMReturn, Node, Runner, WorkflowExecutionError
from fastdag_typed.context import Context
from fastdag_typed.exceptions import SchemaError
from fastdag_typed.policies.hooks import Hooks
from fastdag_typed.policies.lifecycle import LifecycleHook, LoggingHook, NodeLifecycle, ValidationHook
from fastdag_typed.policies.resources import Memory, ResourceManager
from fastdag_typed.policies.retry import RetryStrategy

if TYPE_CHECKING:
    from fastdag_typed.step import Step

MODES = ["sequential", "parallel"]


class Noting(LifecycleHook):
    """Notes every call of its methods."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_before_init(self, node, context):
        self.notes.append("before init")

    async def on_after_init(self, node, context):
        await asyncio.sleep(0)
        self.notes.append("after init")

    async def on_before_execute(self, node, context, inputs):
        self.notes.append(f"before {inputs}")
        return inputs

    def on_after_execute(self, node, context, result):
        self.notes.append(f"after {result}")
        return result

    async def on_error(self, node, context, error):
        self.notes.append(f"error {error}")

    async def on_dispose(self, node, context):
        await asyncio.sleep(0)
        self.notes.append("dispose")


def one(func, *hooks, **options) -> DAG:
    dag = DAG("d")
    dag.add_node(Node(func, "n", policies=[Hooks(hooks, **options)]))
    return dag


def double(x):
    return 2 * x


async def double_later(x):
    await asyncio.sleep(0)
    return 2 * x


def fail(x):
    raise ValueError(x)


async def fail_later(x):
    await asyncio.sleep(0)
    raise ValueError(x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("func", [double, double_later])
def test_a_node_is_initialized_called_and_disposed_of_once_in_each_run(func, mode):
    hook = Noting()
    runner = Runner(one(func, hook))
    for _ in range(2):
        assert runner.run({"x": 2}, mode).value == 4
        assert hook.notes == ["before init", "after init", "before {'x': 2}", "after 4", "dispose"]
        hook.notes.clear()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("func", [fail, fail_later])
def test_a_node_that_failed_is_disposed_of_and_its_error_is_the_run_s(func, mode):
    hook = Noting()
    with pytest.raises(WorkflowExecutionError) as caught:
        Runner(one(func, hook)).run({"x": 2}, mode)
    assert isinstance(caught.value.__cause__, ValueError)
    assert hook.notes == ["before init", "after init", "before {'x': 2}", "error 2", "dispose"]


def test_all_hooks_are_initialized_before_any_is_told_that_this_is_done():
    notes: list[str] = []

    class Named(LifecycleHook):
        def __init__(self, name):
            self.name = name

        def on_before_init(self, node, context):
            notes.append(f"{self.name} before")

        def on_after_init(self, node, context):
            notes.append(f"{self.name} after")

        def on_dispose(self, node, context):
            notes.append(f"{self.name} dispose")

    one(double, Named("a"), Named("b")).run(x=1)
    assert notes == ["a before", "b before", "a after", "b after", "a dispose", "b dispose"]


def test_a_node_on_a_branch_not_taken_is_neither_initialized_nor_disposed_of():
    hook = Noting()
    dag = DAG("d")

    @dag.condition
    def big(x: int) -> bool:
        return x > 5

    big.on_true >> dag.add_node(Node(double, policies=[Hooks([hook])]))
    Runner(dag).run({"x": 1})
    assert hook.notes == []
    Runner(dag).run({"x": 6})
    assert (hook.notes[0], hook.notes[-1]) == ("before init", "dispose")


def test_a_state_that_is_entered_again_is_not_initialized_again():
    hook = Noting()
    machine = FSM("m", max_cycles=10)

    @machine.state(is_initial=True)
    def begin() -> FSMReturn[int]:
        return FSMReturn("count", 0)

    @machine.state(policies=[Hooks([hook])])
    def count(n: int) -> FSMReturn[int]:
        return FSMReturn("count", n + 1, stop_condition=n == 2)

    assert machine.run() == 3
    assert [note for note in hook.notes if not note.startswith("after F")] == [
        "before init",
        "after init",
        *(f"before {{'n': {n}}}" for n in range(3)),
        "dispose",
    ]


def test_two_runs_at_once_each_have_their_own_beginning_and_end():
    both_inside = Barrier(2, timeout=30)
    notes: list[tuple[str, int]] = []

    class Resource(LifecycleHook):
        def on_before_init(self, node, context):
            notes.append(("open", id(context)))

        def on_dispose(self, node, context):
            notes.append(("close", id(context)))

    def meet(x):
        both_inside.wait()
        assert not any(what == "close" for what, _ in notes)
        both_inside.wait()
        return x

    dag = one(meet, Resource())
    threads = [Thread(target=Runner(dag).run, args=({"x": n},)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opened = [run for what, run in notes if what == "open"]
    assert len(set(opened)) == 2
    assert sorted(opened) == sorted(run for what, run in notes if what == "close")


def test_one_policy_around_all_nodes_of_a_runner_keeps_them_apart():
    hook = Noting()
    dag = DAG("d")
    dag.add_node(Node(double, "first")) >> dag.add_node(Node(double, "second"))
    assert Runner(dag, policies=[Hooks([hook])]).run({"x": 1}).value == 4
    assert hook.notes.count("before init") == hook.notes.count("dispose") == 2


# -- inputs and results -----------------------------------------------------------------------------------------------


class Changing(LifecycleHook):
    """Calls the node with what a function makes of its inputs."""

    def __init__(self, change):
        self.change = change

    def on_before_execute(self, node, context, inputs):
        return self.change(inputs)


def test_changed_inputs_and_results_are_taken():
    class Both(Changing):
        async def on_after_execute(self, node, context, result):
            return [result]

    assert one(double, Both(lambda inputs: {"x": inputs["x"] + 1})).run(x=1) == [4]


def test_inputs_come_by_the_names_of_parameters_however_they_are_passed():
    seen: dict[str, Any] = {}

    def change(inputs):
        seen.update(inputs)
        return {**inputs, "a": 10, "rest": (*inputs["rest"], 5), "c": 6, "more": {"z": 7}}

    def many(a, /, b, *rest, c=3, context: Context, **more):
        return a, b, rest, c, isinstance(context, Context), more

    dag = DAG("d")
    node = dag.add_node(Node(many, policies=[Hooks([Changing(change)])]))
    dag.add_node(Node(lambda: 4, "p")) >> node.input("rest")
    dag.add_node(Node(lambda: 8, "q")) >> node.input("q")
    assert dag.run({"a": 1, "b": 2}) == (10, 2, (4, 5), 6, True, {"z": 7})
    assert seen == {"a": 1, "b": 2, "rest": (4,), "c": 3, "more": {"q": 8}}


def test_an_input_that_a_hook_takes_away_is_the_function_s_default():
    def add(a, b=5, c=6):
        return a, b, c

    dag = one(add, Changing(lambda inputs: {name: inputs[name] for name in ("a", "c")}))
    assert dag.run(a=1, b=2, c=3) == (1, 5, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda inputs: None, r'on_before_execute of Changing gave NoneType for node "n".*return inputs'),
        (lambda inputs: {"y": 1, **inputs}, r'Node "n" cannot be called.*no input "y".*inputs: x'),
    ],
)
def test_inputs_that_the_node_cannot_be_called_with_are_refused(change, message):
    with pytest.raises(WorkflowExecutionError, match=message):
        one(double, Changing(change)).run(x=1)


def test_values_do_not_move_into_the_place_of_an_input_that_was_taken_away():
    def first(a=0, *rest):
        return a

    dag = DAG("d")
    node = dag.add_node(Node(first, policies=[Hooks([Changing(lambda inputs: {"rest": inputs["rest"]})])]))
    dag.add_node(Node(lambda: 7, "seven")) >> node.input("rest")
    with pytest.raises(WorkflowExecutionError, match='"\\*rest" cannot be passed without "a"'):
        dag.run()


def test_hooks_see_the_results_so_far():
    seen: list[dict[str, Any]] = []

    class Looking(LifecycleHook):
        def on_before_execute(self, node, context, inputs):
            seen.append(dict(context.results))
            return inputs

    dag = DAG("d")
    dag.add_node(Node(double, "a")) >> dag.add_node(Node(double, "b", policies=[Hooks([Looking()])]))
    dag.run(x=1)
    assert seen == [{"a": 2}]


def test_a_retry_is_inside_of_the_hooks():
    calls: list[int] = []
    hook = Noting()

    def flaky(x):
        calls.append(x)
        if len(calls) < 3:
            raise ValueError(x)
        return x

    node = Node(flaky, "n", policies=[RetryStrategy(delay=0), Hooks([hook])])
    dag = DAG("d")
    dag.add_node(node)
    assert dag.run(x=1) == 1
    assert hook.notes == ["before init", "after init", "before {'x': 1}", "after 1", "dispose"]


# -- errors -----------------------------------------------------------------------------------------------------------


class Rescuing(LifecycleHook):
    """Gives a result in the place of an error, or raises."""

    def __init__(self, answer):
        self.answer = answer

    def on_error(self, node, context, error):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("func", [fail, fail_later])
@pytest.mark.parametrize("further", [[], [Changing(lambda inputs: inputs)]], ids=["rescue", "around"])
def test_the_first_result_in_the_place_of_an_error_wins(func, mode, further):
    dag = one(func, Rescuing(None), Rescuing("a"), Rescuing("b"), *further)
    assert Runner(dag).run({"x": 1}, mode).value == "a"


def test_what_on_error_raises_is_logged_and_noted_but_does_not_hide_the_error(caplog):
    dag = one(fail, Rescuing(KeyError("mine")))
    with pytest.raises(WorkflowExecutionError) as caught:
        dag.run(x=1)
    error = caught.value.__cause__
    assert isinstance(error, ValueError)
    assert "KeyError: 'mine' was raised by on_error of Rescuing" in error.__notes__
    assert 'A hook of node "n" failed' in caplog.text


def test_a_hook_that_raises_the_error_itself_leaves_no_note(caplog):
    class Raising(LifecycleHook):
        async def on_error(self, node, context, error):
            raise error

    with pytest.raises(WorkflowExecutionError) as caught:
        one(fail, Raising()).run(x=1)
    assert not getattr(caught.value.__cause__, "__notes__", None)
    assert not caplog.records


@pytest.mark.parametrize("name", ["on_before_init", "on_after_init", "on_before_execute", "on_after_execute"])
def test_what_another_method_raises_makes_the_node_fail_and_says_where(name):
    def broken(self, *_):
        raise OSError("disk")

    hook = type("Broken", (LifecycleHook,), {name: broken})()
    with pytest.raises(WorkflowExecutionError, match=r'Error in node "n".*OSError: disk') as caught:
        one(double, hook).run(x=1)
    assert caught.value.__cause__.__notes__ == [f'raised by {name} of Broken at node "n"']


def test_an_error_of_a_hook_can_be_answered_by_on_error():
    def refuse(inputs):
        raise ValueError("no")

    assert one(double, Changing(refuse), Rescuing("instead")).run(x=1) == "instead"


def test_hooks_that_began_are_disposed_of_when_another_cannot_be_initialized():
    class Broken(LifecycleHook):
        def on_before_init(self, node, context):
            raise OSError("disk")

        def on_dispose(self, node, context):
            raise AssertionError("never began")

    first, last = Noting(), Noting()
    runner = Runner(one(double, first, Broken(), last))
    with pytest.raises(WorkflowExecutionError, match="disk"):
        runner.run({"x": 1})
    assert first.notes == ["before init", "dispose"]
    assert last.notes == []
    assert len(runner.metrics.errors) == 1


@pytest.mark.parametrize("func", [double, double_later, fail])
def test_an_error_in_on_dispose_is_logged_and_recorded_and_changes_nothing_else(func, caplog):
    class Broken(LifecycleHook):
        async def on_dispose(self, node, context):
            raise OSError("disk")

    last = Noting()
    runner = Runner(one(func, Broken(), last))
    if func is fail:
        with pytest.raises(WorkflowExecutionError, match="ValueError: 1"):
            runner.run({"x": 1})
    else:
        assert runner.run({"x": 1}).value == 2
    assert any("OSError: disk" in error for error in runner.metrics.errors)
    assert "OSError: disk" in caplog.text
    assert last.notes[-1] == "dispose"


def test_several_errors_in_on_dispose_are_all_told(caplog):
    class Broken(LifecycleHook):
        def on_dispose(self, node, context):
            raise OSError("disk")

    runner = Runner(one(double, Broken(), Broken()))
    runner.run({"x": 1})
    assert "2 sub-exceptions" in runner.metrics.errors[0]
    assert caplog.text.count("OSError: disk") == 2


def test_an_exit_is_no_error_for_hooks_and_still_ends_what_began():
    def leave(x):
        raise SystemExit(3)

    hook = Noting()
    with pytest.raises(SystemExit):
        one(leave, hook, Rescuing("swallowed")).run(x=1)
    assert hook.notes == ["before init", "after init", "before {'x': 1}", "dispose"]


def test_a_stop_iteration_stays_one():
    def end(x):
        return next(iter(()))

    with pytest.raises(WorkflowExecutionError) as caught:
        one(end, Noting()).run(x=1)
    assert isinstance(caught.value.__cause__, StopIteration)


def test_a_cancelled_node_is_disposed_of():
    hook = Noting()
    begun = asyncio.Event()

    async def endless(x):
        begun.set()
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(Runner(one(endless, hook)).run_async({"x": 1}))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert hook.notes == ["before init", "after init", "before {'x': 1}", "dispose"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("func", [double, double_later, fail, fail_later])
def test_a_hook_may_run_a_workflow_that_asks_for_memory_at_the_end_of_a_run(func, mode):
    resources, given = ResourceManager(1000), []
    inner = DAG("inner")
    inner.add_node(Node(lambda: resources.current_memory_usage > 0, "asks", policies=[Memory(10)]))

    class Last(LifecycleHook):
        def on_dispose(self, node, context):
            given.append(Runner(inner, policies=[resources]).run().value)

    runner = Runner(one(func, Last()))
    with suppress(WorkflowExecutionError):
        runner.run({"x": 2}, mode)
    assert runner.metrics.statuses == {"n": "failed" if func in (fail, fail_later) else "done"}
    assert len(runner.metrics.errors) == (func in (fail, fail_later))
    assert given == [True]


# -- what is not used -------------------------------------------------------------------------------------------------


def step_of(func) -> Step:
    dag = DAG("d")
    dag.add_node(Node(func))
    return dag.plan().steps[0]


def test_hooks_that_override_nothing_leave_the_call_as_it_is():
    assert Hooks([LifecycleHook()]).wrap(step_of(double), double, lambda event: None) is double
    assert Hooks().wrap(step_of(double), double, lambda event: None) is double


def test_hooks_need_no_base_class():
    class Own:
        def on_after_execute(self, node, context, result):
            return result + 1

    assert one(double, Own()).run(x=1) == 3


@pytest.mark.parametrize("wrong", [LoggingHook, 3, "hook"])
def test_what_is_no_hook_is_refused(wrong):
    with pytest.raises(TypeError, match="is no hook"):
        Hooks([wrong])


def test_a_call_outside_of_all_runs_is_a_run_of_its_own():
    hook = Noting()
    call = Hooks([hook]).wrap(step_of(double), double, lambda event: None)
    assert call(2) == 4
    assert hook.notes == ["before init", "after init", "before {'x': 2}", "after 4", "dispose"]


def test_states_are_told():
    states: list[NodeLifecycle] = []
    dag = one(double, on_state=lambda node, state: states.append(state))
    dag.run(x=1)
    names = ["initializing", "ready", "executing", "completed", "disposed"]
    assert [state.value for state in states] == names
    states.clear()
    with pytest.raises(WorkflowExecutionError):
        one(fail, on_state=lambda node, state: states.append(state)).run(x=1)
    assert [state.value for state in states] == ["initializing", "ready", "executing", "error", "disposed"]


# -- the library's hooks ----------------------------------------------------------------------------------------------


def test_the_logging_hook_tells_what_happens_and_no_values(caplog):
    with caplog.at_level(logging.DEBUG, "fastdag_typed"):
        one(double, LoggingHook()).run(x="secret")
    assert [record.getMessage() for record in caplog.records] == [
        "Initializing node: n",
        "Node initialized: n",
        "Executing node: n with inputs: ['x']",
        "Node completed: n",
        "Disposing node: n",
    ]


def test_the_logging_hook_logs_errors_to_the_logger_it_is_given(caplog):
    with pytest.raises(WorkflowExecutionError):
        one(fail, LoggingHook(logging.getLogger("mine"))).run(x="bad")
    errors = [(record.name, record.getMessage()) for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [("mine", "Node error: n - ValueError: bad")]


@pytest.mark.parametrize("schema", [{"x": {"type": list}}, {"x": list}, {"x": (list, tuple)}, {"x": list | tuple}])
def test_an_input_of_another_type_is_refused_by_node_and_name(schema):
    dag = one(double, ValidationHook(input_schema={**schema, "other": int}))
    assert dag.run(x=[1]) == [1, 1]
    with pytest.raises(WorkflowExecutionError) as caught:
        dag.run(x="text")
    error = caught.value.__cause__
    assert isinstance(error, SchemaError)
    assert isinstance(error, ValueError)
    assert (error.node_name, error.key, error.actual) == ("n", "x", str)
    assert 'Node "n"' in str(error)
    assert 'input "x"' in str(error)


@pytest.mark.parametrize("schema", [{"type": int}, int])
def test_a_result_of_another_type_is_refused(schema):
    dag = one(double, ValidationHook(output_schema=schema))
    assert dag.run(x=1) == 2
    with pytest.raises(WorkflowExecutionError, match="invalid type for the result: expected int, got str"):
        dag.run(x="a")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"x": {"type": "array"}}, "cannot be checked"),
        ({"x": list[int]}, "cannot be checked"),
        ({"x": {"type": list, "required": True}}, "required, but only"),
    ],
)
def test_a_schema_that_cannot_be_checked_is_refused_when_it_is_made(schema, message):
    with pytest.raises(TypeError, match=message):
        ValidationHook(schema)


def test_the_library_s_hooks_can_be_awaited():
    hook = ValidationHook({"x": int}, int)
    node = Node(double, "n")

    async def main():
        assert await hook.on_before_execute(node, Context(), {"x": 1}) == {"x": 1}
        with pytest.raises(SchemaError):
            await hook.on_after_execute(node, Context(), "a")
        await LoggingHook().on_dispose(node, Context())

    asyncio.run(main())


def test_the_library_s_hooks_start_no_event_loop_around_sync_nodes():
    code = """if True:
        import sys
        from fastdag_typed import DAG, Node
        from fastdag_typed.policies.hooks import Hooks
        from fastdag_typed.policies.lifecycle import LoggingHook, ValidationHook
        dag = DAG("d")
        dag.add_node(Node(lambda x: x, "n", policies=[Hooks([LoggingHook(), ValidationHook({"x": int}, int)])]))
        sys.exit(dag.run(x=3) + ("asyncio" in sys.modules))
    """
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
