"""Where a node runs: here, in a thread or an interpreter of this process, or in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..diagnostic import did_you_mean
from ..exceptions import PlacementError
from ..plan import CONTEXT, slot_of
from ..ports import EMPTY
from ..step import Layer, running
from ..workers import Workers
from ..workers.interpreters import are_there
from ..workers.jobs import Job, Limit, beside_the_loop, heeding_ctrl_c, in_thread
from ..workers.parcel import Parcel
from .callbacks import in_own_loop
from .on_node import OnNode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from ..plan import Plan
    from ..step import Call, Emit, Policy, Read, Step

Where = Literal["process", "thread", "interpreter", "cpu", "here"]
Go = Callable[[tuple[Any, ...], dict[str, Any], Limit, Job], Any]
"""Makes a call somewhere, and waits for it."""


def best_for_cpu(*, gil: bool, interpreters: bool) -> Literal["thread", "interpreter", "process"]:
    """Choose where work that keeps a processor busy runs beside other work, at the least cost.

    Threads do where there is no global interpreter lock; interpreters have one each, and processes, too.
    """
    if not gil:
        return "thread"
    return "interpreter" if interpreters else "process"


@dataclass(frozen=True)
class Place:
    """Say where a node's function runs; its other policies, events and the context stay here.

    Args:
        where: ``process``: a process of the runner's, which is killed if a time-out or Ctrl-C asks for it; ``thread``:
            a thread of its own; ``interpreter``: an interpreter in this process (from Python 3.14 on); ``cpu``: the
            best of these for work that keeps a processor busy; ``here``: where the run would have it anyway.
        strict: what cannot go there is refused. Else async nodes, nodes that take the context and workflows stay here.

    A function travels by its name, so it is defined with ``def`` in a module; arguments and results travel as pickles.
    A call whose process dies is made again in another one, at most three times. An async function gets an event loop
    of its own there.

    Raises:
        ValueError: there is no such place.

    """

    where: Where
    strict: bool = True

    def __post_init__(self) -> None:
        """Refuse a place that there is not."""
        known = get_args(Where)
        if self.where not in known:
            raise ValueError(f'no node runs in "{self.where}" ({did_you_mean(str(self.where), known, what="places")})')

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        return Layer.PLACE

    @property
    def chosen(self) -> Literal["process", "thread", "interpreter", "here"]:
        """Where that is on the running Python."""
        if self.where != "cpu":
            return self.where
        gil = getattr(sys, "_is_gil_enabled", None)
        return best_for_cpu(gil=gil is None or gil(), interpreters=are_there())

    def sends(self, step: Step) -> bool:
        """Tell whether the arguments of a step leave this interpreter."""
        return self.chosen in ("process", "interpreter") and (self.strict or can_leave(step))

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Have the call made there.

        Raises:
            PlacementError: the node cannot run there.

        """
        place = self.chosen
        if place == "here" or isinstance(call, Placed) or not (self.strict or can_leave(step)):
            return call
        if place == "thread":
            return placed_in_thread(step, call)
        node = step.node
        if node.signature.context is not None:
            raise _refused(
                step,
                "takes the context of the run, which stays here: what it read there would be a copy, and what it wrote "
                'would be lost (wire what it needs to a port, or give it Place("thread"))',
            )
        if place == "interpreter" and not are_there():
            raise _refused(
                step, 'cannot run in an interpreter of its own, which Python has from 3.14 on (give it Place("cpu"))'
            )
        parcel = Parcel(call, step.name, node.where, node.signature)
        if place == "process":
            return Placed(step, _in_process(parcel))
        return Placed(step, _in_interpreter(parcel, _in_process(parcel) if self.where == "cpu" else None))


def can_leave(step: Step) -> bool:
    """Tell whether a step is a plain call that needs nothing of what is here: its loop, its run, its context."""
    return not (step.is_async or step.kind == "workflow" or step.node.signature.context is not None)


