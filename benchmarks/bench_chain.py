"""What a node costs to build, plan, run, draw and store, against plain calls of the node functions in order."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.chains import by_hand, chain
from fastdag_typed import Runner, Visualizer, WorkflowSerializer

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = [1_000, 100_000, 1_000_000]
CONTROL = "plain calls in order"
BYTES_AT_MOST = 2048

pytestmark = pytest.mark.benchmark(group=CONTROL)


def measure(benchmark: Any, what: str, nodes: int, work: Callable[[], object], *, control: bool = False) -> None:
    """Time ``work`` often enough, collecting garbage before each round."""
    benchmark.extra_info.update(what=what, nodes=nodes, control=control)
    rounds = {1_000: 30, 100_000: 5}.get(nodes, 3)
    benchmark.pedantic(work, setup=_collect, rounds=rounds, iterations=1, warmup_rounds=1)


def _collect() -> None:
    gc.collect()


@pytest.mark.parametrize("size", SIZES)
def bench_control(benchmark: Any, size: int) -> None:
    """Time the control."""
    measure(benchmark, CONTROL, size, lambda: by_hand(size), control=True)


@pytest.mark.parametrize("size", SIZES)
def bench_build_validate_and_plan(benchmark: Any, size: int) -> None:
    """Time everything up to the plan."""
    measure(benchmark, "build, validate and plan", size, lambda: chain(size).plan())


@pytest.mark.parametrize("size", SIZES)
def bench_run(benchmark: Any, size: int) -> None:
    """Time a run with metrics."""
    runner = Runner(chain(size))
    measure(benchmark, "run, sequential, with metrics", size, lambda: runner.run({"x": 0}))
    assert runner.metrics.value == size


@pytest.mark.parametrize("size", SIZES[:2])
def bench_run_parallel(benchmark: Any, size: int) -> None:
    """Time a run in threads."""
    runner = Runner(chain(size))
    measure(benchmark, "run, parallel, with metrics", size, lambda: runner.run({"x": 0}, "parallel"))


@pytest.mark.parametrize("size", SIZES[:2])
def bench_mermaid(benchmark: Any, size: int) -> None:
    """Time a picture."""
    viz = Visualizer(chain(size))
    measure(benchmark, "Mermaid", size, viz.to_mermaid)


@pytest.mark.parametrize("size", SIZES[:2])
def bench_yaml(benchmark: Any, size: int) -> None:
    """Time a workflow's way to YAML and back."""
    dag, serializer = chain(size), WorkflowSerializer()
    function = dag.nodes["n0"].func
    measure(
        benchmark,
        "YAML and back",
        size,
        lambda: serializer.from_yaml(serializer.to_yaml(dag), {"increment": function}),
    )


def bench_memory(benchmark: Any) -> None:
    """Count bytes per node."""
    size = 100_000
    chain(10).plan()
    found: list[float] = []

    def work() -> None:
        tracemalloc.start()
        dag = chain(size)
        built = tracemalloc.get_traced_memory()[0]
        dag.plan()
        planned = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        found[:] = [built / size, planned / size]

    benchmark.extra_info.update(what="memory", nodes=size, control=False)
    benchmark.pedantic(work, rounds=1)
    share = found[1] / BYTES_AT_MOST
    line = f"memory at {size:,} nodes: {found[0]:,.0f} bytes per node built, {found[1]:,.0f} with the plan"
    benchmark.extra_info["lines"] = [f"{line} ({share:.2f} x 2 KiB)"]
