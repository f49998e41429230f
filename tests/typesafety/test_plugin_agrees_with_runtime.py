"""The plugin and the runtime say the same of the same statements: place, code and words."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from mypy import api

from fastdag_typed import WiringError
from fastdag_typed.validation import check_cycles, check_types

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HEAD = """\
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict
from fastdag_typed import DAG, ConditionalReturn
class TD(TypedDict):
    p: int
    q: str
class NT(NamedTuple):
    p: int
    q: str
@dataclass
class DC:
    p: int
    q: str
"""
RETURNS = (
    "int",
    "str",
    "bool",
    "float",
    "list[int]",
    "dict[str, int]",
    "dict[int, str]",
    "TD",
    "NT",
    "DC",
    "int | None",
    "TD | NT",
    "DC | TD",
    "TD | None",
    "None",
)
PORTS = ("int", "str", "float", "object", "Any", "list[int]", "dict[str, int]", "TD", "DC", "int | None")
NAMES = ("p", "q", "x", "y")
OPTIONS = ("", "()", "(name='{name}_node')", "(outputs=['p', 'q'])", "(inputs=['p'])", "(inputs=['q', 'p'])")


def _parameters(pick: random.Random) -> str:
    names = pick.sample(NAMES, pick.randint(0, 3))
    names += ["p"] if "p" not in names else []
    found = [f"{name}: {pick.choice(PORTS)}" for name in names]
    if pick.random() < 0.3:
        found[-1] += " = ..."
    if pick.random() < 0.2:
        found.append(f"*args: {pick.choice(PORTS)}")
        found += ["k: int"] if pick.random() < 0.5 else []
    if pick.random() < 0.2:
        found.append(f"**kw: {pick.choice(PORTS)}")
    return ", ".join(found)


def _node(pick: random.Random, name: str) -> list[str]:
    option = pick.choice(OPTIONS).format(name=name) if pick.random() < 0.4 else ""
    if "inputs" in option:
        parameters = "p: int, q: str = ..."
    elif pick.random() < 0.1:
        parameters = ""
    else:
        parameters = _parameters(pick)
    returns = "tuple[int, str]" if "outputs" in option else pick.choice(RETURNS)
    return [f"@dag.node{option}", f"def {name}({parameters}) -> {returns}:  # type: ignore", "    raise RuntimeError"]


def _edge(pick: random.Random, names: dict[str, str]) -> str:
    """Make a statement that wires; ``names`` are variables and the names of their nodes."""
    source, target = pick.choice(list(names)), pick.choice(list(names))
    output, port = pick.choice((*NAMES, "result")), pick.choice((*NAMES, "k", "kw"))
    named = names[source]
    return pick.choice(
        (
            f"{source} >> {target}",
            f"{source} >> {target}",
            f"{source} >> {target}",
            f"{source} | {target}",
            f"{source}.connect_to({target})",
            f"{source}.connect_to({target}, input_name={port!r})",
            f"{source}.connect_to({target}, {output!r}, {port!r})",
            f"{source}.connect_to({target}, output_name={output!r})",
            f"{source} >> {target}.input({port!r})",
            f"dag.connect({named!r}, {target}, input={port!r})",
            f"dag.connect({named!r}, {target})",
            f"dag.chain({source}, {target})",
            f"[{source}] >> {target}",
            f"({source},) >> {target}",
            f"{target}.after({source})",
        )
    )


def _scopes(seed: int, count: int) -> list[list[list[str]]]:
    """Make scopes of statements; those that make nodes have several lines."""
    pick = random.Random(seed)  # noqa: S311 - no secrets here
    scopes: list[list[list[str]]] = []
    for _ in range(count):
        variables = [f"n{index}" for index in range(pick.randint(2, 5))]
        nodes = [_node(pick, name) for name in variables]
        names = {
            name: f"{name}_node" if "name=" in node[0] else name for name, node in zip(variables, nodes, strict=True)
        }
        statements = [["dag = DAG('d')"], *nodes]
        known = [[_edge(pick, names)] for _ in range(pick.randint(2, 9))]
        scopes.append([*statements, *known])
    return scopes


def _run(scopes: list[list[list[str]]], file: str) -> tuple[str, set[tuple[int, str, str]]]:
    """Carry the scopes out, one statement at a time; give the same as one module, and what the runtime says."""
    text = HEAD
    said: set[tuple[int, str, str]] = set()
    for number, scope in enumerate(scopes):
        names: dict[str, Any] = {}
        exec(HEAD, names)  # noqa: S102 - the text is ours
        text += f"def scope_{number}() -> None:\n"
        for statement in scope:
            code = "\n" * text.count("\n") + "\n".join(statement) + "\n"
            text += "".join(f"    {line}\n" for line in statement)
            try:
                exec(compile(code, file, "exec"), names)  # noqa: S102 - the text is ours
            except WiringError as error:
                found = error.diagnostic
                assert found.where is not None
                said.add((found.where.line, found.code, f"{found.message} ({found.hint})"))
        for found in (*check_types(names["dag"]), *check_cycles(names["dag"])):
            assert found.where is not None
            hint = f" ({found.hint})" if found.hint else ""
            said.add((found.where.line, found.code, found.message + hint))
    return text, said


def test_every_finding_is_the_same_in_place_code_and_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text, said = _run(_scopes(seed=1, count=80), "wired.py")
    (tmp_path / "wired.py").write_text(text)
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = fastdag_mypy\ndisable_error_code = arg-type\n")
    out, err, _ = api.run(["--config-file", "mypy.ini", "--cache-dir", "cache", "wired.py"])
    lines = re.findall(r"^wired\.py:(\d+): error: (.*?)  \[([\w-]+)\]$", out, re.MULTILINE)
    proved = {(int(line), code, message) for line, message, code in lines}
    assert not err
    assert len(said) > 100
    assert sorted(proved) == sorted(said)
