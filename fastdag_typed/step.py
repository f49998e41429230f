"""One call and its wiring in slots, and what may be put around it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from .ports import Take

if TYPE_CHECKING:
    from .events import Event
    from .node import Node

Kind = Literal["standard", "condition", "select", "any", "all", "fsm_state", "workflow"]
Call = Callable[..., Any]


Read = int | Take
"""A whole slot, or a field of what is in it."""


class Guard(NamedTuple):
    """The edge that brings argument ``read`` (``None``: an edge without data) arrives only if a branch is taken.

    ``decision`` is the slot of the ``Decision``, ``branch`` the branch the edge belongs to (``None``: plain ``>>``),
    ``by_name`` whether a plain edge is the branch called like its target (so it is for selections).
    """

    decision: int
    branch: bool | str | None
    target: str
    read: int | None
    by_name: bool


class Decision(NamedTuple):
    """What a condition or selection decided: the branch, and the names of the targets it called for and against."""

    branch: bool | str | None
    chosen: str | None
    rejected: str | None

    def takes(self, guard: Guard) -> bool:
        """Tell whether the guarded edge is on the branch taken."""
        if self.chosen is not None and guard.target == self.chosen:
            return True
        if self.rejected is not None and guard.target == self.rejected:
            return False
        if guard.branch is not None:
            return self.chosen is None and guard.branch == self.branch
        return not guard.by_name or guard.target == self.branch


class Step(NamedTuple):
    """One call: read ``args`` and ``kwargs`` from slots, call ``func``, write slot ``out``.

    ``waits`` are the steps it waits for (transitively reduced); ``args`` are never reduced.
    """

    index: int  # type: ignore[assignment]  # shadows tuple.index, of no use here
    name: str
    func: Call
    args: tuple[Read, ...]
    kwargs: tuple[tuple[str, Read], ...]
    out: int
    waits: tuple[int, ...]
    guards: tuple[Guard, ...]
    kind: Kind
    is_async: bool
    decision: int
    node: Node[..., Any]


class Skipped(Enum):
    """The type of ``SKIPPED``."""

    SKIPPED = "SKIPPED"


SKIPPED: Final = Skipped.SKIPPED
"""Stands in the slot of a step that was not run because its branch was not taken."""


Emit = Callable[["Event"], None]
Observer = Callable[["Event"], None]
"""Reads facts about a run and cannot change it; if it is ``required`` (an attribute), its failure fails the run."""


class Layer(IntEnum):
    """The one order in which policies nest, inner to outer."""

    PLACE = 1
    TIMEOUT = 2
    RETRY = 3
    BREAKER = 4
    VALIDATE = 5
    CACHE = 6
    FALLBACK = 7
    HOOK = 8
    OBSERVE = 9


class Policy(Protocol):
    """Changes what a call does."""

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        ...

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        """Wrap the call of a step, once, at bind time; return ``call`` itself where the policy does not apply.

        For an async step ``call`` returns an awaitable, and so must what is returned.
        """
        ...
