"""Random workflows that are right have no finding; with one thing made wrong, each has exactly that one there."""

from __future__ import annotations

import os
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from mypy import api

from fastdag_typed import BranchError, InputError, WiringError, WorkflowExecutionError, WorkflowValidationError

if TYPE_CHECKING:
    from pathlib import Path

GRAPHS = int(os.environ.get("FASTDAG_RANDOM_GRAPHS", "1000"))
BATCHES = 4
HEAD = """\
from typing import NamedTuple, TypedDict
from fastdag_typed import DAG, FSM, FSMReturn, Runner
class Wrong: ...
class TD(TypedDict):
    left: int
    right: str
class NT(NamedTuple):
    left: bytes
    right: float
"""
VALUES = {
    "int": "1",
    "str": '"s"',
    "bytes": 'b"b"',
    "list[int]": "[1]",
    "dict[str, int]": '{"k": 1}',
    "float": "1.5",
    "TD": '{"left": 1, "right": "r"}',
    "NT": 'NT(b"", 1.0)',
}
FIELDS = {"TD": {"left": "int", "right": "str"}, "NT": {"left": "bytes", "right": "float"}}


@dataclass
class Port:
    name: str
    type: str
    default: bool


@dataclass
class Node:
    """A node to be written: its name and variable, its ports, and what it returns."""

    name: str
    variable: str
    ports: list[Port]
    returns: str
    is_async: bool = False

    def lines(self, maker: str) -> list[str]:
        ports = [f"{p.name}: {p.type}" + (f" = {VALUES[p.type]}" if p.default else "") for p in self.ports]
        option = "" if self.name == self.variable else f'(name="{self.name}")'
        prefix = "async " if self.is_async else ""
        signature = f"{prefix}def {self.variable}({', '.join(ports)}) -> {self.returns}:"
        return [f"@{maker}.node{option}", signature, f"    return {VALUES[self.returns]}"]


@dataclass
class Edge:
    """An edge to be written: from a node, perhaps a field of what it returns, to a port of another."""

    source: Node
    target: Node
    port: Port
    field: str | None
    style: str

    def line(self, maker: str) -> str:
        source, target, port = self.source, self.target, self.port.name
        output = "" if self.field is None else f", output_name={self.field!r}"
        if self.style == "operator":
            return f"{source.variable} >> {target.variable}"
        if self.style == "bar":
            return f"{source.variable} | {target.variable}"
        if self.style == "chain":
            return f"{maker}.chain({source.variable}, {target.variable})"
        if self.style == "fan":
            return f"[{source.variable}] >> {target.variable}"
        if self.style == "input":
            at = f"{source.variable}.output({self.field!r})" if self.field else source.variable
            return f"{at} >> {target.variable}.input({port!r})"
        if self.style == "names":
            output = output.replace("output_name", "output")
            return f"{maker}.connect({source.name!r}, {target.name!r}{output}, input={port!r})"
        return f"{source.variable}.connect_to({target.variable}{output}, input_name={port!r})"


@dataclass
class Program:
    """Statements, and the findings that they should have: their place among the statements, code and text."""

    statements: list[list[str]] = field(default_factory=list[list[str]])
    expected: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])

    def say(self, *lines: str) -> int:
        self.statements.append(list(lines))
        return len(self.statements) - 1


