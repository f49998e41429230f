"""The work that is measured: a chain of nodes, and the same calls by hand."""

from __future__ import annotations

from fastdag_typed import DAG, Node


def increment(x: int) -> int:
    """Do as little as a node can."""
    return x + 1


def chain(size: int) -> DAG:
    """Build a chain of ``size`` nodes, wired with ``>>``."""
    dag = DAG("chain")
    previous = dag.add_node(Node(increment, "n0"))
    for number in range(1, size):
        node = dag.add_node(Node(increment, f"n{number}"))
        previous >> node
        previous = node
    return dag


def by_hand(size: int) -> int:
    """Call the node function in order, with nothing around it: the control."""
    x = 0
    for _ in range(size):
        x = increment(x)
    return x
