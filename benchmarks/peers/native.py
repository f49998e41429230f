"""This library, compiled to a flat module and that to an extension; it takes a C compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.flat import compiled
from benchmarks.peers.compiled import last_of
from benchmarks.peers.ours import counting, wired
from benchmarks.works import STATES
from fastdag_codegen import load
from fastdag_codegen.native import build

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.works import Graph
    from fastdag_typed import Workflow

parallel = "sequential only"


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one node after the other."""
    return last_of(_built(wired(jobs)).run, jobs)


def machine(limit: int) -> Callable[[], object]:
    """Run the state machine, of states that can be read."""
    run = _built(counting(limit, STATES)).run
    return lambda: run(begin=0, limit=limit)["tick"]


def _built(workflow: Workflow) -> Any:
    _, path = compiled(workflow)
    build(path)
    return load(path)
