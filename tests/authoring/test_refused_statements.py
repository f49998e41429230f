"""What cannot mean anything is refused where it is said, with what to do instead."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import pytest

from fastdag_typed import DAG, FSM, Context, Node, RetryableNode, Runner, WiringError


def double(x: int) -> int:
    return 2 * x


def show(value: int) -> str:
    return f"shown {value}"


def anything(**values: Any) -> list[str]:
    return sorted(values)


def doubling(name: str = "inner") -> DAG:
    dag = DAG(name)
    dag.add_node(Node(double))
    return dag


def test_the_workflow_of_a_run_follows_later_changes_and_keeps_its_results() -> None:
    dag = doubling()
    seen = Runner(dag).run({"x": 1}).workflow
    assert seen is not None
    dag.nodes["double"] >> dag.add_node(Node(show))
    assert seen.run(x=2) == "shown 4"
    seen.add_node(Node(len, "size"))
    seen.nodes["show"] >> seen.nodes["size"]
    assert dag.run(x=2) == len("shown 4")
    assert (seen["show"], seen["size"]) == ("shown 4", None)
    seen.remove_node("size")
    assert dag.run(x=3) == "shown 6"


def test_the_entrypoints_of_a_workflow_hold_for_its_earlier_runs() -> None:
    dag = doubling()
    seen = Runner(dag).run({"x": 1}).workflow
    assert seen is not None
    dag.set_entrypoint("double")
    assert seen.entrypoints == ["double"]


def test_only_a_workflow_is_added_as_a_workflow() -> None:
    dag: Any = DAG("outer")
    with pytest.raises(WiringError, match='"sub" is given 5, which is no workflow'):
        dag.add_workflow("sub", 5)


def test_a_workflow_cannot_contain_itself() -> None:
    dag = doubling("outer")
    with pytest.raises(WiringError, match='"outer" is given itself as node "me"'):
        dag.add_workflow("me", dag)
    empty = DAG("empty")
    with pytest.raises(WiringError, match="itself"):
        empty.add_workflow("me", empty)
    assert list(dag.nodes) == ["double"]


def test_a_workflow_cannot_contain_what_contains_it() -> None:
    innermost, inner, outer = doubling("innermost"), DAG("inner"), DAG("outer")
    inner.add_workflow("a", innermost)
    inner.add_workflow("again", innermost)
    outer.add_workflow("b", inner)
    with pytest.raises(WiringError, match='"innermost" is given "outer", which contains it'):
        innermost.add_workflow("c", outer)
    view = Runner(outer).run({"x": 1}).workflow
    assert view is not None
    with pytest.raises(WiringError, match="which contains it"):
        innermost.add_workflow("c", view)


@pytest.mark.parametrize("name", ["class", "a b", "context"])
def test_an_input_that_cannot_be_a_parameter_is_no_port_of_a_subworkflow(name: str) -> None:
    inner = DAG("inner")
    inner.add_node(Node(anything, inputs=[name]))
    with pytest.raises(
        WiringError, match=f'Input "{name}" of workflow "inner" cannot be a port of node "sub"'
    ) as caught:
        DAG("outer").add_workflow("sub", inner)
    assert 'give the input of "anything" another name' in str(caught.value)


def test_an_input_called_self_is_a_port_of_a_subworkflow() -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def method(self: int) -> int:
        return self + 1

    outer.add_workflow("sub", inner)
    assert outer.run({"self": 1}) == 2


def test_an_input_called_context_is_not_mistaken_for_the_context_of_a_run() -> None:
    dag: Any = doubling()
    with pytest.raises(TypeError, match=r"takes a Context, not 'q' .* inputs=\{\"context\": \.\.\.\}"):
        dag.run(x=1, context="q")
    with pytest.raises(TypeError, match="takes a Context"):
        Runner(dag).run({"x": 1}, context={})  # type: ignore[arg-type]
    assert Runner(dag).run({"x": 1}, context=Context()).value == 2


def test_a_list_is_no_entrypoint() -> None:
    dag: Any = doubling()
    with pytest.raises(WiringError, match=r"\['double'\] is no entrypoint .*one by one"):
        dag.set_entrypoint(["double"])
    assert dag.entrypoints == []


def test_a_runner_runs_workflows_only() -> None:
    runner: Any = Runner
    with pytest.raises(TypeError, match="runs a workflow, or a module compiled from one, not 5"):
        runner(5)


def test_only_plain_functions_are_composed() -> None:
    dag = doubling()

    async def waiting(x: int) -> int:
        return x

    async def giving(x: int) -> Any:
        yield x

    def yielding(x: int) -> Any:
        yield x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WiringError, match='"waiting" is async'):
            dag.compose(waiting)
    with pytest.raises(WiringError, match='"giving" is async'):
        dag.compose(giving)
    with pytest.raises(WiringError, match='"yielding" yields'):
        dag.compose(yielding)
    with pytest.raises(WiringError, match=r'"double" is no plain function.*decorate a function made with def'):
        dag.compose(functools.partial(double, 1))


def test_a_state_machine_is_not_composed() -> None:
    fsm = FSM("machine")
    with pytest.raises(WiringError, match=r"state machine.*wire states with >>"):

        @fsm.compose
        def flow(x: int) -> int:
            return x


def test_what_a_list_of_inputs_was_connected_from_can_be_connected_on() -> None:
    dag = DAG("d")
    start, left, right = (dag.add_node(Node(double, name)) for name in ("start", "left", "right"))
    size: Any = dag.add_node(Node(anything, "all"))
    start >> [left.input("x"), right] >> size
    assert dag.run(x=1) == ["left", "right"]


def test_an_argument_that_a_node_does_not_have_is_refused_by_the_name_of_its_kind() -> None:
    dag, machine = DAG("d"), FSM("f")
    wrong: Any = {"nam": "x"}
    for make in (lambda: Node(double, **wrong), lambda: dag.node(**wrong)(double), lambda: dag.node(double, **wrong)):
        with pytest.raises(TypeError, match=r'^Node\(\) has no argument "nam" \(did you mean "name"\?\)$'):
            make()
    wrong = {"is_terminal": True}
    with pytest.raises(TypeError, match=r'^State\(\) has no argument "is_terminal" \(did you mean "is_final"\?\)$'):
        machine.state(**wrong)(double)
    wrong = {"max_retry": 3}
    with pytest.raises(TypeError, match=r'^RetryableNode\(\) has no argument "max_retry" \(did you mean "max_retries"'):
        RetryableNode(double, **wrong)
    wrong = {"tru": "double"}
    with pytest.raises(TypeError, match=r'^Condition\(\) has no argument "tru" \(arguments: description, false_branch'):
        dag.condition(**wrong)(double)
    assert not dag.nodes
    assert not machine.nodes