class Graph:
    """A random DAG in which every port is fed with what it takes, by an edge or by the run."""

    def __init__(self, pick: random.Random, name: str) -> None:
        self.pick = pick
        self.name = name
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        for index in range(pick.randint(3, 7)):
            self._node(index)

    def _node(self, index: int) -> None:
        pick = self.pick
        node = Node(f"n{index}" if pick.random() < 0.7 else f"node_{index}", f"n{index}", [], pick.choice(list(VALUES)))
        node.is_async = pick.random() < 0.1
        wanted = pick.sample(self.nodes, min(len(self.nodes), pick.randint(1, 2))) if self.nodes else []
        edges: list[Edge] = []
        for source in wanted:
            fields = FIELDS.get(source.returns, {})
            taken = pick.choice([None, *fields])
            kind = source.returns if taken is None else fields[taken]
            port = Port(f"p{index}_{len(node.ports)}", kind, default=False)
            node.ports.append(port)
            edges.append(Edge(source, node, port, taken, ""))
        self._style(edges)
        if pick.random() < 0.4:
            node.ports.append(Port(f"p{index}_{len(node.ports)}", pick.choice(list(VALUES)), default=False))
        if pick.random() < 0.3:
            node.ports.append(Port(f"p{index}_{len(node.ports)}", pick.choice(list(VALUES)), default=True))
        self.nodes.append(node)
        self.edges += edges

    def _style(self, edges: list[Edge]) -> None:
        """Choose how edges into a node are said: an operator leads to the first free port."""
        pick = self.pick
        by_order = pick.random() < 0.6 and all(edge.field is None for edge in edges)
        styles = ("operator", "operator", "bar", "chain", "fan") if by_order else ("named", "named", "names", "input")
        for edge in edges:
            edge.style = pick.choice(styles)
        if not by_order:
            pick.shuffle(edges)

    def inputs(self) -> list[tuple[Node, Port]]:
        fed = {edge.port.name for edge in self.edges}
        return [(n, p) for n in self.nodes for p in n.ports if not p.default and p.name not in fed]

    def write(self) -> tuple[Program, dict[int, Edge]]:
        """Write the statements; tell which of them are which edges."""
        program = Program()
        program.say(f'{self.name} = DAG("{self.name}")')
        for node in self.nodes:
            program.say(*node.lines(self.name))
        places = {program.say(edge.line(self.name)): edge for edge in self.edges}
        given = [(p.name, VALUES[p.type]) for _, p in self.inputs()]
        by_keyword = ", ".join(f"{name}={value}" for name, value in given)
        by_name = ", ".join(f"{name!r}: {value}" for name, value in given)
        call = self.pick.choice(
            (
                f"{self.name}.run({by_keyword})",
                f"{self.name}.run({{{by_name}}})",
                f"Runner({self.name}).run({{{by_name}}})",
            )
        )
        program.say(call)
        looked = self.pick.choice(self.nodes)
        program.say(f"{looked.variable}_value: {looked.returns} = {self.name}[{looked.name!r}]")
        return program, places


def _shown(edge: Edge, expected: str) -> str:
    source, target = edge.source, edge.target
    if edge.field is not None:
        kind = FIELDS[source.returns][edge.field]
        what = f'Output "{edge.field}" of "{source.name}" is "{kind}"'
    elif source.returns == "dict[str, int]":  # what does not fit as a whole is taken apart
        what = f'Output "{edge.port.name}" of "{source.name}" is "int"'
    else:
        what = f'Node "{source.name}" returns "{source.returns}"'
    return f'{what}, but input port "{edge.port.name}" of "{target.name}" expects "{expected}"'


def wrong_type(graph: Graph) -> Program:
    edge = graph.pick.choice(graph.edges)
    program, places = graph.write()
    index = 1 + graph.nodes.index(edge.target)
    old = f"{edge.port.name}: {edge.port.type}"
    program.statements[index] = [line.replace(old, f"{edge.port.name}: Wrong", 1) for line in program.statements[index]]
    place = next(at for at, one in places.items() if one is edge)
    program.expected.append((place, "fastdag-port", _shown(edge, "Wrong")))
    return program


def _alone(graph: Graph) -> Edge:
    """Choose an edge whose place no other edge takes, when it is not made."""
    edge = graph.pick.choice(graph.edges)
    for other in graph.edges:
        if other.target is edge.target:
            other.style = "named"
    return edge


def renamed_port(graph: Graph) -> Program:
    edge = _alone(graph)
    edge.style = graph.pick.choice(("named", "names", "input"))
    program, places = graph.write()
    place = next(at for at, one in places.items() if one is edge)
    program.statements[place] = [line.replace(edge.port.name, "nowhere") for line in program.statements[place]]
    known = ", ".join(sorted(port.name for port in edge.target.ports))
    program.expected.append(
        (place, "fastdag-name", f'Node "{edge.target.name}" has no input "nowhere" (inputs: {known})')
    )
    return program


def removed_edge(graph: Graph) -> Program:
    edge = _alone(graph)
    program, places = graph.write()
    place = next(at for at, one in places.items() if one is edge)
    program.statements[place] = ["pass"]
    name, kind = edge.port.name, edge.port.type
    hint = f'give it as run(inputs={{"{name}": ...}}), a value of type {kind}'
    text = f'Input "{name}" is missing: node "{edge.target.name}" requires it ({hint})'
    program.expected.append((max(places) + 1, "fastdag-input", text))
    return program


