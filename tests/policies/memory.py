"""A machine whose memory is what a test says, and nodes that need some of it."""

from __future__ import annotations

import asyncio
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from fastdag_typed import Node
from fastdag_typed.policies.resources import Memory, ResourceManager

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATIENCE = 20  # seconds that nothing here ever takes


class Machine:
    """A machine whose memory is what a test says."""

    def __init__(self, free: float = 1e6) -> None:
        self.free = free
        self.now = 50.0
        self.most = 60.0

    def available(self) -> float:
        return self.free

    def used(self, workers: Sequence[int] = ()) -> dict[int, tuple[float, float]]:
        return {0: (self.now, self.most)}


def node(name: str, *megabytes: float) -> Node[..., Any]:
    return Node(lambda: name, name, policies=[Memory(mb) for mb in megabytes])


def manager(limit: int | None = 100, free: float = 1e6, **options: Any) -> ResourceManager:
    return ResourceManager(limit, gauge=Machine(free), **options)


def until(holds: Callable[[], bool]) -> None:
    patience = monotonic() + 60
    while not holds():
        assert monotonic() < patience
        sleep(0)


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)
