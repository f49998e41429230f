"""A node that is declared pure says so however it was made, and after it was copied, stored and loaded."""

from __future__ import annotations

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    CachedNode,
    Condition,
    ConditionalReturn,
    EnhancedNode,
    FSMReturn,
    Node,
    RetryableNode,
    Select,
    SelectReturn,
    SerializationError,
    State,
    WorkflowSerializer,
)


def double(x: int) -> int:
    return x * 2


def is_big(x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(x > 10)


def choose(x: int) -> SelectReturn[int]:
    return SelectReturn(x, "odd" if x % 2 else "even")


def rest(x: int) -> FSMReturn[int]:
    return FSMReturn(None, x)


def test_every_kind_of_node_can_be_declared_pure() -> None:
    nodes = [
        Node(double, pure=True),
        Condition(is_big, pure=True),
        Select(choose, pure=True),
        State(rest, pure=True),
        EnhancedNode(double, pure=True),
        CachedNode(double, pure=True),
        RetryableNode(double, pure=True),
    ]

    assert [node.pure for node in nodes] == [True] * len(nodes)


def test_every_decorator_declares_pure_nodes() -> None:
    dag, fsm = DAG("decorated"), FSM("decorated")
    nodes = [
        dag.node("a", pure=True)(double),
        dag.condition("b", pure=True)(is_big),
        dag.select("c", pure=True)(choose),
        dag.any("d", pure=True)(double),
        dag.all("e", pure=True)(double),
        dag.cached_node("f", pure=True)(double),
        fsm.state("g", is_initial=True, pure=True)(rest),
    ]

    assert [node.pure for node in nodes] == [True] * len(nodes)


def test_a_node_is_not_pure_unless_it_is_declared_so() -> None:
    dag = DAG("decorated")

    @dag.node
    def plain(x: int) -> int:
        return x

    assert not plain.pure
    assert not Node(double).pure


def test_a_copy_of_a_pure_node_is_pure() -> None:
    assert Node(double, pure=True).copy("twin").pure
    assert EnhancedNode(double, pure=True).copy("twin").pure


def test_what_is_pure_runs_as_any_other_node() -> None:
    dag = DAG("runs")
    dag.add_node(Node(double, "first", pure=True)) >> dag.add_node(Node(double, "second", pure=True))

    assert dag.run(x=3) == 12


def test_a_document_says_which_nodes_are_pure() -> None:
    dag = DAG("stored")
    dag.add_node(Node(double, "first", pure=True)) >> dag.add_node(Node(double, "second"))
    document = WorkflowSerializer.to_dict(dag)

    again = WorkflowSerializer.from_dict(document, {"double": double})

    assert [node.get("pure") for node in document["nodes"]] == [True, None]
    assert [node.pure for node in again.nodes.values()] == [True, False]


def test_a_document_says_so_by_true_or_false_only() -> None:
    document = {"name": "d", "type": "DAG", "nodes": [{"name": "a", "function": "double", "pure": "yes"}]}

    with pytest.raises(SerializationError, match="expected true or false, not text") as caught:
        WorkflowSerializer.from_dict(document, {"double": double})

    assert caught.value.path == "nodes[0].pure"
