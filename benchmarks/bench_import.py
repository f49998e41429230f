"""What ``import fastdag_typed`` costs, against importing fast-dag 0.2.0 side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

PEER = "fast_dag"


def cost(module: str) -> int:
    """Microseconds that ``python -X importtime`` counts for a module with all that it imports."""
    # Both are measured as installed packages are: with their bytecode written.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    line = next(line for line in reversed(run.stderr.splitlines()) if line.endswith(f"| {module}"))
    return int(line.split("|")[1])


@pytest.mark.benchmark(group="import")
def bench_import(benchmark: Any) -> None:
    """Measure both in turn, eleven times."""
    pairs: list[tuple[int, int]] = []
    benchmark.extra_info.update(what="import", nodes=1, control=False)
    benchmark.pedantic(lambda: pairs.append((cost("fastdag_typed"), cost(PEER))), rounds=11, warmup_rounds=1)
    ours, theirs = (sorted(column)[len(pairs) // 2] for column in zip(*pairs, strict=True))
    benchmark.extra_info["lines"] = [
        f"import: fastdag_typed {ours / 1000:.1f} ms, {PEER} {theirs / 1000:.1f} ms: {ours / theirs:.3f} x"
    ]
