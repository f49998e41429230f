"""The program itself: help, version, completion, pictures, and the line that shows progress."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastdag_typed import __version__
from fastdag_typed.cli import fastdag

from .conftest import COMMAND, Project

FLOW = """
    from fastdag_typed import DAG

    dag = DAG("pictured")

    @dag.node
    def first(x: int) -> int:
        return x

    @dag.node
    def second(y: int) -> int:
        return y

    first >> second
"""


def test_the_version_is_that_of_the_library() -> None:
    assert CliRunner().invoke(fastdag, ["--version"], prog_name="fastdag").output == f"fastdag, version {__version__}\n"


@pytest.mark.parametrize("command", ["check", "run", "compile", "show"])
def test_every_command_is_in_the_help_and_has_one(command: str) -> None:
    assert f"\n  {command} " in CliRunner().invoke(fastdag, ["--help"]).output
    assert "TARGET" in CliRunner().invoke(fastdag, [command, "-h"]).output


def test_help_says_how_completion_is_switched_on_and_what_exit_codes_mean() -> None:
    text = CliRunner().invoke(fastdag, ["--help"]).output
    assert 'eval "$(_FASTDAG_COMPLETE=bash_source fastdag)"' in text
    assert "Exit codes: 0" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run"], "Missing argument 'TARGET'"),
        (["run", "flow", "--mode", "fast"], "'fast' is not one of 'sequential', 'parallel'"),
        (["run", "flow", "--max-workers", "0"], "0 is not in the range x>=1"),
        (["check"], "Missing argument 'TARGET...'"),
        (["show", "flow", "--format", "gif"], "'gif' is not one of"),
    ],
)
def test_a_wrong_command_line_is_refused_with_exit_code_2(arguments: list[str], message: str) -> None:
    found = CliRunner().invoke(fastdag, arguments)
    assert found.exit_code == 2
    assert message in found.output


def test_help_loads_nothing_that_only_the_commands_need() -> None:
    heavy = ["msgspec", "yaml", "libcst", "jinja2", "mypy", "beartype", "asyncio", "fastdag_codegen"]
    code = (
        "import sys\nfrom fastdag_typed.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_the_shell_is_answered_with_a_script_and_with_completions() -> None:
    def ask(**variables: str) -> str:
        env = {**os.environ, **variables}
        return subprocess.run([*COMMAND], env=env, capture_output=True, text=True, check=False).stdout

    assert "_FASTDAG_COMPLETE=zsh_complete" in ask(_FASTDAG_COMPLETE="zsh_source")
    words = ask(_FASTDAG_COMPLETE="bash_complete", COMP_WORDS="fastdag run --timi", COMP_CWORD="2")
    assert words == "plain,--timings\n"
    assert "file," in ask(_FASTDAG_COMPLETE="bash_complete", COMP_WORDS="fastdag run f", COMP_CWORD="2")


# -- pictures --------------------------------------------------------------------------------------------------------


def test_show_draws_mermaid_by_default_and_dot_on_request(project: Project) -> None:
    project.write("flow.py", FLOW)
    mermaid, dot = project.fastdag("show", "flow"), project.fastdag("show", "flow", "--format", "dot")
    assert (mermaid.code, dot.code) == (0, 0)
    assert mermaid.out.startswith("graph")
    assert dot.out.startswith("digraph")
    assert "second" in mermaid.out
    assert "second" in dot.out


def test_the_name_of_the_file_says_the_format(project: Project) -> None:
    project.write("flow.py", FLOW)
    assert project.fastdag("show", "flow", "-o", "flow.gv").out == ""
    assert (project.folder / "flow.gv").read_text(encoding="utf-8").startswith("digraph")
    assert project.fastdag("show", "flow", "-o", "flow.md").code == 0
    assert (project.folder / "flow.md").read_text(encoding="utf-8").startswith("graph")


def test_a_file_that_cannot_be_written_is_said(project: Project) -> None:
    project.write("flow.py", FLOW)
    found = project.fastdag("show", "flow", "-o", "no/such/folder.md")
    assert found.code == 2
    assert '"no/such/folder.md" cannot be written: No such file or directory' in found.err


def test_an_image_without_graphviz_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("flow.py", FLOW)
    monkeypatch.setenv("PATH", str(project.folder))
    found = project.fastdag("show", "flow", "--format", "svg")
    assert (found.code, found.out) == (1, "")
    assert 'Graphviz is not installed: its program "dot" is not on the PATH' in found.err


# -- progress --------------------------------------------------------------------------------------------------------

SLOW = """
    from pathlib import Path
    from fastdag_typed import DAG

    dag = DAG("slow")

    @dag.node
    def quick() -> int:
        return 1

    @dag.node
    def waiting(x: int, until: Path) -> int:
        until.read_text()  # from a pipe it waits for somebody who writes
        return x

    quick >> waiting
