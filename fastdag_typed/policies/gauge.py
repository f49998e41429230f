"""How much memory there is, and how much processes have."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psutil import Process

_MEBIBYTE: Final = 2**20
_PEAK: Final = re.compile(rb"^VmHWM:\s*(\d+) kB", re.MULTILINE)

Usage = dict[int, tuple[float, float]]
"""By the number of a process: the mebibytes that it has now, and the most that it ever had."""


class Gauge(Protocol):
    """Tells how much memory there is."""

    def available(self) -> float:
        """Tell how many mebibytes the machine can give without swapping."""
        ...

    def used(self, workers: Sequence[int]) -> Usage:
        """Tell how much this process has, and those of its workers."""
        ...


class ProcessGauge:
    """Asks the operating system, by psutil: what counts is resident memory."""

    def __init__(self) -> None:
        self._processes: dict[int, Process] = {}

    def available(self) -> float:
        """Tell how many mebibytes the machine can give without swapping."""
        import psutil

        return psutil.virtual_memory().available / _MEBIBYTE

    def used(self, workers: Sequence[int] = ()) -> Usage:
        """Tell how much this process has, and those of its workers that live."""
        import psutil

        found: Usage = {}
        for number in (os.getpid(), *workers):
            with suppress(psutil.Error):
                process = self._processes.get(number) or psutil.Process(number)
                self._processes[number] = process
                now = process.memory_info()
                most = getattr(now, "peak_wset", 0) or _most(number)
                found[number] = now.rss / _MEBIBYTE, most / _MEBIBYTE
        return found


def _most(process: int) -> int:
    """Give the most bytes that a process ever had; 0 where the system does not tell."""
    with suppress(OSError):
        found = _PEAK.search(Path(f"/proc/{process}/status").read_bytes())
        return int(found[1]) * 1024 if found else 0
    return 0


def growth(before: Usage, after: Usage) -> int:
    """Tell by how many mebibytes processes grew, at the most that is known of the time between."""
    grown = 0.0
    for number, (now, most) in after.items():
        then, most_then = before.get(number, (0.0, 0.0))
        grown += max(0.0, (most if most > most_then else now) - then)
    return ceil(grown)
