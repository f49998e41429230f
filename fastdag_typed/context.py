"""What user code sees of a run: results, metadata, and how each node ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .returns import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .node import Node

R = TypeVar("R")
Status = Literal["pending", "running", "done", "failed", "skipped"]


@dataclass
class NodeExecution:
    """How one node ran: ``start`` (seconds since the run began) and ``duration`` in seconds.

    ``order`` counts from 0; nodes that a parallel run could start together share it.
    """

    order: int
    status: Status
    start: float = 0.0
    duration: float = 0.0
    attempts: int = 0
    branch: bool | str | None = None


@dataclass
class Context:
    """Results, metadata and execution information of one run; a node asks for it with a ``context`` parameter."""

    results: dict[str, Any] = field(default_factory=dict[str, Any])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    execution_info: Mapping[str, NodeExecution] = field(default_factory=dict[str, NodeExecution])

    @overload
    def get_result(self, node_name: Node[..., R]) -> R | None: ...
    @overload
    def get_result(self, node_name: str) -> Any: ...
    def get_result(self, node_name: str | Node[..., Any]) -> Any:
        """Get the result of a node, ``None`` if it has none."""
        return self.results.get(name_of(node_name))

    def set_result(self, node_name: str, value: Any) -> None:
        """Set the result of a node."""
        self.results[node_name] = value


@dataclass
class FSMContext(Context):
    """Context of a state machine: also the states entered, and the result of each cycle."""

    current_state: str | None = None
    state_history: list[str] = field(default_factory=list[str])
    cycle_count: int = 0
    cycle_results: dict[str, list[tuple[int, Any]]] = field(default_factory=dict[str, list[tuple[int, Any]]])

    def restart(self) -> None:
        """Begin to count cycles anew, as each run does; results and metadata stay."""
        self.current_state = None
        self.state_history = []
        self.cycle_count = 0
        self.cycle_results = {}

    @overload
    def get_result(self, node_name: Node[..., R]) -> R | None: ...
    @overload
    def get_result(self, node_name: str) -> Any: ...
    def get_result(self, node_name: str | Node[..., Any]) -> Any:
        """Get the latest result of a state; ``"state.8"`` is its result as of cycle 8; ``None`` if it has none."""
        name = name_of(node_name)
        if name in self.results:
            return self.results[name]
        state, _, cycle = name.rpartition(".")
        if not state or not cycle.isdecimal():
            return None
        limit = int(cycle)
        return next(
            (value for at, value in reversed(self.cycle_results.get(state, ())) if at <= limit),
            None,
        )
