"""The functions of a DAG of which several nodes run at once: one for each group of steps, and a table of what waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from fastdag_typed.analysis import transitive_reduction
from fastdag_typed.exceptions import CompileError

from .graphs import Graph
from .names import string
from .parts import Block
from .schedule import schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fastdag_typed.plan import Plan
    from fastdag_typed.step import Step

    from .flows import Function
    from .options import Mode
    from .schedule import Schedule

_MODULES: Final = {
    "threads": ("contextlib", "contextvars", "os", "queue", "threading"),
    "asyncio": ("asyncio", "collections", "contextvars", "os"),
}
"""What the modules of a mode import of the standard library."""
_OWN: Final = ("Crew", "GROUPS", "MISSING", "NODES", "PENDING", "WORKERS")
"""What they define themselves."""
_WIDTH: Final = 110


def refuse(plan: Plan, mode: Mode) -> None:
    """Refuse to compile a plan for a mode that it cannot run in.

    Raises:
        CompileError: it cannot.
    """
    if plan.machine is not None and mode != "sequential":
        raise CompileError(
            f'"{plan.name}" is a state machine, of which one state runs at a time: compile it without mode'
        )
    if plan.is_async and mode == "threads":
        first = next(step.name for step in plan.steps if step.is_async)
        message = f'"{plan.name}" has async nodes (the first is "{first}"), which run on an event loop'
        raise CompileError(f'{message}: compile it with mode="asyncio"')


class Words(NamedTuple):
    """Variables that the functions have beside those of the steps."""

    crew: str
    values: str
    max_workers: str


@dataclass
class Group:
    """A function of some steps: it reads from ``values`` what others gave, and writes there what it gives.

    ``row`` is its row in the table of groups.
    """

    name: str
    is_async: bool
    body: list[str]
    head: list[str]
    row: list[str]

    @property
    def word(self) -> str:
        """The word that begins its definition."""
        return "async def" if self.is_async else "def"


@dataclass
class Cells:
    """Which variables of the statements are handed on from one group to others, and where.

    Args:
        places: where in ``values`` a variable is, if it is there.
        giver: the step that gives a variable, if it is not one of those that a run begins with.
        takes: the variables that each step reads.
        passing: results that are not returned, so that they are let go after their last use.
        schedule: the groups of steps.

    """

    places: dict[str, int]
    giver: dict[str, int]
    takes: list[set[str]]
    passing: set[str]
    schedule: Schedule

    def __post_init__(self) -> None:
        self.group_of = {step: number for number, group in enumerate(self.schedule.groups) for step in group}
        self.readers: dict[str, set[int]] = {}
        for step, names in enumerate(self.takes):
            for name in names:
                self.readers.setdefault(name, set()).add(self.group_of[step])

    def elsewhere(self, name: str) -> set[int]:
        """Find the groups that read a variable, but do not give it."""
        found = self.readers.get(name, set())
        return found - {self.group_of[self.giver[name]]} if name in self.giver else found


class Parallel(Graph):
    """Writes the functions of a DAG's plan whose groups run in threads, or as tasks of an event loop.

    The result of step 3 is ``values[3]``. Behind the results there is which ways decisions take, as far as other groups
    want to know that, and what the run was given.
    """

    def declare(self, optional: frozenset[str] = frozenset()) -> None:
        """Make a parameter of each open input, and keep names for what the functions have beside."""
        super().declare(optional)
        self.words = Words(*map(self.names.take, Words._fields))

    def write(self, name: str, kept: frozenset[int] | None) -> Function:
        """Write the functions; only of steps that are ``kept`` (``None``: of all) the results are returned."""
        mode, plan = self.options.mode, self.plan
        for own in _OWN:
            self.bindings.namespace.take(own)
        modules = {module: self.bindings.standard(module) for module in _MODULES[mode]}
        self.begin(kept)
        statements = [self.statement(step) for step in plan.steps]
        cells = self._cells(statements)
        groups = [self._group(number, statements, cells) for number in range(len(cells.schedule.groups))]
        given = [name for name in cells.places if name not in cells.giver]
        for step in plan.steps:
            self.slots[step.out] = f"{self.words.values}[{step.index}]"
        function = self.function(
            name,
            template=f"{mode}.py.jinja",
            tail=self.results(),
            facts={
                "words": self.words,
                **modules,
                "groups": groups,
                "count": len(cells.places) - len(given),
                "given": _listed(f"{self.words.crew}.values += [", given, "]") if given else [],
                "nodes": _listed("(", [string(step.name) for step in plan.steps], ")"),
            },
        )
        return replace(function, name="run_async", is_async=True) if mode == "asyncio" else function

    def _cells(self, statements: Sequence[list[str]]) -> Cells:
        """Find the groups, and give a place to each variable that one has to hand on."""
        steps = self.plan.steps
        places = {self.slots[step.out]: step.index for step in steps}
        giver = {**places, **{way: step.index for step in steps for way in self._ways(step)}}
        takes = [
            Block(lines).takes | ({self.slots[step.out]} if lines else set())
            for lines, step in zip(statements, steps, strict=True)
        ]
        passing = {self.slots[step.out] for step in steps if self.kept is not None and step.index not in self.kept}
        # What a statement reads it waits for, whatever the plan says: steps may have come to share a value.
        sources = ({giver[name] for name in names if name in giver} for names in takes)
        waits = ({*step.waits, *found} - {step.index} for step, found in zip(steps, sources, strict=True))
        made = schedule(transitive_reduction([sorted(found) for found in waits]))
        cells = Cells(places, giver, takes, passing, made)
        ways = (name for step in steps for name in self._ways(step) if cells.elsewhere(name))
        inputs = (self.slots[entry.slot] for entry in self.plan.inputs)
        begun = dict.fromkeys((*inputs, "context", self.stored, self.taken, self.watch))
        found = (*ways, *(name for name in begun if name in cells.readers))
        places.update({name: place for place, name in enumerate(found, len(steps))})
        return cells

    def _ways(self, step: Step) -> Iterable[str]:
        """Give the variables that tell which ways a decision takes."""
        return self.ways.get(step.decision, {}).values()

    def _group(self, number: int, statements: Sequence[list[str]], cells: Cells) -> Group:
        steps, made, values = self.plan.steps, cells.schedule, self.words.values
        indexes = made.groups[number]
        last = {name: index for index in indexes for name in cells.takes[index]}
        taken = sorted(
            (name for name in last if name in cells.places and cells.giver.get(name) not in indexes),
            key=cells.places.__getitem__,
        )
        head = [f"{values} = {self.words.crew}.values"]
        for name in taken:
            place = f"{values}[{cells.places[name]}]"
            head.append(f"{name} = {place}")
            if name in cells.passing and len(cells.elsewhere(name)) == 1:  # nobody else will ask for it
                head.append(f"{place} = None")
        body: list[str] = []
        for index in indexes:
            out = self.slots[steps[index].out]
            wanted = statements[index] and (out not in cells.passing or cells.elsewhere(out))
            body += [*statements[index], f"{values}[{index}] = {out if wanted else None}"]
            body += [
                f"{values}[{cells.places[way]}] = {way}" for way in self._ways(steps[index]) if way in cells.places
            ]
            if index != indexes[-1]:
                over = sorted(name for name in cells.takes[index] & cells.passing if last[name] == index)
                body += [f"del {', '.join(over)}"] if over else []
                body += [f"if {self.words.crew}.stopped:", "    return False"]
        name = self.bindings.namespace.of_module(f"g{number}")
        is_async = any(steps[index].is_async for index in indexes)
        awaited = f"{is_async}, " if self.options.mode == "asyncio" else ""
        row = _listed(f"({name}, {awaited}(", made.successors[number], f"), {made.missing[number]}),")
        return Group(name, is_async, body, head, row)


def _listed(begin: str, parts: Sequence[object], end: str) -> list[str]:
    """Write parts one after the other, over several full lines if they are many."""
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(str(part)) > _WIDTH:
            lines.append("")
        lines[-1] += f"{part}, "
    one = lines[0].rstrip() if len(parts) == 1 and end.startswith(")") else lines[0].rstrip(", ")
    if len(lines) == 1 and len(begin) + len(one) + len(end) <= _WIDTH:
        return [f"{begin}{one}{end}"]
    return [begin, *(f"    {line.rstrip()}" for line in lines), end]
