"""The demonstration goes through every step, and stops at the first one that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from examples.census import demo

ROOT = Path(demo.__file__).parents[2]


def run_demo(folder: Path, measured: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "examples.census.demo", str(measured)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_the_demo_shows_every_step_and_leaves_its_files(tmp_path: Path) -> None:
    done = run_demo(tmp_path, ROOT / "examples")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[0] for line in done.stdout.splitlines() if line[:1].isdigit()] == list("1234567")
    assert 'returns "list[Source]", but input port "modules" of "measure_functions" expects' in done.stdout
    assert "census: 0 errors" in done.stdout
    assert "out/census.md and out/census_flat.md: the same" in done.stdout
    out = tmp_path / "out"
    assert (out / "census.md").read_bytes() == (out / "census_flat.md").read_bytes()
    assert (out / "census.mmd").read_text(encoding="utf-8").startswith("graph TD")
    assert (out / "census.dot").read_text(encoding="utf-8").startswith("digraph")


def test_the_demo_stops_with_an_error_if_there_is_nothing_to_measure(tmp_path: Path) -> None:
    done = run_demo(tmp_path, tmp_path / "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "census.md").exists()
