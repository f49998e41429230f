"""Without the plugin, no type checker finds an error in a right program, and each finds those that its types show."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = Path(__file__).with_name("generics_alone.py")
CONFIG: Final = {
    "mypy.ini": "[mypy]\nstrict = true\n",
    "pyrightconfig.json": '{"typeCheckingMode": "strict", "reportUnusedExpression": false}',
    "pyrefly.toml": 'preset = "strict"\nproject-includes = ["*.py"]\n',
    "ty.toml": "[terminal]\nerror-on-warning = true\n",
}
COMMANDS: Final = {
    "mypy": ("--python-executable", sys.executable, "."),
    "basedpyright": ("--pythonpath", sys.executable),
    "pyright": ("--pythonpath", sys.executable),
    "ty": ("check", "--error", "all", "--python", sys.prefix, "--output-format", "concise"),
    "pyrefly": ("check", "--python-interpreter-path", sys.executable, "--output-format", "min-text"),
}

WRONG: Final = """\
number >> silent
silent >> silent
later >> told
span >> silent.copy("again") >> told
number >> no
number >> start
number >> boxed >> boxed
number >> (told, silent)
(shown, number) >> pair
number >> "shown"
number >> 3
red.on_true >> 3
positive.on_maybe
number.on_true
shown("1")
shown(1, z=2)
shown()
told(1)["lw"]
span(1).lw
wrong_result: str = dag[number]
wrong_result = metrics.results[number]
wrong_optional: int = dag.get_result(number)
dag.chain(number, 3)
dag.connect(3, number)
number.connect_to("shown")
fsm_wrong: str = fsm[red]
typed.run({"txt": "ab"})
typed.run({"text": 1})
Runner(typed).run({})
Condition(start)
Select(start)
Node(3)
dag.node(3)
choices.condition(start)
FSMReturn(next_state=3)
ConditionalReturn("yes", value_=1)
""".splitlines()
"""Statements that every checker must find wrong, each on a line of its own after the program."""

SHOWN: Final = {
    "number": r"Node\W+text: str\W+int\W",
    "shown": r"Node\W+x: int, y: int ?=[^,]*, str\W",
    "later": r"Node\W+x: int\W+float\W",
    "pair": r"Node\W+a: int, b: str, context: [\w.]*Context\W+str\W",
    "many": r"Node\W+\*values: float\W+float\W",
    "partly": r"Node\W+.*str\W",
    "positive": r"Condition\W+x: int\W+int\W",
    "sized_up": r"Select\W+x: int\W+int\W",
    "green": r"State\W+seen: int, context: [\w.]*FSMContext\W+int\W",
    "amber": r"State\W+seen: int\W+int\W",
    "typed": r"DAG\[Any, .*\bInputs\b",
}
"""How a checker shows the type of a name, whatever its brackets are."""


def run(checker: str, folder: Path) -> str:
    """Check a folder in the strictest way that makes sense; give what is said, one finding on a line."""
    command = [str(Path(sys.executable).with_name(checker)), *COMMANDS[checker]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def errors(said: str, module: str) -> Iterator[int]:
    """Give the lines of a module that have errors."""
    for line in said.splitlines():
        found = re.search(rf"\b{module}\.py:(\d+)\b", line)
        if found and re.search(r"\b(error|warning|warn)\b", line, re.IGNORECASE):
            yield int(found[1])


def test_the_program_runs() -> None:
    names = runpy.run_path(str(PROGRAM))
    assert names["fsm"].current_state == "dark"


@pytest.mark.parametrize("checker", COMMANDS)
def test_a_right_program_has_no_error_each_wrong_statement_has_one_and_nodes_show_their_ports(
    checker: str, tmp_path: Path
) -> None:
    if which(checker, path=Path(sys.executable).parent) is None:
        pytest.skip(f"{checker} is not installed")
    text = PROGRAM.read_text(encoding="utf-8")
    first = len(text.splitlines()) + 1
    for name, content in CONFIG.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "right.py").write_text(text, encoding="utf-8")
    (tmp_path / "wrong.py").write_text("\n".join([text.rstrip("\n"), *WRONG, ""]), encoding="utf-8")
    reveals = [f"reveal_type({name})" for name in SHOWN]
    (tmp_path / "shown.py").write_text("\n".join([text.rstrip("\n"), *reveals, ""]), encoding="utf-8")

    said = run(checker, tmp_path)

    assert list(errors(said, "right")) == [], said
    found = set(errors(said, "wrong"))
    assert {line for line in found if line < first} == set()
    assert [statement for line, statement in enumerate(WRONG, first) if line not in found] == []
    lines = {int(n): rest for n, rest in re.findall(r"\bshown\.py:(\d+)\b(.*[Rr]evealed.*|.*Type of.*)", said)}
    missing = [
        (name, lines.get(line))
        for line, (name, pattern) in enumerate(SHOWN.items(), first)
        if not re.search(pattern, lines.get(line, ""))
    ]
    assert missing == []
