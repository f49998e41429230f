"""Nodes that fail now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fastdag_typed import DAG, Node
from fastdag_typed.policies.retry import RetryStrategy


@dataclass
class Flaky:
    """A function that raises what it is given, one after the other, and then doubles its input."""

    errors: list[BaseException]
    calls: list[int] = field(default_factory=list)

    def node(self, name: str = "flaky", *, is_async: bool = False, policies: Any = ()) -> Node[..., Any]:
        def call(x: int) -> int:
            self.calls.append(x)
            if self.errors:
                raise self.errors.pop(0)
            return 2 * x

        async def later(x: int) -> int:
            return call(x)

        return Node(later if is_async else call, name, policies=policies)


def flow(*nodes: Node[..., Any]) -> DAG:
    dag = DAG("flow")
    for node in nodes:
        dag.add_node(node)
    for one, other in pairwise(nodes):
        one >> other
    return dag


def at_once(retries: int = 3, **options: Any) -> RetryStrategy:
    return RetryStrategy(retries, delay=0, **options)