def back_edge(graph: Graph) -> Program:
    program, places = graph.write()
    edge = graph.pick.choice(graph.edges)
    at = max(places) + 1
    program.statements.insert(at, [f"{edge.source.variable}.after({edge.target.variable})"])
    way = f"{edge.source.name} -> {edge.target.name} -> {edge.source.name}"
    hint = "remove one of these connections; what must run again and again is a state machine (FSM)"
    program.expected.append((at, "fastdag-cycle", f"This connection closes a cycle: {way} ({hint})"))
    return program


def misspelt_node(graph: Graph) -> Program:
    program, _ = graph.write()
    names = ", ".join(sorted(node.name for node in graph.nodes))
    program.say(f'{graph.name}["zzzzzz"]')
    text = f'Workflow "{graph.name}" has no node "zzzzzz" (nodes: {names})'
    program.expected.append((len(program.statements) - 1, "fastdag-name", text))
    return program


def doubled_edge(graph: Graph) -> Program:
    edge = graph.pick.choice(graph.edges)
    edge.style = "named"
    program, places = graph.write()
    extra = Node("extra", "extra", [], edge.port.type)
    last = max(places)
    program.statements.insert(last + 1, extra.lines(graph.name))
    program.statements.insert(last + 2, [f"extra.connect_to({edge.target.variable}, input_name={edge.port.name!r})"])
    place = next(at for at, one in places.items() if one is edge)
    what = f'Input "{edge.port.name}" of "{edge.target.name}" is already connected to "{edge.source.name}" (@{place})'
    text = f"{what} (connect another input, or remove the other connection)"
    program.expected.append((last + 2, "fastdag-taken", text))
    return program


class Machine:
    """A random state machine in which every state is reached and ends or goes on."""

    def __init__(self, pick: random.Random, name: str) -> None:
        self.pick = pick
        self.name = name
        self.states = [f"state_{index}" for index in range(pick.randint(2, 6))]
        self.ways: dict[str, list[str]] = {
            state: [following] for state, following in zip(self.states, [*self.states[1:], "stop"], strict=True)
        }
        for state in self.states:
            if pick.random() < 0.5:
                self.ways[state].append(pick.choice(self.states))

    def write(self) -> Program:
        program = Program()
        program.say(f'{self.name} = FSM("{self.name}")')
        for index, state in enumerate(self.states):
            returns = [self._way(following) for following in self.ways[state]]
            body = [f"    if value == {number}:\n            {way}" for number, way in enumerate(returns[1:])]
            maker = f"@{self.name}.state" + ("(is_initial=True)" if not index else "")
            program.say(maker, f"def {state}(value: int) -> FSMReturn[int]:", *body, f"    {returns[0]}")
        program.say(f"{self.name}.run(value=1)")
        return program

    def _way(self, following: str) -> str:
        if following == "stop":
            return "return FSMReturn(stop_condition=True, value=value)"
        given = f'"{following}"' if self.pick.random() < 0.8 else following
        return f"return FSMReturn(next_state={given}, value=value)"


def misspelt_state(machine: Machine) -> Program:
    state = machine.pick.choice(machine.states)
    following = machine.ways[state]
    following[machine.pick.randrange(len(following))] = "zzzzzz"
    program = Program()
    while '"zzzzzz"' not in str(program.statements):
        program = machine.write()
    at = 1 + machine.states.index(state)
    lines = "\n".join(program.statements[at]).split("\n")
    offset = next(number for number, line in enumerate(lines) if "zzzzzz" in line)
    names = ", ".join(sorted(machine.states))
    text = f'State "{state}" goes to "zzzzzz", which is not a state (states: {names})'
    program.expected.append((at + offset * 100_000, "fastdag-state", text))
    return program


def left_out_state(machine: Machine) -> Program:
    program = machine.write()
    at = len(program.statements) - 1
    state = [
        "@" + machine.name + ".state",
        "def alone(value: int) -> FSMReturn[int]:",
        "    return FSMReturn(stop=True)",
    ]
    program.statements.insert(at, state)
    hint = "wire a state to it, return it as next_state, or mark it with is_initial=True"
    program.expected.append((at, "fastdag-state", f'No state leads to "alone" ({hint})'))
    return program


GRAPH_MUTATIONS = (wrong_type, renamed_port, removed_edge, back_edge, misspelt_node, doubled_edge)
MACHINE_MUTATIONS = (misspelt_state, left_out_state)


