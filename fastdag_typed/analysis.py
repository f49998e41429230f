"""Orders, cycles, levels, ways and reductions of a graph that is given as lists of predecessors."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def topological_order(preds: Sequence[Sequence[int]]) -> list[int]:
    """Order nodes after their predecessors, the smallest index first where there is a choice.

    What lies on a cycle or behind one is missing from the result.

    Source: Kahn, Topological sorting of large networks, 1962; a heap makes it deterministic.
    """
    size = len(preds)
    if all(not before or max(before) < node for node, before in enumerate(preds)):
        return list(range(size))  # numbered so already: the smallest that is left is always ready
    missing = [len(p) for p in preds]
    succs: list[list[int]] = [[] for _ in range(size)]
    for node, before in enumerate(preds):
        for pred in before:
            succs[pred].append(node)
    ready = [node for node in range(size) if not missing[node]]
    heapify(ready)
    found: list[int] = []
    while ready:
        node = heappop(ready)
        found.append(node)
        for succ in succs[node]:
            missing[succ] -= 1
            if not missing[succ]:
                heappush(ready, succ)
    return found


def closing_edges(size: int, edges: Sequence[tuple[int, int]], limit: int = 10) -> list[tuple[int, list[int]]]:
    """Add edges one after the other, and find those that would close a cycle; they are left out from then on.

    Each of the first ``limit`` is given as its place among the edges and the shortest cycle that it would close (of
    several the one whose edges came first), written from its smallest node back to that node.
    """
    found: list[tuple[int, list[int]]] = []
    left = list(range(len(edges)))
    while len(found) < limit:
        graph = _Growing(size, [edges[place] for place in left])
        stuck = graph.stuck(len(left))
        if not any(stuck):
            break
        left = [place for place in left if stuck[edges[place][0]]]
        graph = _Growing(size, [edges[place] for place in left])
        # How many edges it takes to a cycle is found by halving. To keep an order while edges come (Pearce and Kelly,
        # 2006) is quicker if it fits them from the start, but takes a time that is quadratic if it does not.
        last = bisect_left(range(len(left)), 1, key=lambda last: any(graph.stuck(last + 1)))
        place = left.pop(last)
        source, target = edges[place]
        way = _shortest_way(target, source, [edges[place] for place in left[:last]])
        start = way.index(min(way))
        found.append((place, [*way[start:], *way[: start + 1]]))
    return found


class _Growing:
    """A graph to which edges are added one after the other, looked at as of any of its edges."""

    def __init__(self, size: int, edges: Iterable[tuple[int, int]]) -> None:
        self.targets: list[int] = []
        self.ahead: list[list[int]] = [[] for _ in range(size)]  # places of edges, by the node that they start at
        for place, (source, target) in enumerate(edges):
            self.ahead[source].append(place)
            self.targets.append(target)

    def stuck(self, count: int) -> list[int]:
        """Count for each node the first edges that lead to it from a node on a cycle, or behind one."""
        targets, ahead = self.targets, self.ahead
        missing = [0] * len(ahead)
        for target in targets[:count]:
            missing[target] += 1
        ready = [node for node, before in enumerate(missing) if not before]
        for node in ready:
            for place in ahead[node]:
                if place >= count:
                    break
                target = targets[place]
                missing[target] -= 1
                if not missing[target]:
                    ready.append(target)
        return missing


def _shortest_way(start: int, end: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Find the shortest way that there is from one node to another, breadth first."""
    succs: dict[int, list[int]] = {}
    for source, target in edges:
        succs.setdefault(source, []).append(target)
    came_from = {start: start}
    pending = deque([start])
    while end not in came_from:
        node = pending.popleft()
        for succ in succs.get(node, ()):
            if succ not in came_from:
                came_from[succ] = node
                pending.append(succ)
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def transitive_reduction(preds: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Drop each predecessor that another one implies; nodes must be numbered in topological order.

    Source: Aho, Garey and Ullman, The transitive reduction of a directed graph, 1972; here by a backward search from
    each node that ends at its earliest predecessor that may be implied, or when it has found them all. One with a
    single successor cannot be implied; and the search goes by all predecessors, not only those kept, since what is
    implied here is most often a predecessor of a predecessor too.
    """
    distinct = [before if len(before) < 2 else sorted(set(before), reverse=True) for before in preds]
    successors = [0] * len(preds)
    for before in distinct:
        for pred in before:
            successors[pred] += 1
    kept: list[tuple[int, ...]] = []
    for before in distinct:
        if len(before) < 2:
            kept.append(tuple(before))
            continue
        open_ends = {pred for pred in before[1:] if successors[pred] > 1}
        implied = _reached(open_ends, before, distinct) if open_ends else open_ends
        kept.append(tuple(pred for pred in reversed(before) if pred not in implied))
    return kept


def _reached(wanted: set[int], starts: Sequence[int], preds: Sequence[Sequence[int]]) -> set[int]:
    """Find those of the wanted nodes that lie behind one of the starts."""
    missing, earliest = set(wanted), min(wanted)
    seen: set[int] = set()
    pending = deque(starts)
    while pending and missing:
        for further in preds[pending.popleft()]:
            if further < earliest:
                break
            if further not in seen:
                seen.add(further)
                missing.discard(further)
                pending.append(further)
    return wanted - missing


def levels(waits: Sequence[Sequence[int]]) -> list[int]:
    """Number each node by the longest way to it from a start, in edges; nodes must be in topological order."""
    found: list[int] = []
    for before in waits:
        found.append(1 + max((found[p] for p in before), default=-1))
    return found


def critical_path(waits: Sequence[Sequence[int]], weights: Sequence[float]) -> list[int]:
    """Find the way of the greatest weight, and of the most nodes where weights are equal.

    Nodes must be in topological order, weights not negative.

    Source: Kelley and Walker, Critical-path planning and scheduling, 1959.
    """
    came_from: list[int] = []
    best: list[tuple[float, int]] = []
    for node, before in enumerate(waits):
        last = max(before, key=best.__getitem__, default=-1)
        weight, count = best[last] if last >= 0 else (0.0, 0)
        best.append((weight + weights[node], count + 1))
        came_from.append(last)
    node = max(range(len(best)), key=best.__getitem__, default=-1)
    way: list[int] = []
    while node >= 0:
        way.append(node)
        node = came_from[node]
    return way[::-1]


def linear_groups(waits: Sequence[Sequence[int]], joinable: Sequence[bool]) -> tuple[tuple[int, ...], ...]:
    """Group nodes that can run as one: chains in which each waits for the one before and nothing else waits between.

    Contracting an edge between a node's only successor and that one's only predecessor keeps the graph free of cycles,
    so each group is convex. Groups of one are left out.
    """
    successors = [0] * len(waits)
    for before in waits:
        for pred in before:
            successors[pred] += 1
    group_of: dict[int, list[int]] = {}
    for node, before in enumerate(waits):
        if joinable[node] and len(before) == 1 and successors[before[0]] == 1 and joinable[before[0]]:
            group = group_of.setdefault(before[0], [before[0]])
            group.append(node)
            group_of[node] = group
    groups = {id(group): group for group in group_of.values()}
    return tuple(tuple(group) for group in sorted(groups.values()))
