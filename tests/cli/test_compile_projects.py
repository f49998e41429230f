"""``fastdag compile`` without a target: what the project's pyproject.toml says; and the hooks for pre-commit."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from .conftest import Outcome, Project

ROOT = Path(__file__).resolve().parents[2]
FLOW = """
    from fastdag_typed import DAG

    dag = DAG("halves")

    @dag.node
    def half(x: int) -> float:
        return x / 2

    other = DAG("other")

    @other.node
    def twice(x: int) -> int:
        return 2 * x
"""
TABLE = """
    [project]
    name = "users"

    [[tool.fastdag.compile]]
    target = "pack.flows:dag"
    output = "pack/flat.py"

    [[tool.fastdag.compile]]
    target = "pack/flows.py:other"
    output = "other_flat.py"
    level = 0
    keep = ["twice"]
"""


@pytest.fixture
def users(project: Project) -> Project:
    project.write("pack/__init__.py", "")
    project.write("pack/flows.py", FLOW)
    project.write("pyproject.toml", TABLE)
    return project


def lines(found: Outcome) -> tuple[int, list[str]]:
    assert found.err == ""
    return found.code, found.out.splitlines()


def test_the_modules_of_the_project_are_written_and_compared(users: Project) -> None:
    code, told = lines(users.fastdag("compile", "--check"))
    assert (code, told) == (
        1,
        [f"{name} is stale: there is no such file" for name in ("pack/flat.py", "other_flat.py")],
    )
    code, told = lines(users.fastdag("compile"))
    assert code == 0
    assert [line.partition(", ")[0] for line in told] == [
        "pack/flat.py: pack.flows:dag",
        "other_flat.py: pack.flows:other",
    ]
    up_to_date = [f"{name} is up to date" for name in ("pack/flat.py", "other_flat.py")]
    assert lines(users.fastdag("compile", "--check")) == (0, up_to_date)
    assert lines(users.fastdag("compile")) == (0, up_to_date)
    text = (users.folder / "other_flat.py").read_text(encoding="utf-8")
    assert '\n# fastdag-options: {"keep": ["twice"], "level": 0}\n' in text
    users.write("pack/flows.py", FLOW.replace("2 * x", "3 * x"))
    code, told = lines(users.fastdag("compile", "--check"))
    assert (code, told[1]) == (1, 'other_flat.py is stale: node "twice" has changed')


def test_a_module_is_stale_if_the_table_says_that_it_is_compiled_otherwise(users: Project) -> None:
    assert users.fastdag("compile").code == 0
    users.write("pyproject.toml", TABLE.replace("level = 0", "level = 2"))
    code, told = lines(users.fastdag("compile", "--check"))
    expected = '{"keep": ["twice"], "level": 0}, not {"keep": ["twice"], "level": 2}'
    assert (code, told[1]) == (1, f"other_flat.py is stale: it was compiled with options {expected}")
    assert users.fastdag("compile", "--check", "-O0").code == 1  # what is said is said for all
    assert users.fastdag("compile", "--check", "other_flat.py").code == 0  # the module's own options


def test_paths_start_from_the_folder_of_the_project(users: Project) -> None:
    inner = replace(users, folder=users.folder / "pack" / "deep")
    inner.folder.mkdir()
    code, told = lines(inner.fastdag("compile"))
    assert code == 0
    assert [line.partition(": ")[0] for line in told] == ["../flat.py", "../../other_flat.py"]
    assert lines(users.fastdag("compile", "--check"))[0] == 0


def test_a_file_without_the_table_is_looked_over(users: Project) -> None:
    users.write("pack/pyproject.toml", "[tool.other]\nkey = 1\n")
    inner = replace(users, folder=users.folder / "pack")
    assert inner.fastdag("compile").code == 0


def test_nothing_is_written_if_one_module_of_the_project_fails(users: Project) -> None:
    wrong = TABLE.replace("pack/flows.py:other", "pack.flows:othr")
    for table in (wrong, "[[tool.fastdag.compile]]".join(wrong.split("[[tool.fastdag.compile]]")[::2])):
        users.write("pyproject.toml", table)
        found = users.fastdag("compile")
        assert (found.code, found.out) == (2, "")
        assert found.err.startswith('Target "pack.flows:othr" cannot be compiled:\n')
        assert 'did you mean "other"?' in found.err
        assert not (users.folder / "pack/flat.py").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("level = 0", "levle = 0", 'compile[1].levle is unknown (did you mean "level"?)'),
        ("level = 0", "late_globals = true", 'compile[1].late_globals is unknown (did you mean "late-globals"?)'),
        ("level = 0", "level = 3", "compile[1].level is 0, 1 or 2, not 3"),
        ("level = 0", "level = true", "compile[1].level is 0, 1 or 2, not True"),
        (
            "level = 0",
            'mode = "thread"',
            'compile[1].mode is "sequential", "threads" or "asyncio", not \'thread\' (did',
        ),
        ("level = 0", "instrument = 1", "compile[1].instrument is false or true, not 1"),
        ('keep = ["twice"]', 'keep = "twice"', "compile[1].keep is a list of names of nodes, not 'twice'"),
        ('output = "pack/flat.py"', "", "compile[0].output is missing"),
        ('output = "pack/flat.py"', "output = 1", "compile[0].output is text, not 1"),
        ("[[tool.fastdag.compile]]", "[[tool.fastdag.compiel]]", 'tool.fastdag.compiel is unknown (did you mean "com'),
        ("[project]", "[tool.fastdag]\ncompile = 1\n[x]", "at line"),
        ("[project]", "[project", "pyproject.toml cannot be read: "),
    ],
)
def test_what_is_wrong_in_the_table_is_said_with_its_key(users: Project, old: str, new: str, message: str) -> None:
    users.write("pyproject.toml", TABLE.replace(old, new))
    found = users.fastdag("compile")
    assert (found.code, found.out) == (2, "")
    assert "pyproject.toml" in found.err
    assert message in found.err
    assert not (users.folder / "pack/flat.py").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[tool.fastdag]\ncompile = 1\n", "pyproject.toml: tool.fastdag.compile is a list of tables"),
        ("[tool]\nfastdag = 1\n", "pyproject.toml: tool.fastdag is a table of keys and values, not 1"),
        (
            "[tool.fastdag]\ncompile = [1]\n",
            "pyproject.toml: tool.fastdag.compile[0] is a table of keys and values, not 1",
        ),
        ("[tool.fastdag]\n", "Name a TARGET, or write tables [[tool.fastdag.compile]] into pyproject.toml"),
        ("", "Name a TARGET, or write tables [[tool.fastdag.compile]] into pyproject.toml"),
    ],
)
def test_a_table_that_names_no_modules_is_refused(project: Project, table: str, message: str) -> None:
    project.write("pyproject.toml", table)
    found = project.fastdag("compile")
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_two_modules_of_one_project_do_not_go_to_one_file(users: Project) -> None:
    users.write("pyproject.toml", TABLE.replace("other_flat.py", "pack/flat.py"))
    found = users.fastdag("compile")
    assert (found.code, found.out) == (2, "")
    assert 'Both "pack.flows:dag" and "pack.flows:other" are to be compiled to "pack/flat.py"' in found.err


def test_a_file_goes_with_a_target(users: Project) -> None:
    found = users.fastdag("compile", "-o", "flat.py")
    assert found.code == 2
    assert "-o FILE says where a TARGET goes, and there is none" in found.err


# -- hooks -----------------------------------------------------------------------------------------------------------


def hooks() -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}


def carried_out(users: Project, hook: dict[str, Any]) -> Outcome:
    """Run the command of a hook as pre-commit does: in the folder of the repository, without names of files."""
    assert hook["pass_filenames"] is False
    program, *arguments = (*shlex.split(hook["entry"]), *hook.get("args", ()))
    assert program == "fastdag"
    return users.fastdag(*arguments)


def test_the_hooks_write_and_compare_what_the_project_compiles(users: Project) -> None:
    known = hooks()
    assert set(known) == {"fastdag-compile", "fastdag-compile-check"}
    assert carried_out(users, known["fastdag-compile-check"]).code == 1
    assert carried_out(users, known["fastdag-compile"]).code == 0
    assert carried_out(users, known["fastdag-compile-check"]).code == 0
    users.write("pack/flows.py", FLOW.replace("2 * x", "3 * x"))
    assert carried_out(users, known["fastdag-compile-check"]).code == 1


@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="pre-commit is not installed")
def test_pre_commit_takes_the_hooks() -> None:
    done = subprocess.run(
        ["pre-commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],  # noqa: S607 - whichever is installed
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
