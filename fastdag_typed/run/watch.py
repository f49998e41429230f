"""What an instrumented compiled module tells of its nodes while it runs."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from ..events import NodeFailed, NodeFinished, NodeSkipped, NodeStarted

if TYPE_CHECKING:
    from .run import Run


class Watch:
    """Is told of each node when it begins and ends; this one, of a module that is called by itself, notes nothing."""

    __slots__ = ()

    def begin(self, step: int) -> None:
        """Note that a step begins."""

    def done(self, step: int, value: Any) -> None:
        """Note that a step has ended with a value."""

    def skip(self, step: int) -> None:
        """Note that a step is left out."""


UNWATCHED: Final = Watch()


class Watching(Watch):
    """Takes the times of the nodes of a run, and tells its observers."""

    __slots__ = ("_began", "_names", "_observed", "_run")

    def __init__(self, run: Run, *, observed: bool) -> None:
        self._run = run
        self._names = run.plan.names
        self._observed = observed
        self._began: dict[int, float] = {}

    def begin(self, step: int) -> None:
        """Note that a step begins."""
        if self._observed:
            self._run.emit(NodeStarted(self._names[step]))
        self._began[step] = perf_counter()

    def done(self, step: int, value: Any) -> None:
        """Note that a step has ended with a value."""
        end = perf_counter()
        self._run.record.rows.append((self._began[step], step, end))
        if self._observed:
            self._run.emit(NodeFinished(self._names[step], value, end - self._began[step]))

    def skip(self, step: int) -> None:
        """Note that a step is left out."""
        if self._observed:
            self._run.emit(NodeSkipped(self._names[step]))

    def failed(self, step: int, error: BaseException) -> None:
        """Note that a step has failed."""
        end = perf_counter()
        self._run.record.rows.append((self._began[step], step, end))
        if self._observed:
            self._run.emit(NodeFailed(self._names[step], error, end - self._began[step]))
