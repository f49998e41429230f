"""Random edits of four modules: whatever is written, mypy finds the same from nothing, with a cache and as a daemon.

Two sessions of ten edits; ``FASTDAG_EDIT_SESSIONS`` and ``FASTDAG_EDITS`` make it more.
"""

from __future__ import annotations

import os
import re
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.editor.mypy_project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SESSIONS = int(os.environ.get("FASTDAG_EDIT_SESSIONS", "2"))
EDITS = int(os.environ.get("FASTDAG_EDITS", "10"))

NODES = ("ant", "bee", "cat", "dog")
GUESTS = ("elk", "fox")
PORTS = ("p", "q", "r")
TYPES = ("int", "str", "list[int]", "int | None", "Item", "Row")
VALUES = ("1", "'x'", "[1]", "None")
HEADS = {
    "kinds.py": "from typing import TypedDict\n",
    "flow.py": "from fastdag_typed import DAG\nfrom kinds import Item, Row\ndag = DAG('zoo')\n",
    "more.py": "from flow import ant, bee, cat, dag, dog\nfrom kinds import Item, Row\n",
    "use.py": "from fastdag_typed import Runner\nfrom flow import dag\nfrom kinds import Item, Row\n",
}
DEFINITION = re.compile(r"@dag.node\ndef \w+|class Row|Item =")


class Author:
    """Writes modules as lists of statements and edits them one by one; much of what it writes is wrong."""

    def __init__(self, seed: int) -> None:
        self.pick = Random(seed)  # noqa: S311 - no secrets here
        self.modules: dict[str, list[str]] = {
            "kinds.py": ["Item = int", "class Row(TypedDict):\n    p: int\n    q: str"],
            "flow.py": [*map(self.node, NODES), self.edge(NODES), self.edge(NODES)],
            "more.py": [*map(self.node, GUESTS), self.edge(NODES + GUESTS)],
            "use.py": [],
        }
        self.modules["use.py"] = [write() for write in (self.lookup, self.run) * 4]
        self.broken: str | None = None
        self.deleted: str | None = None

    def edit(self) -> str:
        """Change one thing; say what."""
        if self.broken or self.deleted:
            self.broken = self.deleted = None
            return "what was broken is mended"
        name = self.pick.choice(("flow.py", "flow.py", *self.modules))
        statements = self.modules[name]
        place = self.pick.randrange(len(statements))
        chance = self.pick.random()
        if chance < 0.05:
            self.broken = name
            return f"{name} is broken"
        if chance < 0.1:
            self.deleted = name
            return f"{name} is deleted"
        if chance < 0.25 and len(statements) > 2:
            return f"{name} is without {statements.pop(place)}"
        if chance < 0.35:
            statements.append(statements.pop(place))
            return f"{name} ends with {statements[-1]}"
        new = self.statement(name)
        defined = DEFINITION.match(new)
        same = [index for index, old in enumerate(statements) if defined and old.startswith(defined[0])]
        if same:  # nothing is defined twice: mypy's daemon loses sight of the first
            statements[same[0]] = new
        else:
            statements.insert(place, new)
        return f"{name} has {new}"

    def files(self) -> dict[str, str | None]:
        """Give the modules as text."""
        files: dict[str, str | None] = {}
        for name, statements in self.modules.items():
            lines = sorted(statements, key=lambda statement: not DEFINITION.match(statement))
            text = HEADS[name] + "\n".join(lines) + "\n"
            files[name] = None if name == self.deleted else text + "def broken(\n" * (name == self.broken)
        return files

    def statement(self, name: str) -> str:
        """Write a statement that belongs into a module."""
        if name == "kinds.py":
            return self.pick.choice((self.item, self.row))()
        if name == "flow.py":
            return self.pick.choice((self.node(self.pick.choice(NODES)), self.edge(NODES), self.edge(NODES)))
        if name == "more.py":
            return self.pick.choice((self.node(self.pick.choice(GUESTS)), self.edge(NODES + GUESTS), self.cycle()))
        return self.pick.choice((self.lookup, self.run, self.cycle))()

    def item(self) -> str:
        return f"Item = {self.pick.choice(TYPES[:3])}"

    def row(self) -> str:
        return "class Row(TypedDict):" + "".join(f"\n    {port}: {self.pick.choice(TYPES[:4])}" for port in PORTS[:2])

    def cycle(self) -> str:
        return f"import {self.pick.choice(('use', 'more', 'kinds'))}"

    def node(self, name: str) -> str:
        default = self.pick.choice(("", " | None = None", " | None = None"))
        ports = [
            f"{port}: {self.pick.choice(TYPES)}{default}" for port in self.pick.sample(PORTS, self.pick.randint(0, 2))
        ]
        head = f"def {name}({', '.join(ports)}) -> {self.pick.choice(TYPES)}:"
        return f"@dag.node\n{head}\n    raise RuntimeError"

    def edge(self, nodes: Sequence[str]) -> str:
        source, target = self.pick.sample(nodes, 2)
        port = self.pick.choice(PORTS)
        forms = (
            f"{source} >> {target}",
            f"{source} | {target}",
            f"{source}.connect_to({target}, input_name='{port}')",
            f"dag.connect('{source}', '{target}')",
            f"dag.connect({source}, '{target}', input='{port}')",
            f"dag.chain({source}, {target})",
            f"dag.disconnect({source}, {target})",
            f"dag.remove_node('{source}')",
        )
        return self.pick.choices(forms, (4, 2, 2, 2, 2, 2, 1, 1))[0]

    def lookup(self) -> str:
        name = self.pick.choice(NODES)
        made = re.search(rf"def {name}\(.*\) -> (.+):", "\n".join(self.modules["flow.py"]))
        kind = made[1] if made and self.pick.random() < 0.7 else self.pick.choice(TYPES)
        found = self.pick.choice((f"dag['{name}']", f"Runner(dag).run().results['{name}']"))
        return self.function(f"found: {kind} = {found}\n    print(found)")

    def run(self) -> str:
        given = {port: self.pick.choice(VALUES) for port in self.pick.sample(PORTS, self.pick.choice((0, 0, 1, 2)))}
        mapping = ", ".join(f"'{port}': {value}" for port, value in given.items())
        named = ", ".join(f"{port}={value}" for port, value in given.items())
        forms = (f"dag.run({{{mapping}}})", f"dag.run({named})", f"Runner(dag).run({{{mapping}}})")
        return self.function(self.pick.choice(forms))

    def function(self, body: str) -> str:
        """Put statements apart: the daemon looks again at each function that had errors, and only at these for sure."""
        return f"def use_{self.pick.randrange(10_000)}() -> None:\n    {body}"


@pytest.mark.parametrize("seed", range(SESSIONS))
def test_after_every_edit_all_ways_to_check_find_the_same(seed: int, tmp_path: Path, library: Path) -> None:
    author = Author(seed)
    project = Project(tmp_path, library)
    findings: list[str] = []
    with project.daemon():
        for number in range(EDITS):
            edit = author.edit() if number else "all is new"
            project.write(author.files())
            cold = project.check_cold()
            findings += cold
            assert project.ask("check") == cold, f"session {seed}, edit {number}: {edit}"
            assert project.check_warm() == cold, f"session {seed}, edit {number}: {edit}"
            if number % 5 == 0:  # it takes the longest
                assert project.check_shared() == cold, f"session {seed}, edit {number}: {edit}"
        assert project.check_without_cache() == cold
    assert sum("[fastdag-" in line for line in findings) > EDITS // 2
    assert not [line for line in findings if "fastdag_mypy" in line]  # it says so where it fails
