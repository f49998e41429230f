"""Measurements as a page of Markdown."""

from __future__ import annotations

import platform
from datetime import datetime
from statistics import mean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .requirements import BenchmarkResult


def report(results: Iterable[BenchmarkResult], violations: Iterable[str] = ()) -> str:
    """Write results as Markdown: a table for each, below it its metric, and at the end what breaks requirements."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} ({platform.machine()})"
    lines = ["# Performance Benchmark Report", "", f"Generated at: {now}, with {python} on {machine}"]
    for result in results:
        lines += ["", f"## {result.name.replace('_', ' ').title()}", ""]
        lines += _table(result.results)
        values = [row[result.metric] for row in result.results if row.get(result.metric) is not None]
        if values:
            figures = f"avg={mean(values):.3g}, min={min(values):.3g}, max={max(values):.3g}"
            lines += ["", f"**{result.metric}**: {figures}"]
    missed = [f"* {line}" for line in violations]
    if missed:
        lines += ["", "## Requirements not met", "", *missed]
    return "\n".join(lines) + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["Nothing was measured."]
    columns = list(rows[0])
    return [
        f"| {' | '.join(columns)} |",
        f"|{' --- |' * len(columns)}",
        *(f"| {' | '.join(_shown(row.get(column)) for column in columns)} |" for row in rows),
    ]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
