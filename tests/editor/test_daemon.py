"""Edits of a project, one after the other: mypy's daemon, its cache and its workers find what a cold run finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.editor.mypy_project import Project

if TYPE_CHECKING:
    from pathlib import Path

FLOW = """\
from fastdag_typed import DAG
from settings import PREFIX

dag = DAG("words")


@dag.node
def read(path: str) -> str:
    return f"{PREFIX}{path}"


@dag.node
def words(text: str, last: str = "") -> list[str]:
    return [*text.split(), last]


@dag.node
def report(found: list[str], top: int = 3) -> str:
    return ", ".join(found[:top])


read >> words
words >> report
"""
USE = """\
from fastdag_typed import Runner
from flow import dag

PREFIX = "in/"


def main() -> None:
    metrics = Runner(dag).run({"path": "p.txt"})
    shown: str = metrics.results["report"]
    found: list[str] = dag["words"]
    print(shown, found, dag.run(path="p.txt", top=2))
"""
WIRE = """\
from flow import dag


def wire() -> None:
    dag.connect("words", "report")
"""


def project_of(settings: str) -> dict[str, str | None]:
    """Give the right files; ``settings`` is the module that has the prefix, and ``use`` makes a cycle of imports."""
    return {
        "flow.py": FLOW.replace("settings", settings),
        "use.py": USE,
        "wire.py": WIRE,
        "settings.py": 'PREFIX = ""\n',
    }


Change = tuple[str, str]
"""Old and new text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is edited in each file, ``None`` to delete it; and how the lines begin that mypy is to print then."""

    files: dict[str, list[Change] | None]
    finds: list[str]

    def of(self, right: dict[str, str | None]) -> dict[str, str | None]:
        """Give the edited files."""
        return {
            name: None if edits is None else _edited(right[name] or "", edits) for name, edits in self.files.items()
        }

    def is_found_in(self, printed: list[str]) -> bool:
        """Whether just these lines are printed."""
        pairs = zip(printed, sorted(self.finds), strict=False)
        return len(printed) == len(self.finds) and all(line.startswith(start) for line, start in pairs)


def _edited(text: str, edits: list[Change]) -> str:
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def _missing(name: str, node: str) -> str:
    how = f'give it as run(inputs={{"{name}": ...}}), a value of type str'
    return f'error: Input "{name}" is missing: node "{node}" requires it ({how})  [fastdag-input]'


def _assigned(given: str, declared: str) -> str:
    what = f'expression has type "{given}", variable has type "{declared}"'
    return f"error: Incompatible types in assignment ({what})  [assignment]"


def _misfit(source: str, given: str, port: str, expected: str) -> str:
    port, target = port.split(" of ")
    what = f'Node "{source}" returns "{given}", but input port "{port}" of "{target}" expects "{expected}"'
    return f"error: {what}  [fastdag-port]"


RENAMED = 'error: Workflow "words" has no node "report" (did you mean "reports"?)  [fastdag-name]'
NOT_A_STR = 'error: Input "path" of node "read" expects "int", but is given "str"  [fastdag-input]'
UNKNOWN = 'error: Unknown input "tpo" (did you mean "top"?)  [fastdag-input]'
CYCLE = (
    "error: This connection closes a cycle: words -> report -> words (remove one of these connections; "
    "what must run again and again is a state machine (FSM))  [fastdag-cycle]"
)
COUNT = """

@dag.node
def count(found: list[str]) -> int:
    return len(found)


