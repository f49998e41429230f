"""What the benchmarks measure is right, and what they say of it."""

from __future__ import annotations

from itertools import count

import pytest

from benchmarks import flat, peers
from benchmarks.compare import Figure, Found, Times
from benchmarks.peers import compiled, ours
from benchmarks.works import Job, by_hand, chain, critical_path, ends, increment, layered, machine_by_hand, mixed


@pytest.mark.parametrize("graph", [chain(5), layered(4, 3)], ids=["chain", "layers"])
def test_an_engine_and_its_control_come_to_the_same(graph: dict[str, Job]) -> None:
    kept = by_hand(graph)(0)
    expected = [kept[name] for name in ends(graph)]
    assert list(kept) == list(graph)
    assert ours.graph(graph)() == ours.parallel(graph, 2)() == expected
    assert compiled.graph(graph)() == compiled.parallel(graph, 2)() == expected


def test_what_is_written_by_hand_comes_to_the_same_with_calls_and_without() -> None:
    graph = layered(4, 3)
    kept, last = by_hand(graph)(3), ends(graph)
    assert by_hand(graph, inlined=True)(3) == kept
    assert by_hand(graph, last)(3) == by_hand(graph, last, inlined=True)(3) == {name: kept[name] for name in last}


def test_what_is_called_is_not_measured_as_inlined() -> None:
    step = 1

    def further(x: int) -> int:
        return x + step

    with pytest.raises(AssertionError, match="not inlined: n0: "):
        flat.compiled(ours.wired({"n0": Job(further, {"x": "x"})}))


def test_the_machine_and_the_loop_count_alike() -> None:
    history, results = machine_by_hand(6)()
    assert ours.machine(6)() == compiled.machine(6)() == results["tick"] == 6
    assert history == ["tick", "tock", "tick", "tock", "tick", "END"]


def test_the_critical_path_is_the_longest_way_by_pauses_not_by_jobs() -> None:
    graph = {
        "long": Job(increment, {"x": "x"}, 5.0),
        "short": Job(increment, {"x": "x"}, 1.0),
        "further": Job(increment, {"x": "short"}, 1.0),
        "both": Job(mixed, {"left": "long", "right": "further"}, 2.0),
    }
    assert critical_path(graph) == [5.0, 2.0]


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "MODULES", {"fastdag-typed": "ours", "no-such-engine-at-all": "nowhere"})
    found, missing = peers.installed()
    assert ([peer.name for peer in found], missing) == (["fastdag-typed"], ["no-such-engine-at-all"])


def test_times_are_read_from_the_clock_that_is_given() -> None:
    ticks = count(step=3)
    assert Times({"work": int}, 5, lambda: float(next(ticks))).took("work") == (3.0, 3.0)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [((1.4, 1.3), "holds"), ((1.6, 1.4), "holds at its fastest"), ((1.7, 1.6), "MISSED"), ((1.4, 1.6), "holds")],
)
def test_the_median_decides_and_the_fastest_round_is_told_apart(found: tuple[float, float], verdict: str) -> None:
    assert Figure("work", 2e-6, 1e-6, Found(*found), limit=1.5).verdict == verdict
