"""How far a run is, on one line of the terminal."""

from __future__ import annotations

import sys
import threading
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, Final, TextIO

from ..events import NodeFailed, NodeFinished, NodeSkipped, NodeStarted, RunFinished, RunStarted

if TYPE_CHECKING:
    from ..events import Event

_INTERVAL: Final = 0.1
"""Seconds between two drawings."""
_BAR: Final = 20
"""Width of the bar in columns."""


class Progress:
    """Observes a run and shows how far it is: nodes done, those that run, and the time.

    Args:
        stream: where the line is drawn, a terminal; by default the standard error stream.
        delay: seconds that a run lasts before the line is drawn, so that a short run shows nothing.
        counted: whether the number of steps is known before; it is not for a state machine, where states return.

    The line is drawn by a thread of its own, because one long node emits no events. It is gone when the run has ended.

    """

    def __init__(self, stream: TextIO | None = None, *, delay: float = 1.0, counted: bool = True) -> None:
        self._stream = stream or sys.stderr
        self._delay = delay
        self._counted = counted
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._drawer: threading.Thread | None = None
        self._workflow = ""
        self._steps = 0
        self._done = 0
        self._running: dict[str, float] = {}
        self._began = 0.0
        self._drawn = 0

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        with self._lock:
            if isinstance(event, NodeStarted):
                self._running[event.node] = monotonic()
            elif isinstance(event, NodeFinished | NodeFailed | NodeSkipped):
                self._running.pop(event.node, None)
                self._done += 1
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, RunFinished):
            self.close()

    def close(self) -> None:
        """Remove the line; a run that has ended has done so already."""
        self._ended.set()
        if self._drawer is not None:
            self._drawer.join()
            self._drawer = None

    def _begin(self, event: RunStarted) -> None:
        self.close()
        self._workflow, self._steps, self._done = event.workflow, event.steps, 0
        self._running.clear()
        self._began = monotonic()
        self._ended = threading.Event()
        self._drawer = threading.Thread(target=self._draw, args=(self._ended,), name="fastdag-progress", daemon=True)
        self._drawer.start()

    def _draw(self, ended: threading.Event) -> None:
        wait = self._delay
        while not ended.wait(wait):
            wait = _INTERVAL
            self._put(self.line(get_terminal_size().columns - 1))
        if self._drawn:
            self._write(f"\r{' ' * self._drawn}\r")

    def _put(self, text: str) -> None:
        self._write(f"\r{text.ljust(self._drawn)}")
        self._drawn = len(text)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone, or the stream is closed: there is nobody to show it to
            self._ended.set()

    def line(self, width: int) -> str:
        """Write the line as it stands now, in at most ``width`` columns."""
        now = monotonic()
        with self._lock:
            done, running = self._done, dict(self._running)
        if self._counted and self._steps:
            full = _BAR * min(done, self._steps) // self._steps
            count = f"[{'#' * full}{'.' * (_BAR - full)}] {done}/{self._steps}"
        else:
            count = f"{done} done"
        nodes = ", ".join(f"{name} {now - start:.0f} s" for name, start in running.items())
        return f"{self._workflow} {count}, {now - self._began:.0f} s{f': {nodes}' if nodes else ''}"[:width]
