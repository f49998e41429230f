"""Workflows of known shapes and sizes, to measure with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..dag import DAG
from ..node import Node

if TYPE_CHECKING:
    from collections.abc import Callable


def increment(x: int = 0) -> int:
    """Do as little as a node can."""
    return x + 1


def mix(a: int = 0, b: int = 0) -> int:
    """Do as little as a node with two inputs can; the numbers stay small."""
    return a ^ b


def total(*values: int) -> int:
    """Add up."""
    return sum(values)


def linear(size: int, one: Callable[..., int] = increment, _: object = None) -> DAG:
    """Build a chain."""
    dag, nodes = _nodes("linear", size, one)
    if size > 1:
        dag.chain(*nodes)
    return dag


def fan_out(width: int, one: Callable[..., int] = increment, _: object = None) -> DAG:
    """Build one node, and ``width`` nodes that need it."""
    dag, nodes = _nodes("fan_out", width, one)
    source = dag.add_node(Node(increment, "source"))
    for node in nodes:
        source.connect_to(node)
    return dag


def diamond(width: int, one: Callable[..., int] = increment, _: object = None) -> DAG:
    """Build one node, ``width`` nodes that need it, and one that needs all of them."""
    dag, nodes = _nodes("diamond", width, one)
    start, end = dag.add_node(Node(increment, "start")), dag.add_node(Node(total, "end"))
    for node in nodes:
        start.connect_to(node).connect_to(end)
    return dag


def layered(width: int, one: Callable[..., int] = increment, two: Callable[..., int] = mix, depth: int = 3) -> DAG:
    """Build ``depth`` layers of ``width`` nodes, each of which needs two neighbours of the layer before."""
    dag, above = _nodes("complex", width, one)
    for layer in range(1, depth):
        below = [dag.add_node(Node(two, f"node_{layer * width + place}")) for place in range(width)]
        for place, node in enumerate(below):
            above[place].connect_to(node, input_name="a")
            above[(place + 1) % width].connect_to(node, input_name="b")
        above = below
    return dag


SHAPES: Final[dict[str, Callable[[int, Callable[..., int], Callable[..., int]], DAG]]] = {
    "linear": linear,
    "fan_out": fan_out,
    "diamond": diamond,
    "complex": layered,
}


def complex_of(size: int) -> DAG:
    """Build the complex shape with about ``size`` nodes, at most ten to a layer."""
    width = max(1, min(10, size // 3))
    return layered(width, depth=max(1, size // width))


def _nodes(name: str, size: int, func: Callable[..., int]) -> tuple[DAG, list[Node[..., Any]]]:
    dag = DAG(f"{name}_{size}")
    return dag, [dag.add_node(Node(func, f"node_{number}")) for number in range(size)]
