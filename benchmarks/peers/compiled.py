"""This library, compiled: a flat module, in which the framework has disappeared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.flat import compiled
from benchmarks.peers.ours import counting, wired
from benchmarks.works import INPUT, STATES, ends, sleeping
from fastdag_codegen import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.works import Graph


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one node after the other."""
    module, _ = compiled(wired(jobs))
    return last_of(module.run, jobs)


def last_of(run: Callable[..., Any], jobs: Graph) -> Callable[[], list[int]]:
    """Run for the values of the jobs that no other one reads."""
    last = ends(jobs)

    def values() -> list[int]:
        results = run(**{INPUT: 0})
        return [results[name] for name in last]

    return values


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:
    """Run in threads."""
    module, _ = compiled(wired(jobs, sleeping), Options(level=0, mode="threads"))
    last = ends(jobs)

    def run() -> list[int]:
        results = module.run(x=0, max_workers=workers)
        return [results[name] for name in last]

    return run


def machine(limit: int) -> Callable[[], object]:
    """Run the state machine, of states that can be read."""
    module, _ = compiled(counting(limit, STATES))
    return lambda: module.run(begin=0, limit=limit)["tick"]
