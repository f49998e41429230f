"""Every check finds what it is for, says where and what to do, and everything is said at once."""

from __future__ import annotations

from typing import Any

import pytest

from fastdag_typed import (
    DAG,
    ConditionalReturn,
    Node,
    ValidationResult,
    WorkflowValidationError,
    validate_workflow,
)
from fastdag_typed.validation import CHECKS


def number() -> int:
    return 1


def shout(text: str) -> str:
    return text.upper()


def double(x: int) -> int:
    return 2 * x


def three(x: int, y: int = 0, z: int = 0) -> int:
    return x + y + z


def find(result: ValidationResult, code: str) -> Any:
    found = [d for d in result.diagnostics if d.code == code]
    assert len(found) == 1, [str(d) for d in result.diagnostics]
    return found[0]


def test_a_mismatch_names_both_nodes_both_types_and_the_line_of_the_wiring() -> None:
    dag = DAG("d")
    a, b = dag.add_node(Node(number)), dag.add_node(Node(shout))
    a >> b
    line = test_a_mismatch_names_both_nodes_both_types_and_the_line_of_the_wiring.__code__.co_firstlineno + 3
    found = find(validate_workflow(dag, strict=False), "fastdag-port")
    assert found.message == 'Node "number" returns "int", but input port "text" of "shout" expects "str"'
    assert found.where == (__file__, line)
    assert dag.validate() == [found.text]


def test_everything_wrong_is_reported_at_once() -> None:
    dag = DAG("d")
    a, b, c = dag.add_node(Node(number)), dag.add_node(Node(shout)), dag.add_node(Node(double))
    a >> b
    b >> c
    dag.set_entrypoint("numbr")
    with pytest.raises(WorkflowValidationError) as caught:
        validate_workflow(dag)
    codes = [d.code for d in caught.value.result.diagnostics]
    assert codes == ["fastdag-port", "fastdag-port", "fastdag-entrypoint", "fastdag-entrypoint"]
    assert str(caught.value).count("\n") == 4
    assert 'did you mean "number"?' in str(caught.value)


def cycles(dag: DAG) -> list[tuple[int, str]]:
    """Lines, counted from the first one, and paths of the connections that close a cycle."""
    found = [d for d in validate_workflow(dag, strict=False).diagnostics if d.code == "fastdag-cycle"]
    start = dag.where.line
    return [(d.where.line - start, d.message.partition("closes a cycle: ")[2]) for d in found if d.where]


def test_a_cycle_is_an_error_of_the_connection_said_last_shown_from_the_first_node() -> None:
    dag = DAG("d")
    a, b, c = (dag.add_node(Node(double, name)) for name in "abc")
    b >> c
    c >> a
    a >> b
    assert cycles(dag) == [(4, "a -> b -> c -> a")]
    (found,) = validate_workflow(dag, strict=False).diagnostics
    assert found.message == "This connection closes a cycle: a -> b -> c -> a"
    assert found.where is not None
    assert found.where.file == __file__
    assert found.node == "a"
    assert found.hint is not None
    assert "a state machine (FSM)" in found.hint


def test_a_node_connected_to_itself_is_a_cycle() -> None:
    dag = DAG("d")
    a = dag.add_node(Node(double, "a"))
    a >> a
    assert cycles(dag) == [(2, "a -> a")]


def test_every_connection_that_closes_a_cycle_is_reported_and_left_out_for_the_next() -> None:
    dag = DAG("d")
    a, b, c = (dag.add_node(Node(three, name)) for name in "abc")
    a >> b
    b >> a
    b >> c
    c >> a
    a >> c
    assert cycles(dag) == [(3, "a -> b -> a"), (5, "a -> b -> c -> a")]


def test_connections_of_one_line_are_taken_in_the_order_of_the_nodes() -> None:
    dag = DAG("d")
    a, b, c = (dag.add_node(Node(double, name)) for name in "abc")
    a >> b >> c >> a
    assert cycles(dag) == [(2, "a -> b -> c -> a")]


def test_at_most_ten_cycles_are_reported() -> None:
    dag = DAG("d")
    for place in range(12):
        node = dag.add_node(Node(double, f"n{place}"))
        node >> node
    assert [path for _, path in cycles(dag)] == [f"n{place} -> n{place}" for place in range(10)]


def test_an_empty_workflow_is_an_error() -> None:
    found = find(validate_workflow(DAG("nothing"), strict=False), "fastdag-empty")
    assert found.message == 'Workflow "nothing" has no nodes'
    assert "@dag.node" in found.hint
    assert found.where.file == __file__


def test_a_node_of_no_workflow_is_an_error() -> None:
    dag = DAG("d")
    a, outside = dag.add_node(Node(number)), Node(double, "outside")
    a >> outside
    found = find(validate_workflow(dag, strict=False), "fastdag-member")
    assert '"outside" is not a node of workflow "d"' in found.message


def test_missing_annotations_are_a_warning() -> None:
    dag = DAG("d")
    a = dag.add_node(Node(lambda x: x, "bare"))
    a >> dag.add_node(Node(double))
    result = validate_workflow(dag)
    found = find(result, "fastdag-untyped")
    assert found.severity == "warning"
    assert found.message == 'Node "bare" has no type for "x", "return", so its wiring is not checked there'
    assert result.is_valid
    assert dag.validate() == []


def test_declared_inputs_are_held_against_the_function() -> None:
    dag = DAG("d")
    dag.add_node(Node(double, inputs=["xx"]))
    result = validate_workflow(dag, strict=False)
    assert [d.message for d in result.diagnostics if d.code == "fastdag-signature"] == [
        'Node "double" declares input "xx", which is no parameter of its function',
        'Node "double" does not declare input "x", which its function requires',
    ]


def test_branches_are_held_against_the_nodes() -> None:
    dag = DAG("d")

    @dag.condition(true_branch="smal")
    def check(x: int) -> bool:
        return x > 0

    @dag.node
    def small(x: int) -> int:
        return x

    @dag.node
    def plain(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 0)

    result = validate_workflow(dag, strict=False)
    errors = [d for d in result.diagnostics if d.code == "fastdag-branch"]
    assert [d.severity for d in errors] == ["error", "warning"]
    assert errors[0].message == 'Condition "check" names branch "smal", which is not a node'
    assert errors[0].hint == 'did you mean "small"?'
    assert errors[1].hint == "make it with @dag.condition"


def test_a_branch_must_fit_the_value_of_the_condition_or_its_first_input() -> None:
    dag = DAG("d")

    @dag.condition
    def check(x: int) -> bool:
        return x > 0

    check.on_true >> dag.add_node(Node(double))
    assert dag.validate() == []
    check.on_false >> dag.add_node(Node(shout))
    assert 'input port "text" of "shout" expects "str"' in dag.validate()[0]


def test_every_check_is_a_function_with_a_sentence_and_a_test() -> None:
    assert all(check.__doc__ for check in CHECKS)
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)
