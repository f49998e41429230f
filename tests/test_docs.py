"""Every code block of the README is executed, in order, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader")


def blocks(document: str) -> list[tuple[str, str, str]]:
    return BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))


def shell(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(place)}
    return subprocess.run(  # noqa: S602 - the README's own commands
        command, shell=True, cwd=place, env=env, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("document", ["README.md"])
def test_every_block_does_what_it_shows(document: str, place: Path) -> None:
    found = blocks(document)
    assert len(found) > 5
    for language, title, body in found:
        if language == "console":
            run_console(body, place)
            continue
        assert title, f"a {language} block without a file name:\n{body}"
        (place / title).write_text(body, encoding="utf-8")
        if language == "python" and title != "wrong.py":
            result = shell(f"python {title}", place)
            assert result.returncode == 0, f"{title}:\n{result.stderr}"


def run_console(body: str, place: Path) -> None:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        if command.startswith("pip install"):
            continue  # it is what the environment of this test was made with
        result = shell(command, place)
        output = result.stdout + result.stderr
        fails = " error: " in expected
        assert (result.returncode != 0) == fails, f"$ {command}\n{output}"
        for line in expected.splitlines():
            assert line in output, f"$ {command}\n{output}"


def test_the_first_example_fits_on_a_screen() -> None:
    first = blocks("README.md")[0][2]
    assert len(first.strip().splitlines()) <= 20
