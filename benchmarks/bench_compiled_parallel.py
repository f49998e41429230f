"""What a module that was compiled for threads or tasks costs for each of its groups, and how near it comes to the best.

The control of the same rounds is the sequential calls by hand. Groups are of one node each: otherwise a chain is one.
"""

from __future__ import annotations

from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks.bench_engine import SHAPES
from benchmarks.compare import compared
from benchmarks.peers.ours import wired
from benchmarks.works import awaiting, by_hand, critical_path, ends, in_a_row, skewed, sleeping
from fastdag_codegen import parallel
from fastdag_codegen.memory import compile_in_memory
from fastdag_codegen.options import Options
from fastdag_codegen.schedule import schedule

if TYPE_CHECKING:
    from benchmarks.conftest import Report
    from fastdag_codegen.options import Mode
    from fastdag_typed import DAG

LIMITS: Final[dict[Mode, float]] = {"threads": 3, "asyncio": 8}
WIDTH: Final = 8


def module(dag: DAG, mode: Mode) -> Any:
    """Compile."""
    return compile_in_memory(dag, Options(mode=mode, level=0)).module


@pytest.mark.parametrize("mode", LIMITS)
@pytest.mark.parametrize("shape", SHAPES)
def bench_groups(report: Report, monkeypatch: pytest.MonkeyPatch, shape: str, mode: Mode) -> None:
    """Run groups that do next to nothing, against plain calls that keep the same values.

    Where other programs want the processors, threads wait long for each other; what they do themselves is the second.
    """
    monkeypatch.setattr(parallel, "schedule", partial(schedule, size=1))
    graph = SHAPES[shape]()
    flat, plain = module(wired(graph), mode), by_hand(graph)
    assert flat.run(0) == plain(0)
    assert len(flat.GROUPS) == len(graph)
    what, run, control = f"{shape}: compiled for {mode}, each group", partial(flat.run, 0), partial(plain, 0)
    timed = partial(compared, subject=run, control=control, limit=LIMITS[mode], nodes=len(graph), unit="µs", rounds=30)
    report.figures += [timed(what), timed(f"{what}, processor time", clock=process_time)]


def bench_awaited_groups(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run groups that are tasks."""
    monkeypatch.setattr(parallel, "schedule", partial(schedule, size=1))
    graph = SHAPES["layers, 100 x 10"]()
    flat, plain = module(wired(graph, awaiting_nothing), "asyncio"), by_hand(graph)
    assert flat.run(0) == plain(0)
    report.figures.append(
        compared("tasks", lambda: flat.run(0), lambda: plain(0), limit=12, nodes=len(graph), unit="µs", rounds=30)
    )


def awaiting_nothing(job: Any) -> Any:
    """Make an async function that awaits nothing."""
    from functools import wraps

    @wraps(job.func)
    async def call(*args: int, **kwargs: int) -> Any:
        return job.func(*args, **kwargs)

    return call


@pytest.mark.parametrize("mode", LIMITS)
def bench_pauses(report: Report, mode: Mode) -> None:
    """Run nodes that wait for so long as a skewed distribution says, against the critical path."""
    graph = skewed(20, WIDTH)
    flat = module(wired(graph, sleeping if mode == "threads" else awaiting), mode)
    way = critical_path(graph)
    plain = by_hand(graph)(0)
    assert {name: flat.run(0, max_workers=WIDTH)[name] for name in ends(graph)} == {n: plain[n] for n in ends(graph)}
    what = f"skewed pauses: compiled for {mode}"
    report.figures.append(compared(what, lambda: flat.run(0, max_workers=WIDTH), in_a_row(way), limit=1.05, rounds=5))
