"""Orders, cycles, levels and reductions of a graph that is given as lists of predecessors."""

from __future__ import annotations

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
    while alive and len(found) < limit:
        node = min(alive)
        path: list[int] = []
        at: dict[int, int] = {}
        while node not in at:
            at[node] = len(path)
            path.append(node)
            before = [p for p in preds[node] if p in alive]
            if not before:  # only fed by a cycle that was found already
                alive -= set(path)
                path = []
                break
            node = min(before)
        if path:
            cycle = path[at[node] :][::-1]
            start = cycle.index(min(cycle))
            cycle = cycle[start:] + cycle[:start]
            found.append([*cycle, cycle[0]])
            alive -= set(path)
    return found


def transitive_reduction(preds: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Drop each predecessor that another one implies; nodes must be numbered in topological order.

    Source: Aho, Garey and Ullman, The transitive reduction of a directed graph, 1972; here by a backward search from
    each node that ends at its earliest predecessor.
    """
    kept: list[tuple[int, ...]] = []
    for before in preds:
        if len(before) < 2:
            kept.append(tuple(before))
            continue
        wanted = sorted(set(before), reverse=True)
        if len(wanted) == 1:
            kept.append((wanted[0],))
            continue
        earliest = wanted[-1]
        seen: set[int] = set()
        result: list[int] = []
        for pred in wanted:
            if pred in seen:
                continue
            result.append(pred)
            pending = [pred]
            while pending:
                for further in kept[pending.pop()]:
                    if further >= earliest and further not in seen:
                        seen.add(further)
                        pending.append(further)
        kept.append(tuple(reversed(result)))
    return kept


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
