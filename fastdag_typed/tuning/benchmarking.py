"""Measuring what the engine costs, against the same calls by hand."""

from __future__ import annotations

import gc
import os
from functools import partial
from pathlib import Path
from random import Random
from statistics import mean, stdev
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from ..dag import DAG
from ..exceptions import WorkflowExecutionError
from ..node import Node
from ..run.config import ExecutionConfig
from ..run.executor import DAGAnalysis
from ..run.metrics import ExecutionMetrics
from ..run.runner import Runner
from ..step import drive
from .report import report
from .requirements import BenchmarkResult, PerformanceRequirements
from .shapes import SHAPES, complex_of, increment, linear, mix, total
from .timing import best_of, times_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BenchmarkResult", "BenchmarkRunner", "PerformanceRequirements"]

_MEBIBYTE: Final = 2**20
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {"increment": increment, "mix": mix, "total": total}


class BenchmarkRunner:
    """Measures the engine; ``results`` are those of all benchmarks so far.

    Times are the best of several rounds after one that does not count, so that what else the machine does counts least;
    and what a node costs is the time of a run less that of the same calls by hand, measured in turn with it.
    """

    def __init__(self) -> None:
        self.results: list[BenchmarkResult] = []

    async def run_all(self, *, quick: bool = False) -> list[BenchmarkResult]:
        """Run every benchmark, in less than a minute on a machine of today; ``quick``: with small sizes, in seconds."""
        sizes = (10, 100) if quick else None
        await self.benchmark_node_overhead(sizes, rounds=3 if quick else None)
        await self.benchmark_parallel_scaling(widths=(2, 4) if quick else (1, 2, 4, 8, 16, 32))
        self.benchmark_memory_usage(sizes)
        self.benchmark_visualization_performance(sizes, rounds=3 if quick else 10)
        await self.benchmark_error_handling_overhead(runs=10 if quick else 100)
        self.benchmark_serialization(sizes)
        self.benchmark_validation(sizes)
        return self.results

    async def benchmark_node_overhead(
        self, sizes: Sequence[int] | None = None, *, rounds: int | None = None
    ) -> BenchmarkResult:
        """Measure what each node of a chain costs beyond its own call; ``ratio`` is to the calls alone."""
        rows: list[dict[str, Any]] = []
        for size in sizes or (10, 100, 1000, 10000):
            runner = Runner(linear(size))
            with_engine, by_hand = await best_of(
                partial(runner.run_async, {"x": 1}),
                partial(_by_hand, size),
                rounds=rounds or max(5, min(50, 20_000 // size)),
            )
            rows.append(
                {
                    "nodes": size,
                    "total_time_ms": with_engine * 1e3,
                    "by_hand_ms": by_hand * 1e3,
                    "overhead_per_node_ms": (with_engine - by_hand) / size * 1e3,
                    "ratio": with_engine / by_hand,
                }
            )
        return self._keep("node_overhead", rows, "overhead_per_node_ms")

    async def benchmark_parallel_scaling(
        self,
        dag_shapes: Sequence[str] | None = None,
        *,
        widths: Sequence[int] = (1, 2, 4, 8, 16, 32),
        seconds: float = 0.01,
        rounds: int = 3,
    ) -> BenchmarkResult:
        """Measure how well nodes that wait, each for some seconds, share the time of as many workers as the width.

        ``efficiency`` is the shortest time that any schedule could take as a share of what the parallel run took: 1 at
        best, for a chain too.

        Raises:
            ValueError: a shape is unknown.

        """
        rows: list[dict[str, Any]] = []
        for shape in dag_shapes or SHAPES:
            if shape not in SHAPES:
                raise ValueError(f'shape is one of {", ".join(SHAPES)}, not "{shape}"')
            for width in widths:
                one, two = _waiting(seconds)
                dag = SHAPES[shape](width, one, two)
                runner = Runner(dag, ExecutionConfig(max_workers=width))
                (parallel,) = await best_of(partial(runner.run_async, {}, "parallel"), rounds=rounds)
                in_turn = (await runner.run_async({}, "sequential")).total_time
                waits = {node.name: seconds for node in dag.nodes.values() if node.func in (one, two)}
                analysis = DAGAnalysis.of(dag, ExecutionMetrics(node_times=waits))
                rows.append(
                    {
                        "shape": shape,
                        "width": width,
                        "sequential_time_ms": in_turn * 1e3,
                        "parallel_time_ms": parallel * 1e3,
                        "speedup": in_turn / parallel,
                        "efficiency": max(analysis.critical_time, analysis.total_time / width) / parallel,
                    }
                )
        return self._keep("parallel_scaling", rows, "efficiency")

    def benchmark_memory_usage(self, sizes: Sequence[int] | None = None) -> BenchmarkResult:
        """Measure what a workflow, its plan and a run of it allocate, counted by ``tracemalloc``.

        The growth of the process, which psutil tells, would count what the allocator keeps or had left over.
        """
        import tracemalloc

        rows: list[dict[str, Any]] = []
        Runner(complex_of(20)).run({})  # what is loaded once belongs to no size
        for size in sizes or (100, 1000, 10000, 100000):
            gc.collect()
            tracing = tracemalloc.is_tracing()
            if not tracing:
                tracemalloc.start()
            try:
                before = tracemalloc.get_traced_memory()[0]
                runner = Runner(complex_of(size))
                nodes = runner.run({}).nodes_executed
                used = (tracemalloc.get_traced_memory()[0] - before) / _MEBIBYTE
            finally:
                if not tracing:
                    tracemalloc.stop()
            last = rows[-1]["memory_per_node_mb"] if rows else None
            rows.append(
                {
                    "nodes": nodes,
                    "memory_used_mb": used,
                    "memory_per_node_mb": used / nodes,
                    "growth_factor": None if last is None else used / nodes / last,
                }
            )
            del runner
        return self._keep("memory_usage", rows, "memory_per_node_mb")

    def benchmark_visualization_performance(
        self, sizes: Sequence[int] | None = None, *, rounds: int = 10
    ) -> BenchmarkResult:
        """Measure how long drawing takes: on average, and for each node at best."""
        from ..show.visualizer import Visualizer

        rows: list[dict[str, Any]] = []
        for size in sizes or (10, 100, 1000, 5000):
            dag = complex_of(size)
            picture = Visualizer(dag)
            row: dict[str, Any] = {"nodes": len(dag.nodes)}
            for name, draw in (("mermaid", picture.to_mermaid), ("graphviz", picture.to_graphviz)):
                (times,) = drive(times_of(draw, rounds=rounds))
                row[f"{name}_avg_ms"] = mean(times) * 1e3
                row[f"{name}_std_ms"] = (stdev(times) if len(times) > 1 else 0.0) * 1e3
                row[f"{name}_ms_per_node"] = min(times) / len(dag.nodes) * 1e3
            rows.append(row)
        return self._keep("visualization_performance", rows, "mermaid_avg_ms")

    async def benchmark_error_handling_overhead(
        self, fail_rates: Sequence[float] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9), *, runs: int = 100, rounds: int = 3
    ) -> BenchmarkResult:
        """Measure what it costs to retry a failing node up to three times, without waits, at several rates of failure.

        Times are those of a run on average, failed ones with them; which calls fail is drawn alike in each series. At a
        rate of 0 the overhead is what the retry policy costs; at others it is mostly the further calls.
        """
        rows: list[dict[str, Any]] = []
        for rate in fail_rates:
            basic, enhanced = _Failing(rate, retried=False), _Failing(rate, retried=True)
            plain, retried = await best_of(
                partial(basic.series, runs),
                partial(enhanced.series, runs),
                rounds=rounds,
            )
            rows.append(
                {
                    "fail_rate": rate,
                    "basic_avg_ms": plain / runs * 1e3,
                    "basic_failed": await basic.series(runs),
                    "enhanced_avg_ms": retried / runs * 1e3,
                    "enhanced_failed": await enhanced.series(runs),
                    "overhead_percent": (retried - plain) / plain * 100,
                }
            )
        return self._keep("error_handling_overhead", rows, "overhead_percent")

    def benchmark_serialization(self, sizes: Sequence[int] | None = None, *, rounds: int = 3) -> BenchmarkResult:
        """Measure how long a workflow takes to YAML and back."""
        from ..store.workflows import WorkflowSerializer

        rows: list[dict[str, Any]] = []
        for size in sizes or (10, 100, 1000, 5000):
            dag = complex_of(size)
            text = WorkflowSerializer.to_yaml(dag)
            write, read = drive(
                best_of(
                    partial(WorkflowSerializer.to_yaml, dag),
                    partial(WorkflowSerializer.from_yaml, text, _FUNCTIONS),
                    rounds=rounds,
                )
            )
            nodes = len(dag.nodes)
            rows.append(
                {
                    "nodes": nodes,
                    "serialization_ms_per_node": write / nodes * 1e3,
                    "deserialization_ms_per_node": read / nodes * 1e3,
                }
            )
        return self._keep("serialization", rows, "serialization_ms_per_node")

    def benchmark_validation(self, sizes: Sequence[int] | None = None, *, rounds: int = 5) -> BenchmarkResult:
        """Measure how long it takes to validate a workflow, for each edge."""
        rows: list[dict[str, Any]] = []
        for size in sizes or (10, 100, 1000, 10000):
            dag = complex_of(size)
            edges = sum(1 for _ in dag.edges)
            (best,) = drive(best_of(partial(_validate, dag), rounds=rounds))
            rows.append({"nodes": len(dag.nodes), "edges": edges, "validation_ms_per_edge": best / max(1, edges) * 1e3})
        return self._keep("validation", rows, "validation_ms_per_edge")

    def generate_report(self, output_file: str | os.PathLike[str] = "benchmark_report.md") -> None:
        """Write all results as Markdown, and what of them does not meet the requirements; whole or not at all.

        Raises:
            OSError: the file cannot be written.

        """
        place = Path(output_file)
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            beside.write_text(
                report(self.results, PerformanceRequirements().check(self.results)), encoding="utf-8", newline="\n"
            )
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)

    def _keep(self, name: str, rows: list[dict[str, Any]], metric: str) -> BenchmarkResult:
        result = BenchmarkResult(name, rows, metric)
        self.results.append(result)
        return result


