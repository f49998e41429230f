"""A DAG again, of nodes of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ..compose import Placeholder, origin
from ..context import Context
from ..edge import Edge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..dag import DAG
    from ..node import Node

Twins = dict["Node[..., Any]", "Node[..., Any]"]


def twin_of(dag: DAG, *, without: Iterable[Edge] = ()) -> DAG:
    """Make an equal DAG, with nodes of its own, and without some of the edges; it has not run yet."""
    twin = copy.copy(dag)
    twin.nodes = {}
    twin.metadata = dict(dag.metadata)
    twin.entrypoints = list(dag.entrypoints)
    twin.context = Context()
    twin.owner = (twin,)
    twins: Twins = {node: node.copy(name) for name, node in dag.nodes.items()}
    for node, other in twins.items():
        other.bound = None if node.bound is None else dict(node.bound)
        twin.add_node(other)
    skipped = set(without)
    edges = {edge: _edge(edge, twins) for edge in dag.edges if edge not in skipped}
    for node, other in twins.items():
        coming = {_key(key, twins): edges[edge] for key, edge in (node.incoming or {}).items() if edge in edges}
        other.incoming = coming or None
        other.outgoing = [edges[edge] for edge in node.edges_out if edge in edges] or None
    twin.returns = _returned(dag.returns, twins)
    twin.changed()
    return twin


def _edge(edge: Edge, twins: Twins) -> Edge:
    ends = twins[edge.source], twins[edge.target]
    return Edge(*ends, edge.output, edge.port, edge.input, edge.branch, edge.where)


def _key(key: Any, twins: Twins) -> Any:
    """Give the key of an edge among those that come in: its input, or where it starts."""
    return (twins[key[0]], *key[1:]) if isinstance(key, tuple) else key


def _returned(spec: Any, twins: Twins) -> Any:
    """Give what a composed function returned, of the twins."""
    if isinstance(spec, dict):
        return {name: _returned(value, twins) for name, value in spec.items()}
    if isinstance(spec, tuple | list):
        return (tuple if isinstance(spec, tuple) else list)(_returned(value, twins) for value in spec)
    if not isinstance(spec, Placeholder):
        return spec
    node, output = origin(spec)
    return spec if node is None else Placeholder(twins[node], output, node.name)