words >> count
read >>"""

EDITS = {
    "a port gets another type": Edit(
        {"flow.py": [("words(text: str", "words(text: bytes"), ("*text.split(), ", "")]},
        [f"flow.py:22: {_misfit('read', 'str', 'text of words', 'bytes')}"],
    ),
    "a node gets another result": Edit(
        {"flow.py": [('"") -> list[str]', '"") -> int'), ("[*text.split(), last]", "len(text + last)")]},
        [
            f"flow.py:23: {_misfit('words', 'int', 'found of report', 'list[str]')}",
            f"use.py:10: {_assigned('int', 'list[str]')}",
        ],
    ),
    "a node is renamed": Edit(
        {"flow.py": [("def report(", "def reports("), (">> report", ">> reports")]},
        [f"use.py:9: {RENAMED}", f"wire.py:5: {RENAMED}"],
    ),
    "a node is added and its result is misread": Edit(
        {"flow.py": [("\n\nread >>", COUNT)], "use.py": [("    print", '    number: str = dag["count"]\n    print')]},
        [f"use.py:11: {_assigned('int', 'str')}"],
    ),
    "a node is added and its result is read": Edit(
        {"flow.py": [("\n\nread >>", COUNT)], "use.py": [("    print", '    number: int = dag["count"]\n    print')]},
        [],
    ),
    "an edge is removed": Edit(
        {"flow.py": [("read >> words\n", "\n")]},
        [f"use.py:8: {_missing('text', 'words')}", f"use.py:11: {_missing('text', 'words')}"],
    ),
    "a node requires one more input": Edit(
        {"flow.py": [("read(path: str)", "read(path: str, coding: str)"), ("{path}", "{path}{coding}")]},
        [f"use.py:8: {_missing('coding', 'read')}", f"use.py:11: {_missing('coding', 'read')}"],
    ),
    "an input gets another type": Edit(
        {"flow.py": [("read(path: str)", "read(path: int)")]}, [f"use.py:8: {NOT_A_STR}", f"use.py:11: {NOT_A_STR}"]
    ),
    "an input is misspelt": Edit(
        {"use.py": [('{"path": "p.txt"}', '{"path": "p.txt", "tpo": 2}')]}, [f"use.py:8: {UNKNOWN}"]
    ),
    "a cycle is closed": Edit(
        {"flow.py": [("words >> report\n", 'words >> report\nreport.connect_to(words, input_name="last")\n')]},
        [f"flow.py:24: {CYCLE}"],
    ),
    "a module has a syntax error": Edit(
        {"flow.py": [("read >> words\n", "read >> >> words\n")]}, ["flow.py:22: error: "]
    ),
    "a module that nothing imports is deleted": Edit({"wire.py": None}, []),
    "the module of the workflow is deleted": Edit(
        {"flow.py": None},
        [
            'use.py:2: error: Cannot find implementation or library stub for module named "flow"  [import-not-found]',
            'wire.py:1: error: Cannot find implementation or library stub for module named "flow"  [import-not-found]',
        ],
    ),
}


@pytest.mark.parametrize("settings", ["settings", "use"], ids=["modules in line", "a cycle of imports"])
def test_every_edit_is_found_alike_by_the_daemon_with_a_cache_and_with_workers(
    settings: str, tmp_path: Path, library: Path
) -> None:
    right = project_of(settings)
    project = Project(tmp_path, library)
    project.write(right)
    wrong: dict[str, list[str]] = {}
    with project.daemon():
        for name, edit in {"nothing is edited": Edit({}, []), **EDITS}.items():
            project.write(edit.of(right))
            cold = project.check_cold()
            if not edit.is_found_in(cold):
                wrong[name] = cold
            others = {"daemon": project.ask("check"), "cache": project.check_warm()}
            if settings == "settings":  # a cycle is checked by one worker
                others["workers"] = project.check_shared()
            wrong |= {f"{name} ({other})": found for other, found in others.items() if found != cold}

            project.write(right)
            mended = {"daemon": project.ask("check"), "cache": project.check_warm()}
            wrong |= {f"{name} and mended ({way})": found for way, found in mended.items() if found}
    assert wrong == {}


@pytest.mark.parametrize(
    ("way", "without"),
    [
        ("more", "from flow import dag\n"),
        ("between", "from flow import dag\n"),
        ("more", "from flow import dag\nimport use\n"),
    ],
    ids=["in a module it imports", "in a module imported by one it imports", "in a module that imports it"],
)
def test_a_node_that_another_module_adds_is_known_from_when_it_comes_until_it_goes(
    way: str, without: str, tmp_path: Path, library: Path
) -> None:
    adds = "\n\n@dag.node\ndef shout(text: str) -> str:\n    return text.upper()\n"
    use = f'import {way}\nfrom flow import dag\n\nprint({way}.__name__, dag["shout"])\n'
    unknown = 'use.py:4: error: Workflow "words" has no node "shout" (nodes: read, report, words)  [fastdag-name]'
    project = Project(tmp_path, library)
    project.write({**project_of("settings"), "between.py": "import more\n", "use.py": use, "wire.py": None})
    with project.daemon():
        for name, text, finds in (
            ("more.py", without, [unknown]),
            ("more.py", without + adds, []),
            ("use.py", use + "print()\n", []),  # the other one comes from the cache
            ("more.py", without, [unknown]),
        ):
            project.write({name: text})
            assert project.check_cold() == finds
            assert project.ask("check") == finds
            assert project.check_warm() == finds


def test_run_starts_a_daemon_that_goes_on_with_what_it_knows(tmp_path: Path, library: Path) -> None:
    right = project_of("settings")
    edit = EDITS["a port gets another type"]
    project = Project(tmp_path, library)
    project.write({**right, **edit.of(right)})
    with project.daemon_ended():
        started, *found = project.ask("run")
        assert (started, found) == ("Daemon started", project.check_without_cache())
        assert edit.is_found_in(found)
        project.write(right)
        assert project.ask("run") == []
        assert project.ask("check") == []
        assert project.ask("stop") == ["Daemon stopped"]
