"""A node that is executed by itself, outside of any workflow, with its policies around it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ..plan import Plan, Returns
from ..step import Layer, Step, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from ..context import Context
    from ..events import Event
    from ..node import Node
    from ..step import Call, Scope
    from ..workers import Workers


class _Visit(NamedTuple):
    """One execution: its context, the run that it is a part of, and what is to be done if it is interrupted."""

    context: Context
    outer: Scope | None
    stops: dict[object, Callable[[], object]]


class Alone:
    """The ``Scope`` of a node that is executed by itself: what belongs to a run lasts until ``end`` here.

    Sync functions are called in the thread of the event loop, as if they were async: what waits around them (for a
    retry, for an async hook) does not stop the loop.
    """

    def __init__(self, node: Node[..., Any]) -> None:
        self.node = node
        self.step = _step(node)
        self.plan = _plan(self.step)
        self._ends: list[Callable[[], Awaitable[object] | None]] = []
        self._workers: Workers | None = None

    @property
    def context(self) -> Context:
        """The context of the present execution."""
        return _visit.get().context

    @property
    def deadline(self) -> float | None:
        """When the run around has to have ended."""
        outer = _visit.get().outer
        return None if outer is None else outer.deadline

    @property
    def workers(self) -> Workers:
        """The processes of the run around; without one, a process of its own."""
        outer = _visit.get().outer
        if outer is not None:
            return outer.workers
        if self._workers is None:
            from ..workers import Workers

            self._workers = Workers(1)
        return self._workers

    def emit(self, event: Event) -> None:
        """Tell nobody: only runs have observers."""

    def catch_up(self) -> None:
        """Do nothing: there are no other results."""

    def at_end(self, action: Callable[[], Awaitable[object] | None]) -> None:
        """Have something done at the end."""
        self._ends.append(action)

    def at_stop(self, action: Callable[[], object], *, begun: bool = True) -> Callable[[], None]:
        """Have something done if an execution, or the run around, is interrupted."""
        _, outer, stops = _visit.get()
        if outer is not None:
            return outer.at_stop(action, begun=begun)
        key = object()
        stops[key] = action

        def settled() -> None:
            stops.pop(key, None)

        return settled

    @contextmanager
    def present(self, context: Context) -> Generator[None]:
        """Make this the run that goes on."""
        visit = _visit.set(_Visit(context, running.get(), {}))
        token = running.set(cast("Scope", self))  # nobody sets its context and deadline
        try:
            yield
        finally:
            running.reset(token)
            _visit.reset(visit)

    async def execute(self, context: Context, inputs: dict[str, Any]) -> Any:
        """Call the node with its policies around it."""
        name = self.node.signature.context
        with self.present(context):
            call = self._call()
            try:
                return await call(**inputs) if name is None else await call(**{**inputs, name: context})
            except BaseException as error:
                if not isinstance(error, Exception):
                    for stop in list(_visit.get().stops.values()):
                        stop()
                raise

    def _call(self) -> Call:
        """Put the policies around the function: an async call, but sync inside for what may run in another place."""
        step, call = self.step._replace(is_async=self.node.signature.is_async), self.step.func
        for policy in sorted(self.node.policies, key=lambda policy: policy.layer):
            if policy.layer >= Layer.ADMIT and not step.is_async:
                step, call = self.step, _awaited(call)
            call = policy.wrap(step, call, self.emit)
        return call if step.is_async else _awaited(call)

    async def end(self, context: Context) -> list[Exception]:
        """Do what policies left for the end; give what went wrong there, which is logged."""
        errors: list[Exception] = []
        with self.present(context):
            while self._ends:
                try:
                    coming = self._ends.pop()()
                    if isawaitable(coming):
                        await coming
                except Exception as error:
                    errors.append(error)
                    from logging import getLogger

                    getLogger("fastdag_typed").exception('At the end of node "%s"', self.node.name)
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.close()
        return errors


_visit: Final[ContextVar[_Visit]] = ContextVar("fastdag_visit")


def _awaited(call: Call) -> Call:
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return awaited


def _step(node: Node[..., Any]) -> Step:
    return Step(
        index=0,
        name=node.name,
        func=node.func,
        args=(),
        kwargs=(),
        out=1,
        waits=(),
        guards=(),
        kind=node.node_type,
        is_async=True,
        decision=-1,
        node=node,
    )


def _plan(step: Step) -> Plan:
    uses_context = step.node.signature.context is not None
    return Plan(
        name=step.name,
        kind="DAG",
        steps=(step,),
        template=(None, None),
        inputs=(),
        returns=Returns("one", (("", step.out),)),
        metadata={},
        guarded=False,
        is_async=True,
        uses_context=uses_context,
    )
