"""Compiled code that runs several groups of nodes at once: what it raises, and what a runner sees of it."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from contextvars import copy_context
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..step import SKIPPED
from .crew import Crew
from .outcome import weightiest
from .run import stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import ModuleType

    from .compiled import Lines
    from .run import Run
    from .traces import Inlined
    from .watch import Watching

Errors = dict[int, tuple[BaseException, bool]]
"""By the line of its call how a node failed, and whether nothing more was to begin already; line 0 is of no node."""


def raised(errors: Errors, lines: Lines, names: Sequence[str], inlined: Sequence[Inlined] = ()) -> BaseException:
    """Make what a run raises that did not come to its end.

    Args:
        errors: how nodes failed; they are taken out.
        lines: which line belongs to which node.
        names: the nodes in the plan's order.
        inlined: the bodies that stand in the place of calls.
    """
    from .compiled import failure

    found: dict[int, BaseException] = {}
    for line, (error, late) in errors.items():
        if not _is_cancelled(error, late=late):
            found[_node(line, lines, names)] = error
    errors.clear()
    if not found:
        return stopped()
    index = weightiest(found)
    original = error = found.pop(index)
    try:
        if index >= 0 and isinstance(original, Exception):
            error = failure(original, lines, inlined)
            error.__cause__ = original
        return error
    finally:  # errors lead to the variables of the run, and to this frame: else they would keep each other alive
        del error, original, found


def _node(line: int, lines: Lines, names: Sequence[str]) -> int:
    """Find the number of the node that a line belongs to, -1 if it is of none."""
    row = bisect_right(lines, line, key=itemgetter(0)) - 1
    return names.index(lines[row][1]) if row >= 0 else -1


def _is_cancelled(error: BaseException, *, late: bool) -> bool:
    """Tell whether a node did not fail, but was stopped because another one had."""
    return late and isinstance(error, asyncio.CancelledError)


class _Scope:
    """What compiled code tells the run that it is."""

    def __init__(self, run: Run, module: ModuleType, watch: Watching | None) -> None:
        self.interrupt = run.interrupt
        self.failures: dict[int, BaseException] = {}
        self.cancelled: set[int] = set()
        self._halt = run.halt
        self._watch = watch
        self._lines: Lines = module.LINES
        self._names = run.plan.names

    def failed(self, error: BaseException, line: int, late: bool) -> None:
        """Hear that a node failed."""
        index = _node(line, self._lines, self._names)
        if _is_cancelled(error, late=late):
            self.cancelled.add(index)
            return
        if index >= 0:
            self.failures[index] = error
            if self._watch is not None:
                self._watch.failed(index, error)
        self._halt()
        if not isinstance(error, Exception):
            self.interrupt()


class Groups:
    """One run of a module that was compiled for threads or tasks."""

    def __init__(self, run: Run, module: ModuleType, watch: Watching | None) -> None:
        self.run = run
        self.module = module
        self.measured = watch is not None
        self.scope = _Scope(run, module, watch)
        self.crew: Any = module.Crew(run.config.max_workers, self.scope)

    async def go(self, call: Callable[[Any], Any], *, alone: bool) -> None:
        """Call the compiled function; ``alone``: there is no loop that is to go on while threads run."""
        run, crew = self.run, self.crew
        forget = run.at_stop(crew.stop) if self.module.MODE == "threads" else None  # tasks are cancelled
        try:
            if forget is None:
                await call(crew)
            elif alone:
                call(crew)
            else:
                await _beside(run, lambda: call(crew))
        finally:
            if forget is not None:
                forget()
            self._enter()

    def _enter(self) -> None:
        """Enter what became of each node into the run."""
        run, module, scope = self.run, self.module, self.scope
        record, slots, values = run.record, run.slots, self.crew.values
        kept: Collection[str] = getattr(module, "KEPT", run.plan.names)
        absent: Any = getattr(module, "SKIPPED", object())
        results: dict[str, Any] = {}
        for step in run.plan.steps:
            value, has_failed = values[step.index], step.index in scope.failures
            if value is absent:
                record.skipped.add(step.index)
                slots[step.out] = SKIPPED
                continue
            if value is module.PENDING and not has_failed:
                continue
            if not self.measured:
                record.rows.append((record.began, step.index, record.began))
            if not has_failed:
                slots[step.out] = value
                if step.name in kept:
                    results[step.name] = value
        if not run.plan.shows_context:
            run.context.results.update(results)
        run.failures.update(scope.failures)
        if run.interrupted:
            record.cancelled |= scope.cancelled
        scope.failures.clear()


async def _beside(run: Run, call: Callable[[], None]) -> None:
    """Make a call in a thread; if this is cancelled, the run is interrupted and the call comes to its end."""
    context = copy_context()

    def settled() -> BaseException | None:  # a future cannot carry every exception
        try:
            context.run(call)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            return error
        return None

    crew = Crew(asyncio.get_running_loop())
    coming = asyncio.ensure_future(crew.call(settled))
    try:
        error = await asyncio.shield(coming)
    except BaseException:
        run.interrupt()
        await asyncio.wait([coming])
        raise
    finally:
        crew.dismiss(wait=coming.done())
    if error is not None:
        raise error
