"""Values that come to a node are held against the types of its ports, where the types of functions prove too little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from ..checks import checker, doubts, fed, may_give_nothing
from ..checks.violations import of_edge, of_result
from ..context import FSMContext
from ..returns import UNSET, ConditionalReturn, FSMReturn, SelectReturn
from ..step import Layer, running

if TYPE_CHECKING:
    from ..checks import Argument, Checker
    from ..diagnostic import Location
    from ..plan import Plan
    from ..step import Call, Emit, Step


def needed(plan: Plan) -> bool:
    """Tell whether ``Validate("boundary", plan)`` has anything to do."""
    return bool(doubts(plan))


class Validate:
    """Checks the arguments of calls: ``boundary`` those that are doubtful, ``all`` those of every edge, and results.

    A violation is a failure of the node that the value came to, which is not called, or of the node that returned it.
    A node of which nothing is doubtful is called as it is.
    """

    def __init__(self, mode: Literal["boundary", "all"], plan: Plan) -> None:
        self._all = mode == "all"
        self._plan = plan

    @property
    def layer(self) -> Layer:
        """Outside of retries: what is wrong with a value stays wrong."""
        return Layer.VALIDATE

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Put the checks of a step's arguments before its call, and that of its result after it, if there are any."""
        arguments = fed(self._plan, step) if self._all else doubts(self._plan).get(step.index, ())
        rows = [(argument.key, checker(argument.port.type), argument) for argument in arguments]
        rows = [row for row in rows if not row[1].idle]
        result = checker(step.node.signature.returns) if self._all else None
        if result is not None and not result.idle:
            call = _returning(step, call, result)
        return self._taking(step, call, rows) if rows else call

    def _taking(self, step: Step, call: Call, rows: list[tuple[int | str, Checker, Argument]]) -> Call:
        joins = step.kind == "any"

        def look(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            for key, check, argument in rows:
                value = args[key] if isinstance(key, int) else kwargs[key]
                if type(value) in check.passes or (joins and value is None):  # None: it did not arrive
                    continue
                found = check.find(value)
                if found is not None:
                    raise of_edge(step.node, argument.port, value, found, *self._origin(argument))

        def checked(*args: Any, **kwargs: Any) -> Any:
            look(args, kwargs)
            return call(*args, **kwargs)

        async def checked_later(*args: Any, **kwargs: Any) -> Any:
            look(args, kwargs)
            return await call(*args, **kwargs)

        return checked_later if step.is_async else checked

    def _origin(self, argument: Argument) -> tuple[str | None, Location | None]:
        """Say which node gave a value, and where it is: in a state machine the state before, if the run tells."""
        if argument.edge is not None:
            return argument.edge.source.name, argument.edge.source.where
        scope, machine = running.get(), self._plan.machine
        if machine is None or scope is None or not isinstance(scope.context, FSMContext):
            return None, None
        states = self._plan.steps
        before = scope.context.state_history[-2:-1]
        source = next((step for step in states if step.name in before), states[machine.initial]).node
        return source.name, source.where


def _returning(step: Step, call: Call, check: Checker) -> Call:
    node, optional = step.node, may_give_nothing(step.node)

    def look(raw: Any) -> Any:
        value = raw.value if isinstance(raw, _STEERING) else raw
        if type(value) in check.passes or ((optional or raw is not value) and (value is UNSET or value is None)):
            return raw
        found = check.find(value)
        if found is not None:
            raise of_result(node, node.signature.returns, value, found)
        return raw

    def checked(*args: Any, **kwargs: Any) -> Any:
        return look(call(*args, **kwargs))

    async def checked_later(*args: Any, **kwargs: Any) -> Any:
        return look(await call(*args, **kwargs))

    return checked_later if step.is_async else checked


_STEERING: Final = (ConditionalReturn, FSMReturn, SelectReturn)
"""What carries a value, or none."""
