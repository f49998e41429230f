"""What a run may cost, and which measurements break it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class BenchmarkResult:
    """What a benchmark measured: one row for each size or shape; ``metric`` is the column to look at first."""

    name: str
    results: list[dict[str, Any]]
    metric: str


@dataclass
class PerformanceRequirements:
    """What the engine may cost.

    Args:
        node_overhead_ms: milliseconds of a run for each node, beyond the node's own call.
        parallel_efficiency: at least this share of a parallel run is time that no schedule could save.
        memory_per_node_mb: mebibytes of a workflow, its plan and a run of it, for each node.
        memory_growth_factor: how much more memory each node may take in a larger workflow than in the next smaller one.
        viz_generation_ms_per_node: milliseconds of drawing, for each node.
        serialization_ms_per_node: milliseconds of writing a document, for each node.
        deserialization_ms_per_node: milliseconds of reading it.
        validation_ms_per_edge: milliseconds of validation, for each edge.

    """

    node_overhead_ms: float = 1.0
    parallel_efficiency: float = 0.85
    memory_per_node_mb: float = 10.0
    memory_growth_factor: float = 1.2
    viz_generation_ms_per_node: float = 0.1
    serialization_ms_per_node: float = 0.5
    deserialization_ms_per_node: float = 0.5
    validation_ms_per_edge: float = 0.01

    def check(self, results: Iterable[BenchmarkResult]) -> list[str]:
        """Say which measurements do not meet the requirements; nothing if all do."""
        found: list[str] = []
        for result in results:
            for column, requirement in _BY_BENCHMARK.get(result.name, ()):
                limit: float = getattr(self, requirement)
                least = requirement in _AT_LEAST
                for row in result.results:
                    value = row.get(column)
                    if value is not None and (value < limit if least else value > limit):
                        where = ", ".join(f"{name} {row[name]}" for name in _KEYS if name in row)
                        bound = "least" if least else "most"
                        found.append(f"{result.name}, {where}: {column} is {value:.3g}, not at {bound} {limit:g}")
        return found


_BY_BENCHMARK: Final = {
    "node_overhead": (("overhead_per_node_ms", "node_overhead_ms"),),
    "parallel_scaling": (("efficiency", "parallel_efficiency"),),
    "memory_usage": (("memory_per_node_mb", "memory_per_node_mb"), ("growth_factor", "memory_growth_factor")),
    "visualization_performance": (
        ("mermaid_ms_per_node", "viz_generation_ms_per_node"),
        ("graphviz_ms_per_node", "viz_generation_ms_per_node"),
    ),
    "serialization": (
        ("serialization_ms_per_node", "serialization_ms_per_node"),
        ("deserialization_ms_per_node", "deserialization_ms_per_node"),
    ),
    "validation": (("validation_ms_per_edge", "validation_ms_per_edge"),),
}
"""Which column of which benchmark each requirement is about."""
_AT_LEAST: Final = frozenset({"parallel_efficiency"})
_KEYS: Final = ("shape", "width", "nodes", "edges", "fail_rate")
"""The columns that say what was measured."""
