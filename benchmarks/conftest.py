"""Prints, after the measurements, each figure per node and as a ratio to the control of the same run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print one line for each subject: microseconds per node, and the ratio to its control."""
    session: Any = getattr(config, "_benchmarksession", None)
    rows = [bench for bench in (session.benchmarks if session else ()) if bench.stats.rounds]
    best = {(b.group, b.extra_info.get("nodes")): _each(b) for b in rows if b.extra_info.get("control")}
    write = terminalreporter.write_line
    write("")
    write(f"{'what':<34} {'nodes':>9} {'each':>12} {'x control':>10}   control")
    for bench in rows:
        info = bench.extra_info
        control = best.get((bench.group, info.get("nodes")))
        if info.get("control") or not control:
            continue
        each = _each(bench)
        write(
            f"{info['what']:<34} {info['nodes']:>9,} {each * 1e6:>9.2f} µs {each / control:>10.2f}   "
            f"{bench.group} ({control * 1e6:.3f} µs)"
        )
    for bench in rows:
        for line in bench.extra_info.get("lines", ()):
            write(line)


def _each(bench: Any) -> float:
    return float(bench.stats.min / bench.extra_info["nodes"])
