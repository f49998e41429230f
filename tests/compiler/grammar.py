"""Functions made up from the grammar, as text."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from textwrap import indent
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.compiler.phrases import (
    ATOMS,
    AWAITING,
    AWAITS,
    COMMON,
    COMPOUND,
    EXPRESSIONS,
    GROWING,
    HAZARDS,
    LEAVING,
    NAMES,
    ODD,
    RISKS,
    SIMPLE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

PREAMBLE: Final = """\
from __future__ import annotations

import math
from contextlib import suppress
from functools import reduce
from operator import add

from fastdag_typed import DAG, FSM, Condition, ConditionalReturn, FSMReturn, Node, Select, SelectReturn
from tests.compiler import stage
from tests.compiler.stage import Oops, Quiet, Thing, later, managed, note, plus, ticks

LIMIT = 3
SHARED = [1, 2]
HELD = {}
total_of_all = 0
"""
KINDS: Final = ["int", "int", "int", "list", "list", "dict", "str", "thing"]

_HOLE: Final = re.compile(r"<([=~@^#-]?)(\w*?)(?::(\d+)(\w*))?>")


class Param(NamedTuple):
    """A parameter: its name, the kind of value it expects, its default as text."""

    name: str
    kind: str
    default: str = ""


class Function(NamedTuple):
    """A function made up; ``decides`` says whether it is for conditions, selections, states."""

    name: str
    params: tuple[Param, ...]
    kind: str
    decides: str
    is_async: bool
    text: str


class MissingError(Exception):
    """There is no variable of the kind that a template wants."""


class Scope:
    """The variables of a function at one place of it: which certainly have a value, and which perhaps."""

    def __init__(self, certain: dict[str, str], perhaps: dict[str, str]) -> None:
        self.certain = certain
        self.perhaps = perhaps

    def copy(self) -> Scope:
        return Scope(dict(self.certain), dict(self.perhaps))

    def bind(self, name: str, kind: str) -> None:
        self.certain[name] = kind
        self.perhaps.pop(name, None)

    def unbind(self, name: str) -> None:
        kind = self.certain.pop(name, None)
        if kind is not None:
            self.perhaps[name] = kind

    def join(self, branches: list[Scope]) -> None:
        """Go on after branches of which one was taken: what all have is certain."""
        first, *others = branches
        certain = {name: kind for name, kind in first.certain.items() if all(name in one.certain for one in others)}
        for one in branches:
            for name, kind in (*one.certain.items(), *one.perhaps.items()):
                if name not in certain:
                    self.perhaps[name] = kind
        self.certain = certain


class Filled:
    """What the holes of a template are filled with: names by number, variables that a line binds, handled errors."""

    def __init__(self) -> None:
        self.numbered: dict[str, tuple[str, str]] = {}
        self.bound: list[tuple[str, str]] = []
        self.handled: list[str] = []


class Writer:
    """Writes one function; ``callees`` are those that it may call."""

    def __init__(
        self,
        random: Random,
        name: str,
        callees: tuple[Function, ...] = (),
        decides: str = "",
        kinds: Sequence[str] = KINDS,
        *,
        apart: bool = False,
    ) -> None:
        self.random = random
        self.name = name
        self.callees = callees
        self.decides = decides
        self.apart = apart
        self.is_async = self.chance(0.15)
        self.palette = random.sample(NAMES, 5) + (random.sample(ODD, 2) if self.chance(0.4) else [])
        self.kinds = kinds
        self.kind = random.choice(kinds)
        self.hazardous = self.chance(0.35)
        self.loops = 0
        self.calm = False
        self.counters = 0
        self.left = random.randint(2, 9)
        self.scope = Scope({}, {})

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def write(self) -> Function:
        """Write the function."""
        params = self.params()
        self.scope = Scope({one.name: one.kind for one in params}, {})
        body: list[str] = []
        if self.chance(0.2):
            body.append(
                self.random.choice(
                    ['"""Say what it does: #@ 1."""', "'x'", '"""\nBackslash \\\\ and \\"quotes\\".\n"""']
                )
            )
        if self.hazardous and not self.apart and self.chance(0.15):
            body.append("global total_of_all\ntotal_of_all += 1")
        recursion = self.chance(0.06) and not self.decides and bool(params)
        body += [
            self.fill(line, 3) for line in self.random.sample(["<=int> = <int>", "<=list> = <list>", "note(<any>)"], 2)
        ]
        while self.left > 0:
            body.append(self.statement())
            if self.callees and self.chance(0.05):
                body.append(self.call(self.random.choice(self.callees)))
        if recursion:
            params = (*params, Param("depth", "none", "2"))
            again = ", ".join(f"{one.name}={self.expression(one.kind, 1)}" for one in params[:-1])
            awaits = "await " if self.is_async else ""
            body.append(f"if 0 < depth < 3:\n    {awaits}{self.name}({again}, depth=depth - 1)")
        if not self.chance(0.02):
            body.append(self.result())
        text = "\n".join(body)
        header = f"{'async ' if self.is_async else ''}def {self.name}({self.header(params)}):"
        return Function(
            self.name, params, self.kind, self.decides, self.is_async, f"{header}\n{indent(text, '    ')}\n"
        )

    def params(self) -> tuple[Param, ...]:
        palette = [name for name in self.palette if name != "context"]  # which would be the context of the run
        names = self.random.sample(palette, self.random.choice([0, 1, 1, 2, 2, 3]))
        if self.decides and not names:
            names = palette[:1]
        found = [Param(name, self.random.choice(self.kinds)) for name in names]
        defaults = {"int": ["1", "LIMIT", "10**40"], "list": ["[]", "SHARED", "[1, 2]"], "str": ["'a'", "'\\n\"'"]}
        for place in range(len(found) - 1, -1, -1):
            if (place == 0 and self.decides == "state") or not self.chance(0.3):
                break
            one = found[place]
            found[place] = one._replace(default=self.random.choice(defaults.get(one.kind, ["None", "float('nan')"])))
        return tuple(found)

    def header(self, params: tuple[Param, ...]) -> str:
        parts = [one.name + (f"={one.default}" if one.default else "") for one in params]
        if parts and parts[-1].startswith("depth="):
            return ", ".join(parts)
        if len(parts) > 1 and self.chance(0.15):
            parts.insert(self.random.randrange(1, len(parts)), "*")
        elif self.hazardous and self.chance(0.1):
            parts.append("*more")
        return ", ".join(parts)

    def call(self, other: Function) -> str:
        if self.loops or (other.is_async and not self.is_async):
            return "pass"
        given = ", ".join(f"{one.name}={self.expression(one.kind, 1)}" for one in other.params if one.name != "depth")
        target = self.target()
        self.scope.bind(target, other.kind)
        return f"{target} = {'await ' if other.is_async else ''}{other.name}({given})"

    # -- statements ----------------------------------------------------------------------------------------------------

    def block(self, depth: int) -> str:
        lines = [self.fill("note(<any>)", depth)] if self.chance(0.4) else [self.statement(depth)]
        while self.left > 0 and self.chance(0.5):
            lines.append(self.statement(depth))
        if self.chance(0.15):
            lines.append(self.result())
        elif self.loops and self.chance(0.3):
            lines.append(self.fill(self.random.choice(LEAVING), depth))
        return "\n".join(lines)

    def result(self) -> str:
        """Write a return statement."""
        if self.chance(0.01):
            return "return"
        value = self.expression("func" if self.hazardous and not self.decides and self.chance(0.05) else self.kind, 2)
        if self.decides == "condition":
            texts = [f"return ConditionalReturn({self.expression('cond', 1)}, {value})"]
            texts += [f"return bool({self.expression('cond', 1)})", f"return ConditionalReturn({value} == 1)"]
            return self.random.choice(texts)
        if self.decides == "select":
            branch = self.random.choice(["'b0'", "'b1'", f"'b' + str(({self.expression('int', 1)}) % 2)"])
            return f"return SelectReturn({value}, {branch})"
        if self.decides == "state":
            following = self.random.choice(
                ["'s0'", "'s1'", "'s2'", f"f's{{len(str({self.atom('any')})) % 3}}'", "None"]
            )
            texts = [
                f"return FSMReturn({following}, {value})",
                f"return FSMReturn(next_state={following}, value={value})",
            ]
            texts += [f"return FSMReturn(stop=True, value={value})", f"return {value}"]
            return self.random.choice([texts[0], texts[0], *texts])
        return f"return {value}"

    def statement(self, depth: int = 0) -> str:
        self.left -= 1
        compound = COMPOUND + (AWAITING if self.is_async else [])
        for _ in range(20):
            template = self.random.choice(compound if depth < 3 and self.chance(0.45) else SIMPLE)
            if (self.calm and any(mark in template for mark in GROWING)) or not self.allows(template):
                continue
            try:
                return self.fill(template, depth)
            except MissingError:
                continue
        return "pass"

    def allows(self, template: str) -> bool:
        if self.apart and any(mark in template for mark in COMMON):
            return False
        return self.hazardous or not any(mark in template for mark in HAZARDS)

    def fill(self, template: str, depth: int) -> str:
        """Write a statement after a template; what it binds is bound at the end of the line that binds it."""
        filled = Filled()
        branches: list[Scope] = []
        before = self.scope.copy()
        lines: list[str] = []
        loop = template.lstrip("<#> =0\n").startswith(("for", "while", "async for"))
        for line in template.split("\n"):
            inner = line.strip()
            if inner in ("<block>", "<calm>"):
                lines.append(indent(self.suite(inner, depth, loop=loop), line[: len(line) - len(inner)]))
                branches.append(self.scope)
                self.scope = before.copy() if not loop else self.scope
                for name in filled.handled:
                    self.scope.unbind(name)
                continue
            lines.append(self.expand(line, 1 if self.chance(0.6) else 2, filled))
            self.bind(filled)
            if template.startswith(("if", "try", "match")) and not branches:
                before = before if inner.startswith(("case", "except")) else self.scope.copy()
        if branches:
            whole = any(word in template for word in ("else:", "case _", "except")) and not loop
            self.scope = before
            self.scope.join(branches if whole else [*branches, before.copy()])
        return "\n".join(lines)

    def suite(self, mark: str, depth: int, *, loop: bool) -> str:
        calm, loops = self.calm, self.loops
        self.calm = calm or mark == "<calm>"
        self.loops += loop
        try:
            return self.block(depth + 1)
        finally:
            self.calm, self.loops = calm, loops

    # -- expressions ---------------------------------------------------------------------------------------------------

    def expression(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.chance(0.4):
            return self.atom(kind)
        templates = EXPRESSIONS[kind]
        if self.is_async and kind in AWAITS and self.chance(0.3):
            templates = AWAITS[kind]
        for _ in range(4):
            filled = Filled()
            template = self.random.choice(templates)
            if not self.allows(template):
                continue
            try:
                text = self.expand(template, depth - 1, filled)
            except MissingError:
                continue
            self.bind(filled)
            return text
        return self.atom(kind)

    def atom(self, kind: str) -> str:
        if not self.chance(0.15):
            try:
                return self.variable(kind)
            except MissingError:
                pass
        return self.random.choice(ATOMS[kind])

    def variable(self, kind: str) -> str:
        pool = self.scope.certain
        if self.hazardous and self.chance(0.1):
            pool = {**pool, **self.scope.perhaps}
        # A function is no value like others: as text it is where it happens to lie in memory.
        names = [name for name, own in pool.items() if kind == own or (kind == "any" != own != "func")]
        if not names:
            raise MissingError
        return self.random.choice(names)

    def target(self) -> str:
        return self.random.choice(self.palette)

    def expand(self, template: str, depth: int, filled: Filled) -> str:
        """Fill the holes of a line of a template from left to right."""
        for number in re.findall(r"<@(\d)>", template):
            if number not in filled.numbered and not re.search(rf"<[=~^]\w*:?{number}>", template):
                taken = {name for name, _ in filled.numbered.values()}
                name = self.random.choice([one for one in self.palette if one not in taken])
                filled.numbered[number] = name, "int"
        return _HOLE.sub(_indented(lambda found: self.hole(found, depth, filled)), template)

    def hole(self, found: re.Match[str], depth: int, filled: Filled) -> str:
        """Fill a hole."""
        sign, word, numbers, _ = found.groups()
        if sign == "#":
            self.counters += "turns" not in filled.numbered
            return filled.numbered.setdefault("turns", (f"turns_{self.counters}", ""))[0]
        if sign == "@":
            return filled.numbered[word][0]
        if not sign and word == "risk":
            return self.fill(self.random.choice(RISKS), 3)
        if not sign:
            return self.within(word, depth, [filled.numbered[one] for one in numbers or ""])
        name = self.name_in(sign, word, filled)
        if numbers:
            filled.numbered[numbers] = name, word
        return name

    def name_in(self, sign: str, word: str, filled: Filled) -> str:
        """Choose the name for a hole that binds, changes or unbinds a variable."""
        if sign == "^":
            name = self.target()
            filled.numbered[word] = name, "error"
            filled.handled.append(name)
        elif sign == "=":
            used = {name for name, _ in filled.bound}
            name = self.random.choice([one for one in self.palette if one not in used])
            filled.bound.append((name, word))
        else:
            name = self.variable(word)
            if sign == "-":
                self.scope.unbind(name)
        return name

    def bind(self, filled: Filled) -> None:
        """Go on after a line, which has bound what is assigned in it."""
        for name, kind in filled.bound:
            self.scope.bind(name, kind)
        filled.bound.clear()

    def within(self, kind: str, depth: int, names: list[tuple[str, str]]) -> str:
        """Write an expression that may read more names than are in scope here."""
        if not names:
            return self.expression(kind, depth)
        outside = self.scope
        self.scope = outside.copy()
        for name, own in names:
            self.scope.bind(name, own)
        try:
            return self.expression(kind, depth)
        finally:
            self.scope = outside


def _indented(hole: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    """Keep the further lines of what fills a hole at the place where a line begins as deep as the first."""

    def fill(found: re.Match[str]) -> str:
        text = hole(found)
        before = found.string[: found.start()].rpartition("\n")[2]
        return text.replace("\n", f"\n{before}") if found[2] == "risk" else text

    return fill


def function(
    random: Random,
    name: str,
    callees: tuple[Function, ...] = (),
    decides: str = "",
    kinds: Sequence[str] = KINDS,
    *,
    apart: bool = False,
) -> Function:
    """Make up a function that Python accepts; one that is ``apart`` has nothing in common with others."""
    while True:
        made = Writer(random, name, callees, decides, kinds, apart=apart).write()
        with warnings.catch_warnings(), suppress(SyntaxError):
            warnings.simplefilter("ignore")
            compile(made.text, "<made up>", "exec")
            return made
