"""Orders, cycles, levels and reductions against their definitions."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed.analysis import find_cycles, levels, linear_groups, topological_order, transitive_reduction


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


@given(graphs())
def test_cycles_are_closed_paths_and_are_found_if_there_are_any(preds: list[list[int]]) -> None:
    cycles = find_cycles(preds)
    assert bool(cycles) == (len(topological_order(preds)) < len(preds))
    seen: set[int] = set()
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(a in preds[b] for a, b in pairwise(cycle))
        assert not seen & set(cycle)
        seen |= set(cycle)


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
    assert find_cycles([[1], [0], *([0] for _ in range(50_000))]) == [[0, 1, 0]]
