"""One run: what changes while a workflow runs, and what its policies see of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..exceptions import RunTimeoutError
from ..step import LOST, Skipped
from .bind import second_try

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from ..context import Context
    from ..plan import Plan
    from ..step import Scope
    from ..workers import Workers
    from .bind import Program
    from .compiled import Compiled
    from .config import ExecutionConfig
    from .events import Emitter
    from .metrics import Record


@dataclass(slots=True, weakref_slot=True)
class Run:
    """The plan, its bound calls, and everything that changes while it goes on: the ``Scope`` of its policies."""

    plan: Plan
    program: Program
    slots: list[Any]
    context: Context
    record: Record
    stand_ins: dict[str, int]
    config: ExecutionConfig
    emit: Emitter
    hire: Callable[[], Workers]
    parent: Scope | None
    """The run that this one was started in, by a workflow as a node or by a node's own code."""
    compiled: Compiled | None = None
    deadline: float | None = None
    stop_reason: str = "completed"
    failures: dict[int, BaseException] = field(default_factory=dict[int, BaseException])
    interrupted: bool = False
    steps: Iterator[object] = field(default_factory=lambda: iter(()))
    """What is left for a driver that takes one step after the other."""
    outside: list[BaseException] = field(default_factory=list[BaseException])
    """What went wrong at the end, outside of the nodes."""
    ends: list[Callable[[], Awaitable[object] | None]] = field(default_factory=list[Any])
    _stops: dict[object, tuple[Callable[[], object], bool]] = field(default_factory=dict[object, Any])
    _halted: bool = False
    _entered: int = 0

    @property
    def workers(self) -> Workers:
        """The processes of the runner; of the outermost one, if runs are nested."""
        return self.hire() if self.parent is None else self.parent.workers

    def at_end(self, action: Callable[[], Awaitable[object] | None]) -> None:
        """Have something done when the run has ended; what was said last is done first."""
        self.ends.append(action)

    def at_stop(self, action: Callable[[], object], *, begun: bool = True) -> Callable[[], None]:
        """Have something done if the run is interrupted before what is given is called; at once, if it is already."""
        key = object()
        self._stops[key] = action, begun
        if self.interrupted or (self._halted and not begun):  # asked after it is entered: none is lost between
            action()
        above = None if self.parent is None else self.parent.at_stop(action, begun=begun)

        def settled() -> None:
            self._stops.pop(key, None)
            if above is not None:
                above()

        return settled

    def interrupt(self) -> None:
        """Bring the calls that are under way to an end, as far as they can be, and let nothing more begin."""
        self.interrupted = True
        self.record.reached = self.record.done
        for _ in self.steps:  # a driver that looked each time whether to go on would pay for it each time
            pass
        for action, _ in list(self._stops.values()):
            action()

    def halt(self) -> None:
        """Let nothing more begin."""
        self._halted = True
        for action, begun in list(self._stops.values()):
            if not begun:
                action()

    async def end(self, settle: Callable[[Awaitable[object]], Awaitable[object]]) -> None:
        """Do what policies left for the end; what goes wrong there is kept and does not hide how the run went."""
        self._halted = False  # what is left for the end may begin
        interrupt: BaseException | None = None
        while self.ends:
            try:
                coming = self.ends.pop()()
                if isawaitable(coming):
                    await settle(coming)
            except Exception as error:
                self.outside.append(error)
                from logging import getLogger

                getLogger("fastdag_typed").exception('At the end of the run of "%s"', self.plan.name)
            except BaseException as error:  # noqa: BLE001 - raised when all is done
                interrupt = interrupt or error
        if interrupt is not None:
            raise interrupt

    async def after_failure(self, index: int, error: BaseException) -> Any:
        """Give the value of a step after all, or ``LOST`` if the run goes on without it.

        Raises:
            BaseException: the step's failure, now noted, that ends the run.

        """
        step = self.plan.steps[index]
        try:
            value = second_try(self.program, step, self.slots, error)
            return await value if step.is_async and type(value) is not Skipped else value
        except BaseException as failure:  # noqa: BLE001 - raised again there, if it ends the run
            self.lose(index, failure)
        return LOST

    def lose(self, index: int, failure: BaseException) -> None:
        """Note that a step has failed.

        Raises:
            BaseException: ``failure``, if it ends the run.

        """
        if index not in self.failures:
            self.failures[index] = failure
        if is_fatal(failure) or self.config.error_strategy == "stop":
            raise failure

    def catch_up(self) -> None:
        """Enter the results that the lean driver leaves in the slots, as far as they are not entered yet."""
        done, entered = self.record.done, self._entered
        if self.record.closed or done == entered:
            return
        self._entered = done
        plan, results = self.plan, self.context.results
        if entered == 0 and done == len(plan.steps) > 1:
            results.update(zip(plan.names, plan.outs(self.slots), strict=True))
            return
        for step in plan.steps[entered:done]:
            results[step.name] = self.slots[step.out]


def is_fatal(failure: BaseException) -> bool:
    """Tell whether a failure of a step ends the run, whatever its error strategy."""
    return not isinstance(failure, Exception) or isinstance(failure, RunTimeoutError)


def stopped() -> BaseException:
    """Make what ends a run that was interrupted from outside: no policy answers it, nothing tries again."""
    from asyncio import CancelledError

    return CancelledError("the run around was interrupted")
