"""``python -m fastdag_typed.tuning [--quick] [FILE]`` runs every benchmark and writes the report."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser

from .benchmarking import BenchmarkRunner, PerformanceRequirements


def main(arguments: list[str] | None = None) -> int:
    """Run every benchmark, write the report and give 1 if a requirement is not met, else 0."""
    parser = ArgumentParser(prog="python -m fastdag_typed.tuning", description="Measure what the engine costs.")
    parser.add_argument("file", nargs="?", default="benchmark_report.md", help="where the report is written")
    parser.add_argument("--quick", action="store_true", help="small sizes, which take seconds and say less")
    given = parser.parse_args(arguments)
    benchmarks = BenchmarkRunner()
    asyncio.run(benchmarks.run_all(quick=given.quick))
    benchmarks.generate_report(given.file)
    violations = PerformanceRequirements().check(benchmarks.results)
    sys.stdout.writelines(f"{line}\n" for line in [*violations, f"report: {given.file}"])
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
