"""What user code sees of a run: results, metadata, and how each node ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast, overload
from weakref import ref

from .diagnostic import did_you_mean
from .returns import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .node import Node
    from .step import Scope

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


class Results(dict[str, Any]):
    """Results by the names of their nodes; a node may be given in the place of its name."""

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Node[..., R], /) -> R: ...
        @overload
        def __getitem__(self, key: str, /) -> Any: ...
        def __getitem__(self, key: Any, /) -> Any: ...

    def __missing__(self, key: Any) -> Any:
        """Get the result of a node that is given as itself; what is there by name is found before this is asked.

        Raises:
            KeyError: there is none.

        """
        name = getattr(key, "name", key)
        if name is not key and name in self:
            return self[name]
        raise KeyError(f'There is no result "{name}" ({did_you_mean(str(name), self, what="results")})')

    def copy(self) -> Results:
        """Make a shallow copy."""
        return Results(self)


def _no_scope() -> None:
    """Stand in for the run around, where there is none."""


@dataclass(init=False)
class Context:
    """Results, metadata and execution information of one run; a node asks for it with a ``context`` parameter.

    What is copied or pickled of it stands alone, without ``parent``.
    """

    isolated: ClassVar[bool] = False
    """Whether each node of a run has its own copy of every value."""

    results: Results = field(default_factory=Results)
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    execution_info: Mapping[str, NodeExecution] = field(default_factory=dict[str, NodeExecution])

    def __init__(
        self,
        results: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        execution_info: Mapping[str, NodeExecution] | None = None,
    ) -> None:
        self.results = results if isinstance(results, Results) else Results(results or {})
        self.metadata = {} if metadata is None else metadata
        self.execution_info = {} if execution_info is None else execution_info

    # Not a field: it belongs to the run, not to what the run leaves behind.
    _outer = cast("tuple[Context, Callable[[], Scope | None]] | None", None)

    @property
    def parent(self) -> Context | None:
        """Context of the run in which the run of this one was started, with the results so far; else ``None``."""
        if self._outer is None:
            return None
        context, running = self._outer
        scope = running()
        if scope is not None:
            scope.catch_up()
        return context

    def nested_in(self, scope: Scope | None) -> None:
        """Note the run in which the run of this context is started; it is not kept alive, only its context is."""
        if scope is None:
            self._outer = None
        elif scope.context is not self:  # else a node has handed its own context on
            self._outer = scope.context, ref(scope)

    def within(self, context: Context) -> None:
        """Note the context around that of compiled code, which enters each result at once."""
        self._outer = context, _no_scope

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the run around."""
        return {name: value for name, value in self.__dict__.items() if name != "_outer"}

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


@dataclass(init=False)
class FSMContext(Context):
    """Context of a state machine: also the states entered, and the result of each cycle."""

    # Written in each cycle: on 3.13 that takes 20 ns more for a name that the class has, too, so it has none.
    current_state: str | None = field(default_factory=lambda: None)
    state_history: list[str] = field(default_factory=list[str])
    cycle_count: int = field(default_factory=int)
    cycle_results: dict[str, list[tuple[int, Any]]] = field(default_factory=dict[str, list[tuple[int, Any]]])

    def __init__(
        self,
        results: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        execution_info: Mapping[str, NodeExecution] | None = None,
        current_state: str | None = None,
        state_history: list[str] | None = None,
        cycle_count: int = 0,
        cycle_results: dict[str, list[tuple[int, Any]]] | None = None,
    ) -> None:
        super().__init__(results, metadata, execution_info)
        self.current_state = current_state
        self.state_history = [] if state_history is None else state_history
        self.cycle_count = cycle_count
        self.cycle_results = {} if cycle_results is None else cycle_results

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
        return self._as_of(int(cycle), state) if state and cycle.isdecimal() else None

    def _as_of(self, cycle: int, state: str) -> Any:
        return next((value for at, value in reversed(self.cycle_results.get(state, ())) if at <= cycle), None)