"""


def read_terminal(terminal: int, until: bytes = b"") -> bytes:
    """Read what the program draws, up to some text or to its end."""
    drawn = b""
    while not (until and until in drawn):
        try:
            more = os.read(terminal, 1024)
        except OSError:  # Linux's way to say that the other end is closed
            return drawn
        if not more:
            return drawn
        drawn += more
    return drawn


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_long_run_shows_its_progress_on_a_terminal_and_takes_it_away(project: Project) -> None:
    project.write("flow.py", SLOW)
    os.mkfifo(project.folder / "pipe")
    terminal, other_end = os.openpty()
    with subprocess.Popen(
        [*COMMAND, "run", "flow", "--input", "until=pipe"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=other_end,
        env={**os.environ, "TERM": "xterm"},
        text=True,
    ) as process:
        os.close(other_end)
        drawn = read_terminal(terminal, b"s\r")  # one line and the beginning of the next
        assert b"slow [##########..........] 1/2, 1 s: waiting 1 s" in drawn
        (project.folder / "pipe").write_text("go on", encoding="utf-8")
        drawn = drawn.rpartition(b"\r")[0] + read_terminal(terminal)
        out, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert (process.returncode, out) == (0, "1\n")
    before, blank, after = drawn.rsplit(b"\r", 2)
    assert (blank.strip(), after) == (b"", b"")
    assert len(blank) >= len(before.rpartition(b"\r")[2].rstrip())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_short_run_shows_no_progress(project: Project) -> None:
    project.write("flow.py", SLOW)
    terminal, other_end = os.openpty()
    done = subprocess.run(
        [*COMMAND, "run", "flow", "--input", "until=flow.py"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=other_end,
        env={**os.environ, "TERM": "xterm"},
        check=False,
    )
    os.close(other_end)
    assert (done.returncode, read_terminal(terminal)) == (0, b"")
    os.close(terminal)


WATCHED = """
    import sys, threading
    from fastdag_typed import DAG

    dag = DAG("watched")

    @dag.node
    def look() -> list:
        seen = [threading.active_count(), "fastdag_typed.observe.progress" in sys.modules]
        open("seen", "w").write(repr(seen))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("flags", "term", "is_terminal", "seen"),
    [
        ((), "xterm", True, "[2, True]"),
        ((), "xterm", False, "[1, False]"),
        ((), "dumb", True, "[1, False]"),
        (("--quiet",), "xterm", True, "[1, False]"),
    ],
)
def test_a_run_is_observed_only_where_its_progress_can_be_seen(
    project: Project, flags: tuple[str, ...], term: str, is_terminal: bool, seen: str
) -> None:
    project.write("flow.py", WATCHED)
    terminal, other_end = os.openpty()
    subprocess.run(
        [*COMMAND, "run", "flow", *flags],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=other_end if is_terminal else subprocess.PIPE,
        env={**os.environ, "TERM": term},
        check=True,
    )
    os.close(other_end)
    os.close(terminal)
    assert (project.folder / "seen").read_text(encoding="utf-8") == seen


def test_the_examples_run_as_their_files_say(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*COMMAND, "run", f"{root}/examples/census/flow.py:dag", "--input", f"root={root}/examples", "--timings"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Written(report=PosixPath('census.md')")
    assert (tmp_path / "census.md").read_text(encoding="utf-8")
    assert "find_files" in done.stderr
