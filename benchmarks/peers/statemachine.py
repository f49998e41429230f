"""python-statemachine: https://python-statemachine.readthedocs.io, a chart whose event goes from state to state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachine import State, StateChart

if TYPE_CHECKING:
    from collections.abc import Callable

graph = parallel = "no graphs of calls"


class Counting(StateChart):
    """Two states that count when they are left."""

    tick = State(initial=True)
    tock = State()
    step = tick.to(tock) | tock.to(tick)
    count = 0

    def on_exit_tick(self) -> None:
        """Count."""
        self.count += 1

    def on_exit_tock(self) -> None:
        """Count."""
        self.count += 1


def machine(limit: int) -> Callable[[], int]:
    """Send the event so often."""

    def run() -> int:
        chart = Counting()
        while chart.count < limit:
            chart.step()
        return chart.count

    return run
