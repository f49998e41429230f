"""Which edges of a scope close a cycle."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy.nodes import Node

    from .wiring import Edge, Scope

    _Edges = dict[Node, dict[Node, Edge]]


def closing(scope: Scope) -> dict[Edge, list[Edge]]:
    """Find the edges that close a cycle with those said before them, each with all edges of the cycle.

    An edge that closes one is left out from then on. The cycle begins with the node that is made first.

    Source: Pearce and Kelly, A dynamic topological sort algorithm for directed acyclic graphs, 2006.
    """
    order = _Order(scope.definitions)
    edges = sorted({edge for edges in scope.leaving.values() for edge in edges}, key=lambda edge: edge.at)
    found: dict[Edge, list[Edge]] = {}
    for edge in edges:
        source, target = edge.source.key, edge.target.key
        if source is None or target is None or not edge.certain or edge.looped or edge in scope.refused:
            continue
        way = order.connect(edge, source, target)
        if way is not None:
            places = [order.place(one.source.key) for one in way]
            first = places.index(min(places))
            found[edge] = [*way[first:], *way[:first]]
    return found


class _Order:
    """Nodes in an order in which every edge leads forward."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.made = {node: index for index, node in enumerate(nodes)}
        self.rank = dict(self.made)
        self.after: dict[Node, dict[Node, Edge]] = {}
        self.before: dict[Node, dict[Node, Edge]] = {}

    def place(self, node: Node | None) -> int:
        """Tell when a node is made, among the others."""
        return -1 if node is None else self.made[node]

    def connect(self, edge: Edge, source: Node, target: Node) -> list[Edge] | None:
        """Add an edge; give the cycle that it closes instead, if it does."""
        for node in (source, target):
            self.made.setdefault(node, len(self.made))
            self.rank.setdefault(node, len(self.rank))
        if source is target:
            return [edge]
        low, high = self.rank[target], self.rank[source]
        if low < high:
            ahead = self._reach(target, self.after, lambda rank: rank <= high)
            if source in ahead:
                return [edge, *self._way(ahead, source)]
            behind = self._reach(source, self.before, lambda rank: rank >= low)
            moved = [*sorted(behind, key=self.rank.__getitem__), *sorted(ahead, key=self.rank.__getitem__)]
            self.rank.update(zip(moved, sorted(self.rank[node] for node in moved), strict=True))
        self.after.setdefault(source, {}).setdefault(target, edge)
        self.before.setdefault(target, {}).setdefault(source, edge)
        return None

    def _reach(self, start: Node, following: _Edges, within: Callable[[int], bool]) -> dict[Node, Node]:
        """Find what lies on the way from a node; each with the one that it was reached from."""
        found: dict[Node, Node] = {start: start}
        pending = deque([start])
        while pending:
            node = pending.popleft()
            for other in following.get(node, ()):
                if other not in found and within(self.rank[other]):
                    found[other] = node
                    pending.append(other)
        return found

    def _way(self, reached: dict[Node, Node], end: Node) -> list[Edge]:
        way: list[Edge] = []
        while reached[end] is not end:
            way.append(self.after[reached[end]][end])
            end = reached[end]
        return way[::-1]
