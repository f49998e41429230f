"""A module that was made up is run as it is and compiled, each time imported anew; all that is seen is compared."""

from __future__ import annotations

import asyncio
import difflib
import gc
import importlib
import itertools
import re
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_codegen import compile_workflow, load, write
from fastdag_codegen.native import build
from fastdag_codegen.options import Options
from fastdag_typed import CompileError, Context, FSMContext, Runner, WorkflowExecutionError
from tests.compiler import stage
from tests.compiler.portraits import Portrait, places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from fastdag_codegen.options import Level, Mode
    from fastdag_typed.plan import Plan

_NUMBERS = itertools.count()
_UNFIT: Final = re.compile(
    r"(not enough|too many) values to unpack( \(expected [^)]*\))?|can only assign an iterable|"
    r"cannot unpack non-iterable \w+ object|'\w+' object is not (iterable|a mapping)|"
    r"(Value|[\w.()]+ argument) after \*\*? must be an? (iterable|mapping), not \w+"
)
"""What Python and mypyc say of values that cannot be taken apart."""


class Way(NamedTuple):
    """How a workflow is run: with which options it is compiled, how it is called, which results are looked at.

    Args:
        options: of the compiler.
        direct: by the compiled function, and not by a runner in the place of the workflow.
        asynchronous: with an event loop.
        workers: how many threads or tasks there are, in a mode that has them.
        half: only every second result is kept.
        native: what it is compiled to is built with mypyc.
    """

    options: Options = Options()
    direct: bool = True
    asynchronous: bool = False
    workers: int = 0
    half: bool = False
    native: bool = False


LEVELS: Final[list[Level]] = [0, 1, 2]
ALL_INLINED: Final = Way(Options(2))
"""What every module is tried with: whatever can be inlined is."""
NATIVE: Final = Way(Options(2), native=True)
"""What some are tried with alone, because it takes a second and more to build one."""
OTHERS: Final = [
    Way(Options(0)),
    *[Way(Options(1))] * 5,
    *(
        Way(Options(level), direct=False, asynchronous=asynchronous)
        for level in LEVELS
        for asynchronous in (False, True)
    ),
    *(Way(Options(level, late_globals=True)) for level in LEVELS[1:]),
    *(Way(Options(level, instrument=True)) for level in LEVELS),
    *(Way(Options(level), half=True) for level in LEVELS),
]
"""What each module is tried with one of; more often with what is the default."""
PARALLEL: Final[list[Mode]] = ["threads", "asyncio"]
AT_ONCE: Final = [
    Way(Options(level, mode), workers=workers) for level in LEVELS for mode in PARALLEL for workers in (1, 4)
]
"""The same for modules of which no node sees what others do."""


class Seen(NamedTuple):
    """What a run leaves behind.

    Args:
        log: what was noted, and which objects went, in this order.
        outcome: a portrait of the results or the error, and of what was given.
        node: the one that failed, if one did.
        places: where in the users' module the error came by.
        last: the objects that went with the results.
    """

    log: list[str]
    outcome: str
    node: str
    places: list[tuple[str, int]]
    last: list[str]

    def timeless(self) -> Seen:
        """Leave out when objects went, but not which."""
        gone = [line for line in self.log if line.startswith("gone ")]
        log = [line for line in self.log if not line.startswith("gone ")]
        return self._replace(log=log, last=sorted([*gone, *self.last]))

    def endless(self) -> Seen:
        """Leave out which objects went, for what extensions hold never does, and the words for what does not fit."""
        log, outcome = ([_UNFIT.sub("does not fit", line) for line in lines] for lines in (self.log, [self.outcome]))
        return self._replace(log=log, outcome=outcome[0]).timeless()._replace(last=[])

    def orderless(self) -> Seen:
        """Leave out what was first; of a run that failed, too, what else was done, which is a matter of chance."""
        if self.node:
            return Seen([], self.outcome, self.node, self.places, [])
        return self._replace(log=sorted([*self.log, *self.last]), last=[])


