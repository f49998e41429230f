"""Handing the facts of a run to who observes it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..events import NodeRetried

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..events import Event
    from ..step import Observer
    from .metrics import Record


class Emitter:
    """Gives each event to each observer.

    One that raises is switched off for the run and logged; the error of a ``required`` one fails the run, once all
    have seen the event.
    """

    __slots__ = ("_observers", "_record", "failure")

    def __init__(self, observers: Iterable[Observer], record: Record) -> None:
        self._observers = list(observers)
        self._record = record
        self.failure: Exception | None = None
        """The first error of a required observer: a policy may have swallowed it."""

    @property
    def observed(self) -> bool:
        """Whether anybody is told."""
        return bool(self._observers)

    def __call__(self, event: Event) -> None:
        """Hand on one event."""
        if isinstance(event, NodeRetried):
            attempts = self._record.attempts
            attempts[event.node] = attempts.get(event.node, 0) + 1
        failure: Exception | None = None
        for observer in tuple(self._observers):
            try:
                observer(event)
            except Exception as error:
                if getattr(observer, "required", False):
                    failure = failure or error
                    continue
                with suppress(ValueError):  # another thread was faster
                    self._observers.remove(observer)
                from logging import getLogger

                getLogger("fastdag_typed").exception(
                    "Observer %r failed on %r and is switched off for the rest of the run", observer, event
                )
        if failure is not None:
            self.failure = self.failure or failure
            raise failure
