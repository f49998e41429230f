"""The critical path against the list of all ways."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed.analysis import critical_path


@st.composite
def weighted(draw: st.DrawFn) -> tuple[list[list[int]], list[float]]:
    size = draw(st.integers(0, 9))
    waits = [sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [] for i in range(size)]
    return waits, [float(draw(st.integers(0, 3))) for _ in range(size)]


def all_ways(waits: list[list[int]], end: int) -> list[list[int]]:
    return [[*way, end] for before in waits[end] for way in all_ways(waits, before)] or [[end]]


@given(weighted())
def test_no_way_weighs_more_and_none_of_its_weight_has_more_nodes(graph: tuple[list[list[int]], list[float]]) -> None:
    waits, weights = graph
    found = critical_path(waits, weights)
    ways = [way for end in range(len(waits)) for way in all_ways(waits, end)]
    if not ways:
        assert found == []
        return
    assert found in ways
    assert (sum(weights[n] for n in found), len(found)) == max((sum(weights[n] for n in w), len(w)) for w in ways)


def test_a_long_chain_is_no_matter() -> None:
    size = 100_000
    assert critical_path([[], *([n] for n in range(size - 1))], [0.0] * size) == list(range(size))
