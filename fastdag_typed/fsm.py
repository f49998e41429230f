"""Finite state machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, TypeVar, overload

from .context import Context, FSMContext
from .node import State
from .workflow import InputsT_contra, N, NodesT_co, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from .returns import Steering
    from .signatures import StateDecorator
    from .step import Policy

P = ParamSpec("P")
R = TypeVar("R")


class FSM(Workflow[NodesT_co, InputsT_contra]):
    """A workflow that is in one state at a time; each state says which one follows.

    Args:
        max_cycles: where a run stops that does not stop itself.
        on_max_cycles: ``"stop"`` stops there with a warning in the log, ``"raise"`` raises.
        open: other modules add states: the mypy plugin then does not take an unknown name for an error.

    """

    kind: ClassVar[Literal["DAG", "FSM"]] = "FSM"

    def __init__(
        self,
        name: str = "fsm",
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        max_cycles: int = 1000,
        on_max_cycles: Literal["stop", "raise"] = "stop",
        open: bool = False,  # noqa: A002 - as for every workflow
    ) -> None:
        super().__init__(name, description, metadata, open=open)
        self.max_cycles = max_cycles
        self.on_max_cycles = on_max_cycles
        self.context: Context = FSMContext()

    @overload
    def state(self, func: Callable[P, Steering[R] | Coroutine[Any, Any, Steering[R]]], /) -> State[P, R]: ...
    @overload
    def state(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> State[P, R]: ...
    @overload
    def state(self, func: Callable[P, R], /) -> State[P, R]: ...
    @overload
    def state(
        self,
        name: str | None = None,
        is_initial: bool = False,
        is_final: bool = False,
        *,
        initial: bool = False,
        terminal: bool = False,
        description: str | None = None,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> StateDecorator: ...
    def state(self, name: Any = None, *args: Any, **options: Any) -> Any:
        """Make a state of the decorated function, which returns an ``FSMReturn`` or a value.

        After a plain value the one transition wired with ``>>`` is taken; without one the run ends. ``initial`` and
        ``terminal`` are synonyms of ``is_initial`` and ``is_final``.
        """
        options.update(zip(("is_initial", "is_final"), args, strict=False))
        options["is_initial"] = options.pop("initial", False) or options.get("is_initial", False)
        options["is_final"] = options.pop("terminal", False) or options.get("is_final", False)
        return self._decorate(State, name, options)

    def add_node(self, node: N) -> N:
        """Add a state; an initial one is where a run begins."""
        super().add_node(node)
        if node.node_type == "standard":
            node.node_type = "fsm_state"
        if isinstance(node, State) and node.is_initial:
            self.entrypoints.append(node.name)
        return node

    def _is_result_name(self, name: str) -> bool:
        state, _, cycle = name.rpartition(".")
        return super()._is_result_name(name) or (cycle.isdecimal() and state in self.nodes)

    @property
    def max_cycles(self) -> int:
        """Where a run stops that does not stop itself."""
        return self._max_cycles

    @max_cycles.setter
    def max_cycles(self, cycles: int) -> None:
        if not isinstance(cycles, int) or cycles < 1:
            raise ValueError(f"max_cycles is a whole number of at least 1, not {cycles!r}")
        self._max_cycles = cycles
        self.changed()

    @property
    def on_max_cycles(self) -> Literal["stop", "raise"]:
        """Whether a run that reaches ``max_cycles`` stops there or raises."""
        return self._on_max_cycles

    @on_max_cycles.setter
    def on_max_cycles(self, reaction: Literal["stop", "raise"]) -> None:
        if reaction not in ("stop", "raise"):
            raise ValueError(f'on_max_cycles is "stop" or "raise", not {reaction!r}')
        self._on_max_cycles: Literal["stop", "raise"] = reaction
        self.changed()

    @property
    def current_state(self) -> str | None:
        """State that the last finished run ended in."""
        return _of(self.context).current_state

    @property
    def state_history(self) -> list[str]:
        """State entered after each cycle of the last finished run, ``"END"`` at its end."""
        return _of(self.context).state_history

    @property
    def cycle_count(self) -> int:
        """Number of cycles of the last finished run."""
        return _of(self.context).cycle_count


def _of(context: Context) -> FSMContext:
    return context if isinstance(context, FSMContext) else FSMContext()