def _by_hand(size: int) -> int:
    x = 1
    for _ in range(size):
        x = increment(x)
    return x


def _validate(dag: DAG) -> None:
    dag.changed()
    dag.validate()


def _waiting(seconds: float) -> tuple[Callable[..., int], Callable[..., int]]:
    """Make functions of one and of two inputs that wait, as for a network."""

    def one(x: int = 0) -> int:
        sleep(seconds)
        return x + 1

    def two(a: int = 0, b: int = 0) -> int:
        sleep(seconds)
        return a ^ b

    return one, two


class _Failing:
    """Runs of a workflow of two nodes, the first of which fails at some rate."""

    def __init__(self, rate: float, *, retried: bool) -> None:
        self._draw = draw = Random()  # noqa: S311 - nothing is secret here
        dag = DAG("error_benchmark")

        def may_fail(x: int) -> int:
            if draw.random() < rate:
                raise ValueError("drawn to fail")
            return x * 2

        dag.chain(dag.add_node(Node(may_fail)), dag.add_node(Node(increment, "safe_node")))
        self._runner: Runner = Runner(dag)
        if retried:
            from ..policies.retry import RetryStrategy
            from ..presets.runners import EnhancedRunner

            runner = EnhancedRunner(dag)
            runner.set_recovery_strategy("may_fail", RetryStrategy(max_retries=3, delay=0))
            self._runner = runner

    async def series(self, runs: int) -> int:
        """Run so many times; give how many runs failed."""
        self._draw.seed(0)
        failed = 0
        for _ in range(runs):
            try:
                await self._runner.run_async({"x": 1})
            except WorkflowExecutionError:
                failed += 1
        return failed
