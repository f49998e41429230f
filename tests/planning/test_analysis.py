"""Orders, cycles, levels and reductions against their definitions."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed.analysis import closing_edges, levels, linear_groups, topological_order, transitive_reduction


@st.composite
def dags(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(0, 12))
    return [sorted(draw(st.sets(st.integers(0, i - 1), max_size=4))) if i else [] for i in range(size)]


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(1, 8))
    return [sorted(draw(st.sets(st.integers(0, size - 1), max_size=3))) for _ in range(size)]


def reachable(preds: list[list[int]], node: int) -> set[int]:
    found: set[int] = set()
    pending = list(preds[node])
    while pending:
        pred = pending.pop()
        if pred not in found:
            found.add(pred)
            pending.extend(preds[pred])
    return found


@given(graphs())
def test_an_order_puts_predecessors_first_and_leaves_out_what_is_behind_a_cycle(preds: list[list[int]]) -> None:
    order = topological_order(preds)
    place = {node: i for i, node in enumerate(order)}
    for node in range(len(preds)):
        behind = {node, *reachable(preds, node)}
        on_cycle = any(other in reachable(preds, other) for other in behind)
        assert (node not in place) == on_cycle
        if node in place:
            assert all(place[p] < place[node] for p in preds[node])


@st.composite
def said(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    size = draw(st.integers(1, 7))
    ends = st.integers(0, size - 1)
    return size, draw(st.lists(st.tuples(ends, ends), max_size=20))


@given(said(), st.integers(1, 12))
def test_an_edge_closes_a_cycle_if_its_source_was_behind_its_target_before(
    graph: tuple[int, list[tuple[int, int]]], limit: int
) -> None:
    size, edges = graph
    kept: list[list[int]] = [[] for _ in range(size)]
    closing: list[int] = []
    for place, (source, target) in enumerate(edges):
        if source == target or target in reachable(kept, source):
            closing.append(place)
        else:
            kept[target].append(source)
    found = closing_edges(size, edges, limit)
    assert [place for place, _ in found] == closing[:limit]
    for place, cycle in found:
        earlier = {edges[at] for at in range(place) if at not in closing}
        steps = list(pairwise(cycle))
        assert cycle[0] == cycle[-1] == min(cycle)
        assert len(set(cycle)) == len(steps)
        assert edges[place] in steps
        assert earlier.issuperset(step for step in steps if step != edges[place])


def test_of_several_cycles_the_shortest_is_given_and_of_those_the_one_said_first() -> None:
    ways = [(0, 1), (1, 2), (2, 5), (0, 4), (4, 5), (0, 3), (3, 5)]
    assert closing_edges(6, [*ways, (5, 0)]) == [(7, [0, 4, 5, 0])]


@given(dags())
def test_a_reduction_is_the_smallest_graph_with_the_same_reachability(preds: list[list[int]]) -> None:
    reduced = [list(p) for p in transitive_reduction(preds)]
    for node in range(len(preds)):
        assert reachable(reduced, node) == reachable(preds, node)
        for pred in reduced[node]:
            fewer = [p for p in reduced[node] if p != pred]
            assert pred not in {r for p in fewer for r in (p, *reachable(reduced, p))}


@given(dags())
def test_a_level_is_the_longest_way_from_a_start(preds: list[list[int]]) -> None:
    found = levels(preds)
    for node, before in enumerate(preds):
        assert found[node] == (1 + max(found[p] for p in before) if before else 0)


@given(dags())
def test_groups_are_convex_chains(preds: list[list[int]]) -> None:
    waits = transitive_reduction(preds)
    for group in linear_groups(waits, [True] * len(preds)):
        assert len(group) > 1
        for first, second in pairwise(group):
            assert waits[second] == (first,)
            assert [n for n, w in enumerate(waits) if first in w] == [second]


def test_long_chains_with_a_shared_start_or_side_inputs_are_reduced_quickly() -> None:
    size = 20_000
    shared = [[], [0], *([0, node - 1] for node in range(2, size))]
    assert transitive_reduction(shared) == [(), *((node - 1,) for node in range(1, size))]
    fold = [*([] for _ in range(size)), [0], *([node, size + node - 1] for node in range(1, size))]
    assert transitive_reduction(fold)[-1] == (size - 1, 2 * size - 2)


def test_a_cycle_with_much_behind_it_is_found_quickly_and_alone() -> None:
    behind = [(0, node) for node in range(2, 50_002)]
    assert closing_edges(50_002, [(1, 0), *behind, (0, 1)]) == [(50_001, [0, 1, 0])]


def test_a_long_ring_is_found_quickly_wherever_it_was_begun() -> None:
    size = 50_000
    ring = [(node, (node + 1) % size) for node in range(size)]
    for begun in (0, 1, size // 2):
        ((place, cycle),) = closing_edges(size, ring[begun:] + ring[:begun])
        assert place == size - 1
        assert cycle == [*range(size), 0]
