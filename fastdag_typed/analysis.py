"""Orders, cycles, levels and reductions of a graph that is given as lists of predecessors."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def find_cycles(preds: Sequence[Sequence[int]], limit: int = 10) -> list[list[int]]:
    """Find disjoint cycles, each as the path that closes it (its first node is also its last)."""
    alive = set(range(len(preds))) - set(topological_order(preds))
    found: list[list[int]] = []
    for start in sorted(alive):
        while start in alive and len(found) < limit:
            path = _way_back(start, preds, alive)
            if path[-1] in path[:-1]:
                cycle = path[path.index(path[-1]) + 1 :][::-1]
                smallest = cycle.index(min(cycle))
                cycle = cycle[smallest:] + cycle[:smallest]
                found.append([*cycle, cycle[0]])
            alive -= set(path)
    return found


def _way_back(node: int, preds: Sequence[Sequence[int]], alive: set[int]) -> list[int]:
    """Go back from a node, until there is no further or a node comes again, as the last one."""
    path, seen = [node], {node}
    while before := [pred for pred in preds[node] if pred in alive]:
        node = min(before)
        path.append(node)
        if node in seen:
            break
        seen.add(node)
    return path


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
