"""pipefunc: https://pipefunc.readthedocs.io, ``Pipeline.run`` and ``Pipeline.map`` with the eager scheduler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipefunc import PipeFunc, Pipeline

from benchmarks.works import ends, sleeping

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.works import Graph, Job


def _pipeline(jobs: Graph, function: Callable[[Job], Callable[..., int]] = lambda job: job.func) -> Pipeline:
    return Pipeline([PipeFunc(function(job), output_name=name, renames=job.reads) for name, job in jobs.items()])


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one function after the other."""
    pipeline, last = _pipeline(jobs), ends(jobs)
    return lambda: list(pipeline.run(last, kwargs={"x": 0}))


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:
    """Run in threads, each function as soon as it can."""
    pipeline, last = _pipeline(jobs, sleeping), ends(jobs)

    def run() -> list[int]:
        with ThreadPoolExecutor(workers) as pool:
            results = pipeline.map({"x": 0}, executor=pool, storage="dict", scheduling_strategy="eager")
        return [results[name].output for name in last]

    return run


machine = "no machines"
