"""Looking at processes from outside."""

from __future__ import annotations

import time

import psutil


def children() -> set[int]:
    """List the processes that this one started, and those that they started."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def gone(pid: int) -> bool:
    """Wait for the end of a process; one that nobody has asked for its exit code has ended, too."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.005)
    return False
