"""The same works in other engines: how long a node takes, and how many times the control of the same run that is.

The control of a graph is a plain function that calls the functions in order and keeps each value; of the state machine
a loop over the same states; of what waits the sleeps on the critical path, one after the other. Building is not timed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import pytest

from benchmarks.compare import Times, shown, table
from benchmarks.peers import Peer, installed
from benchmarks.works import by_hand, chain, critical_path, ends, in_a_row, layered, machine_by_hand, skewed

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.conftest import Report
    from benchmarks.works import Graph

CONTROL: Final = "control"
TRANSITIONS: Final = 1000
WORKERS: Final = 8

# What other engines warn of is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


class Work(NamedTuple):
    """What every engine does, how a plain function does it, what comes out, and by how many the time is divided."""

    title: str
    kind: Literal["graph", "parallel", "machine"]
    arguments: tuple[Any, ...]
    control: Callable[[], object]
    outcome: object
    nodes: int
    rounds: int


def _calls(title: str, graph: Graph, rounds: int) -> Work:
    plain = by_hand(graph)
    kept = plain(0)
    outcome = sorted(kept[name] for name in ends(graph))
    return Work(title, "graph", (graph,), lambda: plain(0), outcome, len(graph), rounds)


def _sleeps(title: str, graph: Graph, rounds: int) -> Work:
    kept = by_hand(graph)(0)
    outcome = sorted(kept[name] for name in ends(graph))
    return Work(title, "parallel", (graph, WORKERS), in_a_row(critical_path(graph)), outcome, 1, rounds)


def _machine(title: str, limit: int, rounds: int) -> Work:
    return Work(title, "machine", (limit,), machine_by_hand(limit), limit, limit, rounds)


def works() -> list[Work]:
    """Make the works, which are the columns of the table."""
    return [
        _calls("chain of 200", chain(200), 20),
        _calls("layers, 20 x 10", layered(20, 10), 20),
        _calls("chain of 1,000", chain(1000), 5),
        _machine("1,000 transitions", TRANSITIONS, 20),
        _sleeps("skewed sleeps", skewed(20, 8, shortest=0.002), 3),
    ]


def bench_peers(report: Report) -> None:
    """Run every work in every engine that is installed, in turn."""
    peers, missing = installed()
    rows = [["each node, x control"], [CONTROL], *([f"{peer.name} {peer.version}"] for peer in peers)]
    notes = [f"not installed, and left out: {', '.join(missing)}"] if missing else []
    for work in works():
        for row, cell in zip(rows, [work.title, *_column(work, peers, notes)], strict=True):
            row.append(cell)
    report.lines += ["", *table(rows), *notes]


def _column(work: Work, peers: list[Peer], notes: list[str]) -> list[str]:
    """Give the cell of the control, and of each engine."""
    subjects: dict[str, Callable[[], object]] = {CONTROL: work.control}
    refusals: dict[str, str] = {}
    for peer in peers:
        prepare = getattr(peer, work.kind)
        if isinstance(prepare, str):
            refusals[peer.name] = prepare
            continue
        try:
            run = prepare(*work.arguments)
            found = run()
        except Exception as error:  # noqa: BLE001 - said in the table
            refusals[peer.name] = type(error).__name__
            notes.append(f"{peer.name}, {work.title}: {type(error).__name__}: {str(error).splitlines()[0]:.100}")
            continue
        if (sorted(found) if isinstance(found, list) else found) == work.outcome:
            subjects[peer.name] = run
        else:
            refusals[peer.name] = "wrong result"
    assert "fastdag-typed" in subjects, refusals
    times = Times(subjects, work.rounds)
    cells = [shown(times.took(CONTROL).fastest / work.nodes)]
    for peer in peers:
        if peer.name in refusals:
            cells.append(refusals[peer.name])
            continue
        each, ratio = shown(times.took(peer.name).fastest / work.nodes), times.ratio(peer.name, CONTROL).median
        cells.append(f"{each}, {ratio:,.{0 if ratio >= 100 else 1 if ratio >= 10 else 2}f} x")
    return cells
