"""Conditions, selections and joins run what they say, in every mode, and what is not taken is skipped."""

from __future__ import annotations

from typing import Any

import pytest

from fastdag_typed import DAG, BranchError, ConditionalReturn, Node, Runner, SelectReturn, WorkflowExecutionError

pytestmark = pytest.mark.parametrize("mode", ["sequential", "parallel"])


def show(value: Any) -> str:
    return f"shown {value}"


def test_edges_on_true_and_on_false_carry_the_value_of_the_first_input(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def big(value: int) -> bool:
        return value > 10

    yes, no = dag.add_node(Node(show, "yes")), dag.add_node(Node(show, "no"))
    big.on_true >> yes
    big.on_false >> no
    metrics = Runner(dag).run({"value": 11}, mode)
    assert metrics.results == {"big": 11, "yes": "shown 11"}
    assert metrics.statuses == {"big": "done", "yes": "done", "no": "skipped"}
    assert metrics.executions["big"].branch is True
    assert metrics.value == {"yes": "shown 11"}
    assert metrics.nodes_executed == 2
    assert dag.run(value=1, mode=mode) == {"no": "shown 1"}
    assert dag["yes"] is None


def test_an_explicit_none_is_passed_on(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> ConditionalReturn[None]:
        return ConditionalReturn(condition=True, value=None)

    check.on_true >> dag.add_node(Node(show))
    assert dag.run(value=5, mode=mode) == "shown None"


def test_names_in_the_returned_object_come_before_the_wiring(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> ConditionalReturn[int]:
        return ConditionalReturn(value > 0, true_branch="a", false_branch="b")

    for name in "abc":
        dag.add_node(Node(show, name))
    check >> [dag.nodes["a"], dag.nodes["b"], dag.nodes["c"]]
    assert dag.run(value=1, mode=mode) == {"a": "shown 1", "c": "shown 1"}
    assert dag.run(value=0, mode=mode) == {"b": "shown 0", "c": "shown 0"}


def test_names_given_to_the_decorator_connect_their_nodes(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition(true_branch="a", false_branch="b")
    def check(value: int) -> ConditionalReturn[int]:
        return ConditionalReturn(value > 0)

    dag.add_node(Node(show, "a"))
    b = dag.add_node(Node(show, "b"))
    check >> b
    assert dag.run(value=1, mode=mode) == {"a": "shown 1"}
    assert dag.run(value=0, mode=mode) == {"b": "shown 0"}
    assert len(list(dag.edges)) == 2


def test_a_branch_that_is_not_connected_is_an_error_of_the_condition(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> ConditionalReturn[int]:
        return ConditionalReturn(condition=True, true_branch="hanlde")

    check >> dag.add_node(Node(show, "handle"))
    with pytest.raises(WorkflowExecutionError, match=r'chooses branch "hanlde".*did you mean "handle"') as caught:
        dag.run(value=1, mode=mode)
    assert isinstance(caught.value.__cause__, BranchError)
    assert caught.value.node_name == "check"


def test_a_selection_runs_one_branch_or_none(mode: Any) -> None:
    dag = DAG("d")

    @dag.select
    def pick(value: int) -> SelectReturn[str]:
        return SelectReturn(value=f"v{value}", branch={1: "one", 2: "named"}.get(value))

    a, b, after = dag.add_node(Node(show, "a")), dag.add_node(Node(show, "named")), dag.add_node(Node(show, "after"))
    pick.on("one") >> a
    pick >> b
    a >> after
    assert dag.run(value=1, mode=mode) == {"after": "shown shown v1"}
    assert dag.run(value=2, mode=mode) == {"named": "shown v2"}
    assert dag.run(value=3, mode=mode) == {}
    assert Runner(dag).run({"value": 3}, mode).statuses == {
        "pick": "done",
        "a": "skipped",
        "named": "skipped",
        "after": "skipped",
    }


def test_skipping_spreads_to_what_needs_the_value_but_not_over_order(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> bool:
        return value > 0

    a = dag.add_node(Node(show, "a"))
    b = dag.add_node(Node(show, "b"))
    needs = dag.add_node(Node(lambda x, y: (x, y), "needs"))
    ordered = dag.add_node(Node(lambda: "ran", "ordered"))
    check.on_true >> a >> needs
    check >> b >> needs
    ordered.after(a)
    assert dag.run(value=0, mode=mode) == {"ordered": "ran"}
    assert dag.run(value=1, mode=mode)["needs"] == ("shown 1", "shown 1")


def test_an_any_join_runs_with_what_arrives_and_none_for_the_rest(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> bool:
        return value > 0

    @dag.any
    def join(left: str | None, right: str | None, third: int = 7) -> object:
        return left, right, third

    a, b = dag.add_node(Node(show, "a")), dag.add_node(Node(show, "b"))
    check.on_true >> a >> join
    check.on_false >> b >> join
    assert dag.run(value=1, mode=mode) == ("shown 1", None, 7)
    assert dag.run(value=0, mode=mode) == (None, "shown 0", 7)


def test_an_any_join_directly_on_branches_gets_only_the_branch_taken(mode: Any) -> None:
    dag = DAG("d")

    @dag.select
    def pick(value: int) -> SelectReturn[int]:
        return SelectReturn(branch=f"b{value}")

    @dag.any
    def join(one: int | None, two: int | None) -> object:
        return one, two

    pick.on("b1").connect_to(join, input_name="one")
    pick.on("b2").connect_to(join, input_name="two")
    assert dag.run(value=1, mode=mode) == (1, None)
    assert dag.run(value=2, mode=mode) == (None, 2)
    pick2 = Runner(dag)
    with pytest.raises(WorkflowExecutionError, match='chooses branch "b3"'):
        pick2.run({"value": 3}, mode)


def test_an_any_join_of_skipped_values_only_is_skipped(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> bool:
        return value > 0

    @dag.any
    def join(one: str | None, two: str | None) -> object:
        return one, two

    a, b = dag.add_node(Node(show, "a")), dag.add_node(Node(show, "b"))
    check.on_true >> [a, b] >> join
    assert dag.run(value=0, mode=mode) is None
    assert Runner(dag).run({"value": 0}, mode).statuses["join"] == "skipped"


def test_a_branch_can_decide_over_a_node_without_inputs(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def check(value: int) -> bool:
        return value > 0

    check.on_true >> dag.add_node(Node(lambda: "alarm", "alarm"))
    assert dag.run(value=1, mode=mode) == "alarm"
    assert dag.run(value=0, mode=mode) is None


def test_async_conditions_decide_too(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    async def check(value: int) -> ConditionalReturn[int]:
        return ConditionalReturn(value > 0, value * 2)

    @dag.node
    async def after(value: int) -> int:
        return value + 1

    check.on_true >> after
    assert dag.run(value=1, mode=mode) == 3
    assert dag.run(value=0, mode=mode) is None


@pytest.mark.parametrize(
    ("made", "says"), [("condition", "not a ConditionalReturn or a bool"), ("select", "not a SelectReturn")]
)
def test_returning_something_else_is_an_error_of_the_node(mode: Any, made: str, says: str) -> None:
    dag = DAG("d")
    getattr(dag, made)(name="check")(lambda value: value)
    with pytest.raises(WorkflowExecutionError, match=f"returned int, {says}"):
        dag.run(value=1, mode=mode)