class Trial:
    """A module that was made up, and what its workflow is given, as text; ``folder`` is what is imported from.

    ``compared`` counts the runs that were held against the workflow's.
    """

    def __init__(self, text: str, inputs: dict[str, str], folder: Path) -> None:
        self.text = text
        self.inputs = inputs
        self.folder = folder
        self.compared = 0
        self.name = f"made_up_{next(_NUMBERS)}"
        self.file = folder / f"{self.name}.py"
        self.flat = folder / f"flat_{self.name}.py"
        self.file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    def fresh(self) -> ModuleType:
        """Import the module anew, so that nothing is left of runs before."""
        sys.modules.pop(self.name, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(self.name)

    def end(self) -> None:
        """Forget the module; what is left of it is not looked through when others look for what they leave."""
        sys.modules.pop(self.name, None)
        for path in self.folder.glob(f"*{self.name}*"):
            path.unlink()
        gc.collect()
        gc.freeze()

    def compiled(self, *ways: Way) -> list[str]:
        """Compile the workflow for each way."""
        plan = self.fresh().dag.plan()
        texts: dict[Options, str] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for options in (self._options(way, plan) for way in ways):
                if options not in texts:
                    texts[options] = compile_workflow(plan, target=f"{self.name}:dag", options=options)
        return [texts[self._options(way, plan)] for way in ways]

    def _options(self, way: Way, plan: Plan) -> Options:
        return replace(way.options, keep=tuple(plan.names[::2])) if way.half else way.options

    def difference(self, ways: list[Way]) -> str:
        """Say how a compiled module is seen to differ from its workflow; nothing if it does not."""
        interpreted: dict[Way, Seen] = {}
        for way, text in zip(ways, self.compiled(*ways), strict=True):
            same = Way(asynchronous=way.asynchronous, half=way.half)  # the rest is for what is compiled
            if same not in interpreted:
                interpreted[same] = self.seen(same)
            if way.native and not self._is_built(text):
                continue
            expected, found = interpreted[same], self.seen(way, text)
            if way.native:
                expected, found = expected.endless(), found.endless()
            elif way.workers:
                expected, found = expected.orderless(), found.orderless()
                if expected.node and found.node and found.node != expected.node:
                    continue  # another one failed first
            elif way.half or ".add_workflow(" in self.text:
                # A nested workflow keeps the results of its last run; what it is compiled to keeps nothing.
                expected, found = expected.timeless(), found.timeless()
            self.compared += 1
            if found != expected:
                return f"{way}\n{_difference(expected, found)}"
        return ""

    def _is_built(self, text: str) -> bool:
        """Build the extension of what the workflow is compiled to; there is none of a few things that mypyc refuses."""
        write(text, self.flat)
        try:
            build(self.flat, opt_level=0)
        except CompileError:
            return False
        return True

    def seen(self, way: Way, text: str = "") -> Seen:
        """Run the workflow, or the text that it is compiled to, and see what comes of it."""
        if text:
            write(text, self.flat)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            world: list[Any] = [self.fresh()]
            plan = world[0].dag.plan()
            names = plan.names[::2] if way.half else plan.names
            context: Any = FSMContext() if plan.machine is not None else Context()
            if text:
                world.append(load(self.flat))
                call = _calling(way, plan, world[1]) if way.direct else _running(way, world[1])
            else:
                call = _running(way, world[0].dag)
            del plan
            gc.collect()
            warned.clear()
            stage.LOG.clear()
            given = {name: eval(text, {"Thing": stage.Thing}) for name, text in self.inputs.items()}  # noqa: S307 - ours
            gc.disable()
            try:
                found: Any = None
                passed: list[tuple[str, int]] = []
                try:
                    results = call(given, context)
                    found = {name: results[name] for name in names if name in results}
                    del results
                except WorkflowExecutionError as error:
                    found = error
                    passed = places(error.__cause__.__traceback__ if error.__cause__ else None, str(self.file))
                log = list(stage.LOG)
                portrait = Portrait()
                node = getattr(found, "node_name", None) or ""
                facts = [found, given, getattr(found, "where", None)]
                if not way.half:
                    facts += [
                        getattr(context, name, None) for name in ("state_history", "cycle_results", "cycle_count")
                    ]
                outcome = "\n".join([*map(portrait.of, facts), *(str(one.message) for one in warned)])
                outcome = stage.ADDRESS.sub("", outcome)
                # What is left goes with the world that it is of.
                del found, portrait, facts, given, context, call
                world.clear()
                sys.modules.pop(self.name)
                gc.collect()
                return Seen(log, outcome, node, passed, sorted(stage.LOG[len(log) :]))
            finally:
                gc.enable()


def _running(way: Way, workflow: Any) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Have a runner run a workflow, or what was compiled of it in its place."""

    def run(given: dict[str, Any], context: Any) -> dict[str, Any]:
        runner: Runner[Any] = Runner(workflow)
        if way.asynchronous:
            asyncio.run(runner.run_async(given, context=context))
        else:
            runner.run(given, context=context)
        return dict(runner.metrics.results)

    return run


def _calling(way: Way, plan: Plan, flat: Any) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Call the function of a compiled module."""
    is_machine = plan.machine is not None

    def call(given: dict[str, Any], context: Any) -> dict[str, Any]:
        arguments = {flat.INPUTS[name]: value for name, value in given.items()}
        options = {"context": context} if is_machine else {}
        if way.workers:
            options["max_workers"] = way.workers
        return dict(flat.run(**arguments, **options))

    return call


def _difference(expected: Seen, found: Seen) -> str:
    lines: list[str] = []
    for name, *facts in zip(Seen._fields, tuple[Any, ...](expected), tuple[Any, ...](found), strict=True):
        if facts[0] != facts[1]:
            one, other = (
                [str(part) for part in (fact.split(", ") if isinstance(fact, str) else fact)] for fact in facts
            )
            lines += [name, *difflib.unified_diff(one, other, "interpreted", "compiled", lineterm="", n=2)]
    return "\n".join(lines)
