"""transitions: https://github.com/pytransitions/transitions, a model with a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transitions import Machine

if TYPE_CHECKING:
    from collections.abc import Callable

graph = parallel = "no graphs of calls"


class Counter:
    """The model: it counts when a state is left; the machine puts the trigger into it."""

    step: Callable[[], bool]

    def __init__(self) -> None:
        self.count = 0

    def on_exit_tick(self) -> None:
        """Count."""
        self.count += 1

    def on_exit_tock(self) -> None:
        """Count."""
        self.count += 1


def machine(limit: int) -> Callable[[], int]:
    """Pull the trigger so often."""

    def run() -> int:
        model = Counter()
        states = Machine(model, states=["tick", "tock"], initial="tick")
        states.add_transition("step", "tick", "tock")
        states.add_transition("step", "tock", "tick")
        while model.count < limit:
            model.step()
        return model.count

    return run
