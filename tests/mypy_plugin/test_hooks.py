"""The plugin as mypy runs it: a bug of its own is a note, and a cache changes nothing."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from fastdag_typed import DAG
dag = DAG("d")
@dag.node
def a() -> int:
    return 1
@dag.node
def b(x: str) -> int:
    return 1
a >> b
a.connect_to(b, input_name="y")
"""
BUGGY = """\
from mypy.plugin import Plugin
from fastdag_mypy import accepting, guard

def fails(ctx):
    raise RuntimeError("a bug")

class Buggy(Plugin):
    def get_method_signature_hook(self, fullname):
        return guard(fails, accepting) if fullname.endswith(("__rshift__", "__rrshift__")) else None

    def get_method_hook(self, fullname):
        return guard(fails, lambda ctx: ctx.default_return_type) if fullname.endswith("connect_to") else None

def plugin(version):
    return Buggy
"""


class Project:
    """A folder that mypy is run in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("mypy.ini", "[mypy]\nplugins = fastdag_mypy\n")

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(dedent(text))

    def check(self, *options: str, env: dict[str, str] | None = None) -> tuple[str, str]:
        """Run mypy; give what it prints."""
        command = [sys.executable, "-m", "mypy", *options, "app.py"]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        return done.stdout, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Make an empty project that uses the plugin."""
    return Project(tmp_path)


def test_a_bug_in_a_hook_is_a_note_and_never_an_error(project: Project) -> None:
    project.write("app.py", PROGRAM + "a.connect_to(1)\n")
    project.write("buggy.py", BUGGY)
    project.write("mypy.ini", "[mypy]\nplugins = ./buggy.py\n")
    out, err = project.check()
    where = "FASTDAG_MYPY_DEBUG=1 mypy --no-incremental --show-traceback"
    note = f"note: fastdag_mypy skipped a check (RuntimeError: a bug); {where} shows where, please report it"
    assert not err
    assert f"app.py:9: {note}" in out
    assert f"app.py:10: {note}" in out
    assert f"app.py:11: {note}" in out
    assert 'app.py:11: error: Argument 1 to "connect_to"' in out  # mypy's own verdict stands
    assert out.count(": error: ") == 1


def test_the_debug_variable_shows_where_a_bug_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDAG_MYPY_DEBUG", "1")
    project.write("app.py", PROGRAM)
    project.write("buggy.py", BUGGY)
    project.write("mypy.ini", "[mypy]\nplugins = ./buggy.py\n")
    out, err = project.check("--show-traceback")
    assert "RuntimeError: a bug" in out + err
    assert "INTERNAL ERROR" in out + err


def test_a_warm_run_finds_what_a_cold_one_finds(project: Project) -> None:
    project.write("lib.py", PROGRAM)
    project.write(
        "app.py", "from lib import dag, a, b\n@dag.node\ndef c(y: bytes) -> int:\n    return 1\na >> c\nb >> b\n"
    )
    cold = project.check()[0]
    assert project.check()[0] == cold
    assert "app.py:5: error:" in cold
    assert "app.py:6: error:" in cold
    assert "lib.py:9: error:" in cold

    for old, new in (("-> int", "-> bytes"), ("x: str", "x: bytes"), ("b(x: bytes)", "b(x: bytes, z: int)")):
        text = (project.folder / "lib.py").read_text()
        project.write("lib.py", text.replace(old, new))
        warm = project.check()[0]
        assert warm == project.check("--no-incremental")[0]
        assert warm != cold
        cold = warm


def test_a_cache_made_without_the_plugin_is_not_believed(project: Project) -> None:
    project.write("app.py", PROGRAM)
    project.write("plain.ini", "[mypy]\n")
    assert "fastdag" not in project.check("--config-file", "plain.ini")[0]
    assert "[fastdag-port]" in project.check()[0]
