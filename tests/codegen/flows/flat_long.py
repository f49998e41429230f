"""A workflow that is too long for one function: conditions, joins, several outputs, some async."""

from __future__ import annotations

from random import Random
from typing import Any

from fastdag_typed import DAG, Node

calls: list[int] = []
fails_at: set[int] = set()


def add(x: int, y: int = 1) -> int:
    calls.append(x)
    if len(calls) in fails_at:
        raise ValueError(x)
    return x + y


def is_even(x: int) -> bool:
    return x % 2 == 0


async def add_later(x: int, y: int = 1) -> int:
    return x + y


def either(a: Any, b: Any) -> Any:
    return a if b is None else b


def grown(seed: int, *, later: bool = False, size: int = 330) -> DAG:
    """Make a workflow in which most nodes read near ones, and some are behind conditions."""
    random, dag = Random(seed), DAG("long")  # noqa: S311 - no secret
    plain: list[Node[..., Any]] = [dag.add_node(Node(add, name="n0"))]
    for number in range(1, size):
        near = plain[max(0, len(plain) - 60) :]
        if number % 25 == 0:
            condition = dag.condition(name=f"c{number}")(is_even)
            random.choice(near) >> condition
            left, right = (dag.add_node(Node(add, name=f"{side}{number}")) for side in "lr")
            condition.on_true >> left
            condition.on_false >> right
            joined = dag.any(name=f"j{number}")(either)
            dag.connect(left, joined, input="a")
            dag.connect(right, joined, input="b")
            plain.append(joined)
            continue
        node = dag.add_node(Node(add_later if later and number % 7 == 0 else add, name=f"n{number}"))
        random.choice(near) >> node
        if random.random() < 0.4:
            dag.connect(random.choice(near), node, input="y")
        plain.append(node)
    return dag


long = grown(1)
long_async = grown(2, later=True)
