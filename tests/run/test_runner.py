"""A run gives its values, order, times and errors; bad inputs stop it before any node has run."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any, Literal

import pytest

from fastdag_typed import (
    DAG,
    Context,
    FSMContext,
    InputError,
    Node,
    Runner,
    WorkflowValidationError,
)
from tests.run.workflows import diamond

MODES: list[Literal["sequential", "parallel"]] = ["sequential", "parallel"]


@pytest.mark.parametrize("mode", MODES)
def test_metrics_tell_values_order_times_and_states(mode: Any) -> None:
    log: list[str] = []
    metrics = Runner(diamond(log)).run({"x": 2}, mode)
    assert metrics.value == 23
    assert metrics.results == {"start": 2, "left": 3, "right": 20, "end": 23}
    assert metrics.execution_order == log
    assert log[0] == "start"
    assert log[-1] == "end"
    assert set(metrics.node_times) == set(log)
    assert all(seconds >= 0 for seconds in metrics.node_times.values())
    assert sum(metrics.node_times.values()) <= 2 * metrics.total_time
    assert metrics.nodes_executed == 4
    assert metrics.errors == []
    assert metrics.stop_reason == "completed"
    assert set(metrics.statuses.values()) == {"done"}
    assert {e.attempts for e in metrics.executions.values()} == {1}


def test_parallel_nodes_share_their_place_in_the_order() -> None:
    metrics = Runner(diamond([])).run({"x": 2}, "parallel")
    assert {name: e.order for name, e in metrics.executions.items()} == {"start": 0, "left": 1, "right": 1, "end": 2}


def test_the_order_is_that_of_insertion_where_there_is_a_choice() -> None:
    log: list[str] = []
    dag = DAG("d")
    for name in "dbca":
        dag.add_node(Node(lambda name=name: log.append(name), name, inputs=[]))
    dag.run()
    assert log == list("dbca")


def test_a_node_may_read_what_has_run_so_far() -> None:
    dag = DAG("d", metadata={"unit": "m"})

    @dag.node
    def first() -> int:
        return 1

    @dag.node
    def second(x: int, context: Context) -> tuple[Any, ...]:
        info = context.execution_info
        return context.get_result(first), info["first"].status, info["second"].status, context.metadata["unit"]

    first >> second
    assert dag.run() == (1, "done", "running", "m")
    assert dag.run(mode="parallel") == (1, "done", "running", "m")


def test_each_run_has_fresh_results_and_two_runs_share_no_context() -> None:
    dag = DAG("d")
    barrier = threading.Barrier(2)

    @dag.node
    def wait(x: int) -> int:
        barrier.wait(timeout=10)
        return x

    found: dict[int, Any] = {}

    def go(x: int) -> None:
        metrics = Runner(dag).run({"x": x})
        assert metrics.workflow is not None
        found[x] = metrics.results["wait"], metrics.workflow["wait"]

    threads = [threading.Thread(target=go, args=(x,)) for x in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: (1, 1), 2: (2, 2)}
    assert dag["wait"] in (1, 2)


def test_a_context_can_be_handed_in() -> None:
    dag = DAG("d")
    dag.add_node(Node(lambda context: context.metadata["a"], "read"))
    context = Context(metadata={"a": 5})
    assert dag.run(context=context) == 5
    assert context.results == {"read": 5}


def ran(dag: DAG, inputs: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        Runner(dag).run(inputs)
    return str(caught.value)


def test_everything_wrong_with_the_inputs_is_said_at_once_before_any_node_runs() -> None:
    log: list[str] = []
    dag = diamond(log)

    @dag.node
    def other(path: str, limit: int = 3, sizes: list[int] | None = None) -> str:
        log.append("other")
        return path * limit

    message = ran(dag, {"pth": "a", "limit": "3", "sizes": ["x"]})
    assert 'Workflow "diamond" cannot run with these inputs' in message
    assert 'Unknown input "pth" (did you mean "path"?)' in message
    assert 'Input "x" is missing: node "start" requires it' in message
    assert "a value of type int" in message
    assert 'Input "path" is missing: node "other" requires it' in message
    assert 'Input "limit" of node "other" expects "int", but is given "str": \'3\'' in message
    assert 'Input "sizes" of node "other" expects "list[int] | None", but is given "list"' in message
    assert "test_runner.py:" in message
    assert log == []


def test_an_input_can_address_one_node_and_a_default_can_be_given() -> None:
    dag = DAG("d")
    for name in ("a", "b"):
        dag.add_node(Node(lambda x, y=10: x + y, name))
    assert dag.run({"x": 1, "b.x": 2, "a.y": 0}) == {"a": 1, "b": 12}


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (int, [1, True], ["1", 1.5, None]),
        (float, [1, 1.5], ["1"]),
        (str, ["a"], [1, b"a"]),
        (int | None, [1, None], ["a"]),
        (list[int], [[], [1]], [(), ["a"]]),
        (Literal["a", "b"], ["a"], ["c"]),
        (tuple[int, str], [(1, "a")], [(1, 2)]),
        (dict[str, int], [{"a": 1}], [{1: 1}, []]),
        (Any, [object()], []),
    ],
)
def test_input_types_are_checked_as_the_type_checker_would(hint: Any, good: list[Any], bad: list[Any]) -> None:
    def take(value: Any) -> Any:
        return value

    take.__annotations__["value"] = hint
    dag = DAG("d")
    dag.add_node(Node(take))
    for value in good:
        assert dag.run(value=value) is value
    for value in bad:
        assert "expects" in ran(dag, {"value": value})


def test_an_invalid_workflow_does_not_run() -> None:
    dag = DAG("empty")
    with pytest.raises(WorkflowValidationError, match='Workflow "empty" has no nodes'):
        dag.run()


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match='mode is "sequential", "parallel" or "processes"'):
        Runner(diamond([])).run({"x": 1}, "fast")  # type: ignore[arg-type]


@pytest.mark.parametrize("default", [None, "some text", 1.5, ("a", 2.5)])
def test_a_default_that_is_not_of_the_type_of_its_port_can_be_given(default: Any) -> None:
    dag = DAG("d")

    @dag.node
    def load(x: int = default) -> Any:
        return x

    again = eval(repr(default))  # noqa: S307 - a value of the same kind that is another object
    assert Runner(dag).run({"x": again}).value == default
    with pytest.raises(InputError, match='expects "int"'):
        Runner(dag).run({"x": "another text"})


def test_a_state_machine_wants_its_own_kind_of_context() -> None:
    from fastdag_typed import FSM

    fsm = FSM("f")
    fsm.state(is_initial=True)(lambda: 1)
    with pytest.raises(TypeError, match="FSMContext"):
        fsm.run(context=Context())
    context = FSMContext()
    assert fsm.run(context=context) == 1
    assert context.cycle_count == 1


def test_inputs_that_are_no_mapping_are_refused() -> None:
    inputs: Any = [1]
    with pytest.raises(InputError, match=r"Inputs are given as a mapping from names to values, not as \[1\]"):
        Runner(diamond([])).run(inputs)
    with pytest.raises(InputError, match=r"Inputs are given as a mapping from names to values, not as \[1\]"):
        diamond([]).run(inputs)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("default", [None, 2])
def test_a_nested_workflow_keeps_the_default_of_each_node(mode: Any, default: Any) -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def a(x: int = 1) -> int:
        return x

    @inner.node
    def b(x: int = default) -> int:
        return x

    outer.add_workflow("nested", inner)
    assert outer.run(mode=mode) == inner.run(mode=mode) == {"a": 1, "b": default}
    assert outer.run(x=5, mode=mode) == {"a": 5, "b": 5}


def test_a_nested_workflow_requires_what_one_of_its_nodes_requires() -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def a(x: int = 1) -> int:
        return x

    @inner.node
    def b(x: int) -> int:
        return x

    outer.add_workflow("nested", inner)
    with pytest.raises(InputError, match='Input "x" is missing: node "nested" requires it'):
        outer.run()


def test_a_context_is_copied_and_pickled_without_its_workflow() -> None:
    dag = DAG("d")

    @dag.node
    def first() -> int:
        return 1

    context = Context()
    dag.run(context=context)
    for copied in (copy.deepcopy(context), pickle.loads(pickle.dumps(context))):  # noqa: S301 - made just here
        assert copied.results == {"first": 1}
        assert type(copied.execution_info) is dict
        assert copied.execution_info["first"].status == "done"
