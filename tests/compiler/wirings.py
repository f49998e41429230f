"""Modules made up: functions from the grammar, and a workflow of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from unicodedata import normalize

from tests.compiler.grammar import KINDS, PREAMBLE, Function, function
from tests.compiler.phrases import NAMES, ODD

if TYPE_CHECKING:
    from random import Random

    from fastdag_typed.plan import Plan

VALUES: Final = {
    "int": ["0", "1", "2", "5", "-3"],
    "str": ["'b'", "''", "'12'"],
    "list": ["[]", "[4, 1]", "[2, 2, 7]", "[1]"],
    "dict": ["{}", "{'a': 2}", "{'b': 1, 'a': 0}"],
    "thing": ["Thing(5)", "Thing(6)"],
}
"""What runs are given, as text, so that each run makes its own."""

NODES: Final = [*NAMES, *ODD, "not a name", "1st", 'quo"ted', "#@ 1", "a\nb", "'''", "{x}", "import", "def"]


class Made(NamedTuple):
    """A module made up.

    Args:
        text: its text; the attribute ``dag`` is the workflow.
        kinds: the kind of what each port expects, by node and port.
        modes: the modes in which what its nodes do is the same in any order.
        keeps: whether the results to be kept can be chosen.
    """

    text: str
    kinds: dict[tuple[str, str], str]
    modes: tuple[str, ...] = ()
    keeps: bool = True


class Wiring:
    """Writes the statements that make a workflow."""

    def __init__(self, random: Random, functions: list[Function], name: str = "dag") -> None:
        self.random = random
        self.functions = functions
        self.name = name
        self.lines = [f'{name} = DAG("made up")']
        self.names: set[str] = set()
        self.made: list[tuple[str, Function]] = []
        self.kinds: dict[tuple[str, str], str] = {}

    def wish(self) -> str:
        """Choose the name of a node: perhaps that of a function, a builtin, a variable, or none at all."""
        pool = [*NODES, *(one.name for one in self.functions)]
        name = self.random.choice([one for one in pool if one not in self.names])
        self.names.add(name)
        return name

    def add(self, depth: int = 0) -> None:
        """Add a node."""
        random, variable = self.random, f"{self.name}_{len(self.made)}"
        if depth < 1 and random.random() < 0.1:
            self.nest(variable, depth)
            return
        func, name = random.choice(self.functions), self.wish()
        makers = {"condition": "Condition", "select": "Select"}
        join = not func.decides and len(func.params) > 1 and random.random() < 0.25
        given = f"{func.name}, {name!r}{', node_type=' + repr('any') if join else ''}"
        self.lines.append(f"{variable} = {self.name}.add_node({makers.get(func.decides, 'Node')}({given}))")
        for one in func.params:
            port = normalize("NFKC", one.name)
            self.kinds[name, port] = one.kind
            self.connect(variable, port, one.kind, needed=not one.default)
        if self.made and random.random() < 0.15:
            self.lines.append(f"{variable}.after({random.choice(self.made)[0]})")
        self.made.append((variable, func))

    def connect(self, variable: str, port: str, kind: str, *, needed: bool) -> None:
        """Connect a port to a node before, mostly one that gives what is expected; or leave it open."""
        if port == "depth" or not self.made or self.random.random() < (0.15 if needed else 0.5):
            return
        right = [one for one in self.made if one[1].kind == kind]
        if not right and self.random.random() < 0.6:
            return
        source, func = self.random.choice(right if right and self.random.random() < 0.9 else self.made)
        outlets = {"condition": ["", ".on_true", ".on_false"], "select": ["", ".on('b0')", ".on('b1')"]}
        outlet = self.random.choice(outlets.get(func.decides, [""]))
        self.lines.append(f"{source}{outlet}.connect_to({variable}, input_name={port!r})")

    def nest(self, variable: str, depth: int) -> None:
        """Add a workflow as a node; its inputs keep their names."""
        inner, name = Wiring(self.random, self.functions, f"{variable}_in"), self.wish()
        for _ in range(self.random.randint(1, 3)):
            inner.add(depth + 1)
        self.lines += [*inner.lines, f"{variable} = {self.name}.add_workflow({name!r}, {inner.name})"]
        self.kinds.update({(name, port): kind for (_, port), kind in inner.kinds.items()})
        self.made.append((variable, inner.made[-1][1]._replace(decides="")))

    def compose(self) -> None:
        """Wire by calls, with constants."""
        names: list[str] = []
        called: list[tuple[str, str]] = []
        lines: list[str] = []
        for number in range(self.random.randint(1, 7)):
            func = self.random.choice(self.functions)
            node = f"node_{func.name}"
            if node not in names:
                names.append(node)
                self.lines.append(f"{node} = {self.name}.add_node(Node({func.name}, {self.wish()!r}))")
            given = []
            for one in func.params:
                right = [value for value, kind in called if kind == one.kind]
                if one.name == "depth" or (one.default and self.random.random() < 0.5):
                    continue
                constants = [*VALUES.get(one.kind, ["None"])[:3], f"one_{one.kind}"]
                value = self.random.choice(right if right and self.random.random() < 0.8 else constants)
                given.append(f"{one.name}={value}")
            lines.append(f"    made_{number} = {node}({', '.join(given)})")
            called.append((f"made_{number}", func.kind))
        kinds = sorted(VALUES)
        header = ", ".join(f"one_{kind}" for kind in kinds)
        last = ", ".join(value for value, _ in called[-2:])
        self.lines += [f"@{self.name}.compose", f"def flow({header}):", *lines, f"    return {last}"]
        self.kinds.update({("", f"one_{kind}"): kind for kind in kinds})


def inputs(random: Random, made: Made, plan: Plan) -> dict[str, str]:
    """Choose what a run is given, as text: all that is required, and some of what has a default."""
    needed = {entry.name for entry in plan.required}
    found: dict[str, str] = {}
    for entry in plan.inputs:
        kind = made.kinds.get((entry.node, entry.port.name)) or made.kinds.get(("", entry.name), "none")
        if entry.name in found or (entry.name not in needed and (kind == "none" or random.random() < 0.6)):
            continue
        kind = random.choice(list(VALUES)) if kind not in VALUES or random.random() < 0.03 else kind
        found[entry.name] = random.choice(VALUES[kind])
    return found


def graph(random: Random) -> Made:
    """Make up a module with a DAG."""
    functions: list[Function] = []
    composed = random.random() < 0.2
    apart = random.random() < 0.3
    kinds = random.choices(["int", "str"] if apart else KINDS, k=random.randint(1, 3))
    for number in range(random.randint(1, 4)):
        name = f"f_{number}"
        if random.random() < 0.1:
            taken = {one.name for one in functions}
            pool = ["input", "id", "hash", "print", "run", "walk", "found", "data", "error", "Results"]
            name = random.choice([one for one in pool if one not in taken])
        decides = random.choice(["", "", "", "", "condition", "select"]) if not composed else ""
        plain = tuple(one for one in functions if not one.decides)
        functions.append(function(random, name, plain, decides, kinds, apart=apart))
    wiring = Wiring(random, functions)
    if composed:
        wiring.compose()
    else:
        for _ in range(random.randint(1, 8)):
            wiring.add()
    modes = ("asyncio",) if any(one.is_async for one in functions) else ("asyncio", "threads")
    return Made(_text(functions, wiring.lines), wiring.kinds, modes if apart else ())


def machine(random: Random) -> Made:
    """Make up a module with a state machine."""
    kind = [random.choice(KINDS)]
    functions = [function(random, f"f_{number}", (), "state", kind) for number in range(random.randint(1, 3))]
    limit = random.randint(1, 12)
    reaction = random.choice(["stop", "raise"])
    lines = [f'dag = FSM("made up", max_cycles={limit}, on_max_cycles={reaction!r})']
    kinds: dict[tuple[str, str], str] = {}
    for number in range(3):
        func = random.choice(functions)
        first = ", is_initial=True" if number == 0 else ""
        lines.append(f"s_{number} = dag.state(name='s{number}'{first})({func.name})")
        kinds.update({(f"s{number}", one.name): one.kind for one in func.params})
    for source in range(3):
        lines += [f"s_{source} >> s_{random.randrange(3)}"] if random.random() < 0.5 else []
    return Made(_text(functions, lines), kinds, keeps=False)


def _text(functions: list[Function], lines: list[str]) -> str:
    return "\n\n".join((PREAMBLE, *(one.text for one in functions), "\n".join(lines))) + "\n"
