"""What a function returns to steer a workflow: conditions, selections, state transitions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from .node import Node

    V_co = TypeVar("V_co", covariant=True, default=Any)  # without brackets the value is not checked
    R = TypeVar("R")
else:
    from typing import TypeVar

    V_co = TypeVar("V_co", covariant=True)


def name_of(node: str | Node[..., Any]) -> str:
    """Give the name of a node that is given by name or as itself."""
    return node if isinstance(node, str) else node.name


class Unset(Enum):
    """The type of ``UNSET``."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        """Render the marker by its name."""
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Marks a value that was not given, where ``None`` is a value of its own."""


@dataclass
class ConditionalReturn(Generic[V_co]):
    """Choose the true or the false branch and pass on ``value`` (by default what the node was given).

    ``true_branch`` and ``false_branch`` name nodes (or are nodes) and override the wiring.
    """

    condition: bool
    value: V_co | Unset = UNSET
    true_branch: str | Node[..., Any] | None = None
    false_branch: str | Node[..., Any] | None = None


@dataclass
class SelectReturn(Generic[V_co]):
    """Choose one branch by name (``None``: no branch) and pass on ``value`` (by default what the node was given)."""

    value: V_co | Unset = UNSET
    branch: str | Node[..., Any] | None = None


@dataclass(init=False)
class FSMReturn(Generic[V_co]):
    """Go to ``next_state`` with ``value``, or stop after this cycle.

    ``stop`` is a synonym of ``stop_condition``.
    """

    next_state: str | Node[..., Any] | None
    value: V_co | None
    stop_condition: bool
    continue_execution: bool

    def __init__(
        self,
        next_state: str | Node[..., Any] | None = None,
        value: V_co | None = None,
        stop_condition: bool = False,
        continue_execution: bool = True,
        *,
        stop: bool = False,
    ) -> None:
        self.next_state = next_state
        self.value = value
        self.stop_condition = stop_condition or stop
        self.continue_execution = continue_execution


if TYPE_CHECKING:
    Steering = ConditionalReturn[R] | SelectReturn[R] | FSMReturn[R]
    """What a state may return to choose the one that follows."""
