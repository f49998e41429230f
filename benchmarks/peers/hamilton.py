"""Hamilton: https://hamilton.apache.org, a function for each node, whose parameters name what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamilton import ad_hoc_utils, base, driver
from hamilton.plugins.h_threadpool import FutureAdapter

from benchmarks.works import ends, sleeping

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from benchmarks.works import Graph, Job


def _module(jobs: Graph, function: Callable[[Job], Callable[..., int]] = lambda job: job.func) -> ModuleType:
    namespace: dict[str, Any] = {"functions": {name: function(job) for name, job in jobs.items()}}
    for name, job in jobs.items():
        parameters = ", ".join(f"{read}: int" for read in job.reads.values())
        values = ", ".join(job.reads.values())
        exec(f"def {name}({parameters}) -> int:\n    return functions[{name!r}]({values})", namespace)  # noqa: S102 - our own
    return ad_hoc_utils.create_temporary_module(*(namespace[name] for name in jobs))


def _driver(module: ModuleType, adapter: object) -> driver.Driver:
    return driver.Builder().with_modules(module).with_adapters(adapter).build()


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one function after the other."""
    made, last = _driver(_module(jobs), base.DictResult()), ends(jobs)
    return lambda: list(made.execute(last, inputs={"x": 0}).values())


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:
    """Run in threads; a thread waits until there is what its function reads."""
    last = ends(jobs)
    made = _driver(_module(jobs, sleeping), FutureAdapter(max_workers=workers, result_builder=base.DictResult()))
    return lambda: list(made.execute(last, inputs={"x": 0}).values())


machine = "no machines"
