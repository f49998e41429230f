"""The program as a user runs it: another process, in a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

COMMAND = (sys.executable, "-m", "fastdag_typed.cli")


@dataclass(frozen=True)
class Outcome:
    """What a call of the program left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A user's folder, and the program run in it."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file of the user."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def fastdag(self, *args: str) -> Outcome:
        """Run the program; it must end by itself and never show the library's own frames."""
        done = subprocess.run(
            [*COMMAND, *args], cwd=self.folder, capture_output=True, encoding="utf-8", timeout=120, check=False
        )
        assert str(Path("fastdag_typed", "")) + "/" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
