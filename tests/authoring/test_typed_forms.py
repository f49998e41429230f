"""What type checkers ask for does no harm at run time: brackets, and nodes made by their classes."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    Condition,
    ConditionalReturn,
    FSMReturn,
    Node,
    Runner,
    Select,
    SelectReturn,
    State,
    Workflow,
)


class Inputs(TypedDict):
    x: int


def double(x: int) -> int:
    return 2 * x


@pytest.mark.parametrize("kind", [Workflow, DAG, FSM])
def test_brackets_give_the_class_itself(kind: Any) -> None:
    assert kind[int] is kind
    assert kind[Any, Inputs] is kind


def test_a_workflow_with_brackets_runs_as_any() -> None:
    dag = DAG[Any, Inputs]("d")
    dag.add_node(Node(double))
    assert type(dag) is DAG
    assert dag.run({"x": 2}) == 4
    assert Runner[Inputs](dag).run({"x": 3}).value == 6


def test_a_class_may_be_derived_from_one_with_brackets() -> None:
    class Mine(DAG[Any, Inputs]):
        pass

    assert Mine("m").name == "m"
    assert Mine.__mro__[1] is DAG


@pytest.mark.parametrize("kind", [DAG, FSM])
def test_a_workflow_knows_whether_other_modules_add_to_it(kind: Any) -> None:
    assert kind("w", open=True).open is True
    assert kind("w").open is False
    with pytest.raises(TypeError):
        kind("w", None, None, True)


def positive(x: int) -> bool:
    return x > 0


def by_sign(x: int) -> SelectReturn[int]:
    return SelectReturn(branch="up" if x > 0 else "down")


def test_a_condition_made_by_its_class_branches() -> None:
    dag = DAG("d")
    check = dag.add_node(Condition(positive, true_branch="up", false_branch=Node(double, "down"), description="why"))
    for name in ("up", "down"):
        dag.add_node(Node(double, name))
    assert (check.node_type, check.true_branch, check.false_branch, check.description) == (
        "condition",
        "up",
        "down",
        "why",
    )
    assert dag.run(x=2) == {"up": 4}


def test_a_selection_made_by_its_class_branches() -> None:
    dag = DAG("d")
    pick = dag.add_node(Select(by_sign, "pick"))
    pick.on("up") >> dag.add_node(Node(double, "more"))
    pick >> dag.add_node(Node(double, "down"))
    assert pick.node_type == "select"
    assert dag.run(x=2) == {"more": 4}
    assert dag.run(x=-2) == {"down": -4}


def test_a_state_made_by_its_class_is_a_state() -> None:
    def begin(x: int) -> FSMReturn[int]:
        return FSMReturn("check", x)

    def check(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 0, x)

    fsm = FSM("m")
    fsm.add_node(State(begin, is_initial=True))
    end = fsm.add_node(State(double, "end", is_final=True, inputs=["x"]))
    middle = fsm.add_node(State(check))
    middle.on_true >> end
    assert fsm.entrypoints == ["begin"]
    assert fsm.run(x=3) == 6
    assert fsm.state_history == ["check", "end", "END"]
