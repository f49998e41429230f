"""Prints, after the measurements, what was found: per node, and as a ratio to the control of the same run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks.compare import shown, table

if TYPE_CHECKING:
    from benchmarks.compare import Figure

STRICT: Final = os.environ.get("FASTDAG_BENCH_STRICT", "") not in ("", "0")
"""Whether a figure above its limit fails the run; otherwise it is only said: the machine may be busy."""


class Report:
    """What is printed at the end."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.lines: list[str] = []


REPORT: Final = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the report."""
    config.stash[REPORT] = Report()


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """Take figures and lines that are printed at the end."""
    return pytestconfig.stash[REPORT]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a figure above its limit, where that is asked for."""
    if STRICT and not all(figure.holds for figure in session.config.stash[REPORT].figures):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print one line for each subject: microseconds per node, and the ratio to its control."""
    report = config.stash[REPORT]
    for line in [*_timings(config), *_figures(report.figures), *report.lines]:
        terminalreporter.write_line(line)


def _timings(config: pytest.Config) -> list[str]:
    session: Any = getattr(config, "_benchmarksession", None)
    rows = [bench for bench in (session.benchmarks if session else ()) if bench.stats.rounds]
    best = {(b.group, b.extra_info.get("nodes")): _each(b) for b in rows if b.extra_info.get("control")}
    lines: list[str] = []
    for bench in rows:
        info = bench.extra_info
        control = best.get((bench.group, info.get("nodes")))
        if info.get("control") or not control:
            continue
        each = _each(bench)
        lines.append(
            f"{info['what']:<34} {info['nodes']:>9,} {each * 1e6:>9.2f} µs {each / control:>10.2f}   "
            f"{bench.group} ({control * 1e6:.3f} µs)"
        )
    if lines:
        lines = ["", f"{'what':<34} {'nodes':>9} {'each':>12} {'x control':>10}   control", *lines]
    return [*lines, *(line for bench in rows for line in bench.extra_info.get("lines", ()))]


def _figures(figures: list[Figure]) -> list[str]:
    if not figures:
        return []
    head = ["what", "takes", "control", "median", "fastest", "at most", ""]
    return ["", *table([head, *(_row(figure) for figure in figures)])]


def _row(figure: Figure) -> list[str]:
    seconds = (shown(figure.subject), "-" if figure.control is None else shown(figure.control))
    found = (f"{number:.2f}" for number in figure.found)
    return [figure.what, *seconds, *found, f"{figure.limit:.4g} {figure.unit}", figure.verdict]


def _each(bench: Any) -> float:
    return float(bench.stats.min / bench.extra_info["nodes"])
