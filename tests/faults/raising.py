"""Functions with faults that can be called in other processes, where they are found by name."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

ERRORS: dict[str, Any] = {
    "ValueError": ValueError("wrong"),
    "StopIteration": StopIteration(7),
    "StopAsyncIteration": StopAsyncIteration(),
    "ExceptionGroup": ExceptionGroup("several", [ValueError("one"), KeyError("two")]),
    "MemoryError": MemoryError(),
    "RecursionError": None,
    "KeyboardInterrupt": KeyboardInterrupt("now"),
    "SystemExit": SystemExit(3),
    "GeneratorExit": GeneratorExit(),
    "CancelledError": asyncio.CancelledError(),
}


def good() -> int:
    return 1


def bad(x: int, name: str) -> int:
    error = ERRORS[name]
    if error is None:
        return bad(x, name) + 1
    raise error


def never(x: int) -> int:
    return x


def waits(x: int, begun: str) -> int:
    """Write to the pipe that it has begun, and wait for ever."""
    with Path(begun).open("w") as pipe:
        pipe.write("begun")
    time.sleep(1000)
    return x


async def waits_later(x: int, begun: str) -> int:
    """Do the same; an event loop that waits for a process can do other things if the function is async."""
    return waits(x, begun)
