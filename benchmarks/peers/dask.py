"""dask: https://docs.dask.org, ``delayed`` with the synchronous and the threaded scheduler of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
from dask import delayed

from benchmarks.works import INPUT, ends, sleeping

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.works import Graph, Job


def _ends(jobs: Graph, function: Callable[[Job], Callable[..., int]] = lambda job: job.func) -> list[Any]:
    values: dict[str, Any] = {INPUT: 0}
    for name, job in jobs.items():
        values[name] = delayed(function(job))(*(values[read] for read in job.reads.values()))
    return [values[name] for name in ends(jobs)]


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one call after the other."""
    last = _ends(jobs)
    return lambda: list(dask.compute(*last, scheduler="synchronous"))


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:
    """Run in threads."""
    last = _ends(jobs, sleeping)
    return lambda: list(dask.compute(*last, scheduler="threads", num_workers=workers))


machine = "no machines"
