"""Benchmarks measure what they say, and requirements are held against what was measured."""

from __future__ import annotations

import asyncio
import math
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed.tuning import __main__ as program
from fastdag_typed.tuning.benchmarking import BenchmarkResult, BenchmarkRunner, PerformanceRequirements
from fastdag_typed.tuning.shapes import SHAPES, complex_of, linear
from fastdag_typed.tuning.timing import best_of, times_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_program_measures_everything_and_tells_whether_requirements_are_met(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    code = program.main(["--quick", str(page)])
    *violations, last = capsys.readouterr().out.splitlines()
    text = page.read_text()
    assert last == f"report: {page}"
    assert code == bool(violations) == ("## Requirements not met" in text)
    assert all(f"* {line}\n" in text for line in violations)
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles[:7] == [
        "Node Overhead",
        "Parallel Scaling",
        "Memory Usage",
        "Visualization Performance",
        "Error Handling Overhead",
        "Serialization",
        "Validation",
    ]
    assert "nan" not in text
    assert "inf" not in text


def test_sizes_of_one_node_and_no_edge_are_measured_too() -> None:
    runner = BenchmarkRunner()
    asyncio.run(runner.benchmark_node_overhead([1], rounds=1))
    runner.benchmark_memory_usage([1])
    runner.benchmark_visualization_performance([1], rounds=1)
    runner.benchmark_serialization([1], rounds=1)
    runner.benchmark_validation([1], rounds=1)
    for result in runner.results:
        (row,) = result.results
        assert row["nodes"] == 1
        assert all(math.isfinite(value) for value in row.values() if value is not None)


def test_what_a_node_costs_is_the_time_of_the_run_less_that_of_its_calls() -> None:
    (row,) = asyncio.run(BenchmarkRunner().benchmark_node_overhead([50], rounds=2)).results
    assert row["nodes"] == 50
    assert row["overhead_per_node_ms"] == pytest.approx((row["total_time_ms"] - row["by_hand_ms"]) / 50)
    assert row["ratio"] == pytest.approx(row["total_time_ms"] / row["by_hand_ms"])
    assert row["by_hand_ms"] > 0


def test_efficiency_is_held_against_the_shortest_time_that_there_is() -> None:
    work = BenchmarkRunner().benchmark_parallel_scaling(widths=[3], seconds=0.002, rounds=1)
    rows = {row["shape"]: row for row in asyncio.run(work).results}
    shortest = {"linear": 3, "fan_out": 1, "diamond": 1, "complex": 3}
    assert rows.keys() == shortest.keys()
    for shape, count in shortest.items():
        row = rows[shape]
        assert row["efficiency"] == pytest.approx(count * 2.0 / row["parallel_time_ms"])
        assert 0 < row["efficiency"] <= 1
        assert row["speedup"] == pytest.approx(row["sequential_time_ms"] / row["parallel_time_ms"])


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r'shape is one of linear, fan_out, diamond, complex, not "ring"'):
        asyncio.run(BenchmarkRunner().benchmark_parallel_scaling(["ring"]))


def test_memory_is_what_is_allocated_for_each_node() -> None:
    small, large = BenchmarkRunner().benchmark_memory_usage([200, 2000]).results
    assert small["growth_factor"] is None
    assert 0.0002 < large["memory_per_node_mb"] < 0.02
    assert large["memory_used_mb"] == pytest.approx(large["memory_per_node_mb"] * large["nodes"])
    assert large["growth_factor"] == pytest.approx(large["memory_per_node_mb"] / small["memory_per_node_mb"])
    assert not tracemalloc.is_tracing()


def test_tracing_that_goes_on_already_goes_on() -> None:
    tracemalloc.start()
    try:
        BenchmarkRunner().benchmark_memory_usage([10])
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_retries_mend_what_fails_at_times_and_not_what_always_fails() -> None:
    work = BenchmarkRunner().benchmark_error_handling_overhead([0.0, 0.5, 1.0], runs=20, rounds=1)
    never, at_times, always = asyncio.run(work).results
    assert (never["basic_failed"], never["enhanced_failed"]) == (0, 0)
    assert 0 < at_times["basic_failed"] < 20
    assert at_times["enhanced_failed"] < at_times["basic_failed"]
    assert (always["basic_failed"], always["enhanced_failed"]) == (20, 20)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [1, 2, 5])
def test_every_shape_runs_without_inputs_in_both_modes(shape: str, width: int) -> None:
    def one(x: int = 0) -> int:
        return x + 1

    def two(a: int = 0, b: int = 0) -> int:
        return a + b

    dag = SHAPES[shape](width, one, two)
    assert dag.run() == dag.run(mode="parallel")
    assert sum(node.func in (one, two) for node in dag.nodes.values()) == (3 * width if shape == "complex" else width)


@pytest.mark.parametrize("size", [1, 2, 9, 10, 100])
def test_sizes_are_about_what_was_asked_for(size: int) -> None:
    assert len(linear(size).nodes) == size
    assert size * 0.8 <= len(complex_of(size).nodes) <= size