class Module:
    """Programs as functions of one module."""

    def __init__(self) -> None:
        self.lines = HEAD.splitlines()
        self.expected: list[tuple[int, str, str]] = []

    def add(self, program: Program) -> None:
        self.lines.append(f"def scope_{len(self.lines)}() -> None:")
        starts: list[int] = []
        for statement in program.statements:
            starts.append(len(self.lines) + 1)
            self.lines += [f"    {line}" for text in statement for line in text.split("\n")]
        for place, code, text in program.expected:
            offset, at = divmod(place, 100_000)
            shown = re.sub(r"\(@(\d+)\)", lambda found: f"(wired.py:{starts[int(found[1])]})", text)
            self.expected.append((starts[at] + offset, code, shown))


def _modules(seed: int, count: int) -> tuple[Module, Module]:
    """Make programs that are right, and one wrong variant of each."""
    right, wrong = Module(), Module()
    for number in range(count):
        pick = random.Random(seed * 1_000_000 + number)  # noqa: S311 - no secrets here
        if number % 4 == 3:
            right.add(Machine(random.Random(number), "fsm").write())  # noqa: S311 - the same
            wrong.add(pick.choice(MACHINE_MUTATIONS)(Machine(pick, "fsm")))
        else:
            right.add(Graph(random.Random(number), "dag").write()[0])  # noqa: S311 - the same
            wrong.add(GRAPH_MUTATIONS[number % len(GRAPH_MUTATIONS)](Graph(pick, "dag")))
    return right, wrong


def _check(lines: list[str], folder: Path) -> list[tuple[int, str, str]]:
    (folder / "wired.py").write_text("\n".join(lines) + "\n")
    (folder / "mypy.ini").write_text("[mypy]\nplugins = fastdag_mypy\nstrict = true\n")
    out, err, _ = api.run(["--config-file", "mypy.ini", "--cache-dir", "cache", "wired.py"])
    assert not err
    found = re.findall(r"^wired\.py:(\d+): (?:error|note): (.*?)(?:  \[([\w-]+)\])?$", out, re.MULTILINE)
    return sorted((int(line), code, text) for line, text, code in found)


def _carry_out(lines: list[str]) -> dict[int, set[tuple[str, str]]]:
    """Carry out each program up to its first error; give the code and text of the errors by the program's line."""
    names: dict[str, Any] = {}
    exec(compile("\n".join(lines), "wired.py", "exec"), names)  # noqa: S102 - the text is ours
    said: dict[int, set[tuple[str, str]]] = {}
    for name in [name for name in names if name.startswith("scope_")]:
        try:
            names[name]()
        except WiringError as error:
            found = [error.diagnostic]
        except InputError as error:
            found = list(error.diagnostics)
        except WorkflowValidationError as error:
            found = [one for one in error.result.diagnostics if one.severity == "error"]
        except KeyError as error:
            said[int(name[6:])] = {("fastdag-name", error.args[0])}
            continue
        except WorkflowExecutionError as error:
            code = "fastdag-state" if isinstance(error.__cause__, BranchError) else "another error"
            said[int(name[6:])] = {(code, str(error.__cause__))}
            continue
        else:
            continue
        said[int(name[6:])] = {(one.code, f"{one.message} ({one.hint})" if one.hint else one.message) for one in found}
    return said


def _starts(lines: list[str]) -> list[int]:
    return [int(line.removeprefix("def scope_").partition("(")[0]) for line in lines if line.startswith("def scope_")]


@pytest.mark.parametrize("seed", range(BATCHES))
def test_what_is_right_has_no_finding_and_each_mutation_has_its_own(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    right, wrong = _modules(seed, GRAPHS // BATCHES)
    assert not _check(right.lines, tmp_path)
    assert len(wrong.expected) == GRAPHS // BATCHES
    assert _check(wrong.lines, tmp_path) == sorted(wrong.expected)


def test_python_says_the_same_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    right, wrong = _modules(seed=BATCHES, count=GRAPHS // BATCHES)
    assert not _carry_out(right.lines)
    said = _carry_out(wrong.lines)
    starts = _starts(wrong.lines)
    seen: set[str] = set()
    for line, code, text in wrong.expected:
        program = max(start for start in starts if start < line)
        if code == "fastdag-state" and program not in said:
            continue  # not every state is come to, and Python does not look into functions
        assert said[program] == {(code, text)}
        seen.add(code)
    assert seen >= {"fastdag-port", "fastdag-name", "fastdag-input", "fastdag-cycle", "fastdag-taken", "fastdag-state"}