def input_check(plan: Plan, policies: Iterable[Policy] = ()) -> Callable[[Sequence[Any]], None] | None:
    """Make what refuses, before a run, the values that it begins with and that cannot travel to where they are needed.

    It is called with the slots as a run begins with them, and raises a ``PlacementError`` that names node and port;
    ``None``: nothing has to travel. ``policies`` are those of the runner.
    """
    policies = tuple(policies)
    made = {CONTEXT, *(step.out for step in plan.steps), *(step.decision for step in plan.steps)}
    trips: list[tuple[Parcel, int | str, int]] = []
    for step in plan.steps:
        if not any(place.sends(step) for place in _places(step, policies)):
            continue
        parcel = Parcel(step.func, step.name, step.node.where, step.node.signature)
        arguments: list[tuple[int | str, Read]] = [*enumerate(step.args), *step.kwargs]
        trips.extend((parcel, port, slot_of(read)) for port, read in arguments if slot_of(read) not in made)
    if not trips:
        return None

    def check(slots: Sequence[Any]) -> None:
        for parcel, port, slot in trips:
            if slots[slot] is not EMPTY:
                parcel.check(port, slots[slot])

    return check


def _places(step: Step, policies: tuple[Policy, ...]) -> list[Place]:
    """Give what takes effect: what the runner says of the step goes before the step's own, and that before the rest."""
    special = [one.policy for one in policies if isinstance(one, OnNode) and one.name == step.name]
    for said in (special, step.node.policies, policies):
        found = [one for one in said if isinstance(one, Place)]
        moving = [one for one in found if one.chosen != "here" and (one.strict or can_leave(step))]
        if found:
            return moving[:1]
    return []


class Placed:
    """A call that is made elsewhere, within ``seconds`` if there is a limit."""

    __slots__ = ("_go", "_step", "seconds")

    def __init__(self, step: Step, go: Go, seconds: float | None = None) -> None:
        self._step = step
        self._go = go
        self.seconds = seconds

    def within(self, seconds: float | None) -> Placed:
        """Give the same call with a limit, if it is a shorter one."""
        limits = [limit for limit in (self.seconds, seconds) if limit is not None]
        return Placed(self._step, self._go, min(limits, default=None))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call, and wait; what awaits an async step is not kept from doing other things meanwhile."""
        if self._step.is_async:
            return beside_the_loop(lambda job: self._made(args, kwargs, job))
        job = Job()
        with heeding_ctrl_c(job):
            return self._made(args, kwargs, job)

    def _made(self, args: tuple[Any, ...], kwargs: dict[str, Any], job: Job) -> Any:
        step, scope = self._step, running.get()
        if scope is None:
            return self._go(args, kwargs, Limit(step.name, step.node.where, self.seconds), job)
        settled = scope.at_stop(job.stop)
        try:
            return self._go(args, kwargs, Limit(step.name, step.node.where, self.seconds, scope.deadline), job)
        finally:
            settled()


def placed_in_thread(step: Step, call: Call) -> Placed:
    """Have a call made in a thread of its own; an async one gets an event loop there."""

    def in_a_loop(*args: Any, **kwargs: Any) -> Any:
        return in_own_loop(call(*args, **kwargs))

    there = in_a_loop if step.is_async else call
    return Placed(step, lambda args, kwargs, limit, job: in_thread(there, args, kwargs, limit, job))


def _in_process(parcel: Parcel) -> Go:
    def go(args: tuple[Any, ...], kwargs: dict[str, Any], limit: Limit, job: Job) -> Any:
        with _hired() as workers:
            return workers.carry_out(parcel, args, kwargs, limit, job)

    return go


def _in_interpreter(parcel: Parcel, instead: Go | None) -> Go:
    """Make calls in interpreters; in ``instead`` from when a module that is needed cannot be imported there."""
    refused = False

    def go(args: tuple[Any, ...], kwargs: dict[str, Any], limit: Limit, job: Job) -> Any:
        nonlocal refused
        if instead is None or not refused:
            try:
                with _hired() as workers:
                    return workers.interpreters.carry_out(parcel, args, kwargs, limit, job)
            except PlacementError as error:
                if instead is None or not isinstance(error.__cause__, ImportError):
                    raise
                refused = True
        return instead(args, kwargs, limit, job)

    return go


@contextmanager
def _hired() -> Generator[Workers]:
    """Give the workers of the run; outside of any run there are some for one call only."""
    scope = running.get()
    if scope is not None:
        yield scope.workers
        return
    with Workers(1) as workers:
        yield workers


def _refused(step: Step, message: str) -> PlacementError:
    where = step.node.where
    place = f" ({where})" if where else ""
    return PlacementError(f'Node "{step.name}"{place} {message}', node_name=step.name, where=where)