def test_the_first_round_does_not_count_and_works_take_turns() -> None:
    order: list[str] = []

    async def work() -> Any:
        async def later() -> None:
            order.append("b")

        return await times_of(lambda: order.append("a"), later, rounds=2), await best_of(list, rounds=3)

    times, best = asyncio.run(work())
    assert order == ["a", "b"] * 3
    assert [len(each) for each in times] == [2, 2]
    assert len(best) == 1


# -- requirements ----------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_specifications() -> None:
    assert PerformanceRequirements() == PerformanceRequirements(1.0, 0.85, 10.0, 1.2, 0.1, 0.5, 0.5, 0.01)


@pytest.mark.parametrize(
    ("name", "row", "finding"),
    [
        (
            "node_overhead",
            {"nodes": 10, "overhead_per_node_ms": 1.5},
            "nodes 10: overhead_per_node_ms is 1.5, not at most 1",
        ),
        (
            "parallel_scaling",
            {"shape": "fan_out", "width": 4, "efficiency": 0.5},
            "shape fan_out, width 4: efficiency is 0.5, not at least 0.85",
        ),
        ("memory_usage", {"nodes": 1, "memory_per_node_mb": 11.0}, "nodes 1: memory_per_node_mb is 11, not at most 10"),
        ("memory_usage", {"nodes": 1, "growth_factor": 2.0}, "nodes 1: growth_factor is 2, not at most 1.2"),
        ("visualization_performance", {"nodes": 1, "mermaid_ms_per_node": 0.2}, "is 0.2, not at most 0.1"),
        ("visualization_performance", {"nodes": 1, "graphviz_ms_per_node": 0.2}, "is 0.2, not at most 0.1"),
        ("serialization", {"nodes": 1, "serialization_ms_per_node": 0.6}, "is 0.6, not at most 0.5"),
        ("serialization", {"nodes": 1, "deserialization_ms_per_node": 0.6}, "is 0.6, not at most 0.5"),
        (
            "validation",
            {"nodes": 1, "edges": 2, "validation_ms_per_edge": 0.02},
            "edges 2: validation_ms_per_edge is 0.02",
        ),
    ],
)
def test_what_breaks_a_requirement_is_named(name: str, row: dict[str, Any], finding: str) -> None:
    (found,) = PerformanceRequirements().check([BenchmarkResult(name, [row], next(iter(row)))])
    assert found.startswith(f"{name}, ")
    assert finding in found


def test_what_meets_the_requirements_is_not_mentioned() -> None:
    results = [
        BenchmarkResult("node_overhead", [{"nodes": 10, "overhead_per_node_ms": 1.0}], "overhead_per_node_ms"),
        BenchmarkResult("parallel_scaling", [{"shape": "linear", "width": 1, "efficiency": 0.85}], "efficiency"),
        BenchmarkResult("memory_usage", [{"nodes": 1, "growth_factor": None}], "growth_factor"),
        BenchmarkResult("of my own", [{"nodes": 10, "efficiency": 0.0}], "efficiency"),
    ]
    assert PerformanceRequirements().check(results) == []
    assert len(PerformanceRequirements(node_overhead_ms=0.5, parallel_efficiency=0.9).check(results)) == 2


# -- the report ------------------------------------------------------------------------------------------------------


def test_the_report_has_a_table_for_each_benchmark_and_what_is_not_met(tmp_path: Path) -> None:
    runner = BenchmarkRunner()
    rows = [{"nodes": 10, "overhead_per_node_ms": 0.25}, {"nodes": 100, "overhead_per_node_ms": 1.75}]
    runner.results.append(BenchmarkResult("node_overhead", rows, "overhead_per_node_ms"))
    runner.results.append(BenchmarkResult("memory_usage", [{"nodes": 7, "growth_factor": None}], "growth_factor"))
    runner.results.append(BenchmarkResult("nothing", [], "at_all"))
    page = tmp_path / "report.md"
    page.write_text("old")
    runner.generate_report(page)
    text = page.read_text()
    assert text.startswith("# Performance Benchmark Report\n\nGenerated at: 2")
    assert (
        "## Node Overhead\n\n| nodes | overhead_per_node_ms |\n| --- | --- |\n| 10 | 0.25 |\n| 100 | 1.75 |\n" in text
    )
    assert "**overhead_per_node_ms**: avg=1, min=0.25, max=1.75" in text
    assert "## Memory Usage\n\n| nodes | growth_factor |\n| --- | --- |\n| 7 |  |\n" in text
    assert "## Nothing\n\nNothing was measured.\n" in text
    assert text.endswith(
        "## Requirements not met\n\n* node_overhead, nodes 100: overhead_per_node_ms is 1.75, not at most 1\n"
    )
    assert list(tmp_path.iterdir()) == [page]


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OSError, match=r"report\.md"):
        BenchmarkRunner().generate_report(tmp_path / "report.md")
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
