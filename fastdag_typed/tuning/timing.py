"""Taking times."""

from __future__ import annotations

import gc
from inspect import isawaitable
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


async def times_of(*works: Callable[[], Any], rounds: int) -> list[list[float]]:
    """Take the seconds of each work in each round, in turn, after a round that does not count.

    A work is sync, or gives what is awaited. The garbage collector rests meanwhile, as in ``timeit``, so that none pays
    for what others left.
    """
    found: list[list[float]] = [[] for _ in works]
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds + 1):
            for work, times in zip(works, found, strict=True):
                began = perf_counter()
                coming = work()
                if isawaitable(coming):
                    await coming
                took = perf_counter() - began
                if number:
                    times.append(took)
    finally:
        if was_on:
            gc.enable()
    return found


async def best_of(*works: Callable[[], Any], rounds: int) -> list[float]:
    """Take the seconds of the best round of each work."""
    return list(map(min, await times_of(*works, rounds=rounds)))
