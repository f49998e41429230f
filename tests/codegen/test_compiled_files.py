"""Compiled modules as files: compared with their sources, found out of date, written, loaded, refused."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from fastdag_codegen import Options, check, compile_target, differences, load, write
from fastdag_typed import CompileError

if TYPE_CHECKING:
    from pathlib import Path

FLOW = '''
    """A flow."""
    from fastdag_typed import DAG

    dag = DAG("halves")

    @dag.node
    def half(x: int) -> float:
        """Halve."""
        return x / 2

    @dag.node
    def inverse(value: float) -> float:
        return 1 / value

    half >> inverse
'''


class Project:
    """A user's folder, each step in a process of its own as the module changes in between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(FLOW)
        self.compile()

    def compile(self, options: str = "") -> None:
        text = f"compile_target('halves:dag', Options({options}))"
        self.python(f"from fastdag_codegen import *; write({text}, 'flat.py')")

    def write(self, text: str) -> None:
        (self.folder / "halves.py").write_text(dedent(text), encoding="utf-8")

    def python(self, code: str, *options: str) -> str:
        """Run code; give what it prints, and the warnings."""
        done = subprocess.run(
            [sys.executable, *options, "-c", code],
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return done.stdout + done.stderr

    def check(self) -> str:
        return self.python("from fastdag_codegen import check; print(check('flat.py'))").strip()

    def run(self, *options: str, then: str = "") -> str:
        code = f"from fastdag_codegen import load; from fastdag_typed import Runner; m = load('flat.py'); {then}\n"
        return self.python(f"{code}print(Runner(m).run({{'x': 4}}).value)", *options)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("A flow", "A flow", "[]"),
        ("1 / value", "2 / value", "['node \"inverse\" has changed']"),
        ("1 / value", "1  /  value  # comment", "['halves.py has changed, but none of the nodes']"),
        ("Halve.", "Take half.", "['halves.py has changed, but none of the nodes']"),
        ("inverse", "other", "['node \"other\" is new', 'node \"inverse\" is gone']"),
        ("x: int)", "x: int = 3)", "['node \"half\" has changed']"),
        ('DAG("halves")', 'DAG("haves")', "['halves.py has changed, but none of the nodes']"),
    ],
)
def test_checking_says_which_nodes_are_different(project: Project, old: str, new: str, expected: str) -> None:
    project.write(FLOW.replace(old, new))
    assert project.check() == expected


def test_an_edited_module_is_found_out() -> None:
    text = compile_target("flat_composed:sums", Options(level=0))
    assert differences(text, text) == []
    assert "the file was edited" in differences(text.replace("_add(x, y)", "_add(y, x)"), text)[0]
    assert "another version" in differences(text.replace("fastdag 0", "fastdag 9"), text)[0]


def test_only_files_that_the_functions_are_from_are_sources() -> None:
    for level in (0, 1):
        lines = compile_target("flat_machine:machine", Options(level=level)).splitlines()
        found = [line.split()[2] for line in lines if line.startswith("# fastdag-source: ")]
        assert found == ["flat_machine.py"]


def test_line_ends_of_another_system_are_no_difference(project: Project) -> None:
    for name in ("flat.py", "halves.py"):
        file = project.folder / name
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert project.check() == "[]"
    assert project.run("-W", "error") == "0.5\n"


def test_a_module_out_of_date_is_not_run(project: Project) -> None:
    assert project.run("-W", "error") == "0.5\n"
    project.write(FLOW.replace("1 / value", "2 / value"))
    found = project.run()
    assert found.startswith("1.0\n")
    assert (
        'StaleModuleWarning: Compiled module "flat" is out of date, because halves.py has changed. Its workflow is '
        "interpreted instead. Compile it again: fastdag compile halves:dag -o flat.py"
    ) in found


def test_a_source_that_is_gone_is_named(project: Project) -> None:
    found = project.run(then="import os; os.remove('halves.py')")
    assert "because its source halves.py cannot be found" in found
    assert found.startswith("0.5\n")


def test_writing_replaces_the_file_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "flat.py"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    write("new\n", path)
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("new\n", 0o640)
    with pytest.raises(FileNotFoundError):
        write("new\n", tmp_path / "no" / "flat.py")
    with pytest.raises(UnicodeEncodeError):
        write("new\ud800", path)
    assert [file.name for file in tmp_path.iterdir()] == ["flat.py"]
    assert path.read_text(encoding="utf-8") == "new\n"


def test_only_compiled_modules_are_loaded_and_checked(tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("print('hello')\n", encoding="utf-8")
    for read in (load, check):
        with pytest.raises(CompileError, match="is not a compiled module"):
            read(other)
        with pytest.raises(CompileError, match=r'There is no file .* \(did you mean ".*other\.py"\?\)'):
            read(tmp_path / "othr.py")


def test_a_module_whose_functions_are_gone_says_how_to_compile_it_again(project: Project) -> None:
    project.compile("level=0")
    project.write(FLOW.replace("def inverse", "def reverse").replace("half >> inverse", ""))
    assert "fastdag compile halves:dag -o flat.py" in project.run().splitlines()[-1]
