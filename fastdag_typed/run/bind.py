"""From steps to calls: what is decided once, before a run, so that nothing is decided during it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from operator import itemgetter
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..diagnostic import did_you_mean
from ..events import NodeFailed, NodeFinished, NodeSkipped, NodeStarted
from ..exceptions import BranchError
from ..plan import CONTEXT, reads, slot_of
from ..policies.on_node import OnNode
from ..ports import Take
from ..returns import UNSET, ConditionalReturn, SelectReturn, name_of
from ..step import (
    LOST,
    SKIPPED,
    Call,
    Decision,
    Guard,
    Kind,
    Layer,
    Policy,
    Read,
    Rescue,
    Step,
    drive,
    running,
)

if TYPE_CHECKING:
    from ..events import Event
    from ..node import Node
    from ..plan import Plan

Slots = list[Any]
Invoke = Callable[[Slots], Any]


Bound = tuple[Invoke, int, str, bool, bool]
"""A step ready to run: ``(invoke, out, name, awaits, skips)``; as a bare tuple, which is taken apart fastest.

``invoke(slots)`` gives its value (an awaitable if ``awaits``), or ``SKIPPED`` if it ``skips``: from any other step that
is a value as any.
"""
Lean = tuple[Call, int, int, int]
"""``(call, a, b, out)``: ``call`` takes what is in slots ``a`` and ``b``, of ``a`` if ``b`` is -1, all if both are."""

_ONE: Final = frozenset((Layer.PLACE, Layer.TIMEOUT, Layer.RETRY, Layer.BREAKER, Layer.CACHE))
"""Layers of which a node has one policy: its own goes before the runner's."""


class Program(NamedTuple):
    """What drivers carry out: made once of a plan and policies, kept for many runs.

    ``lean`` is there where no step is left out, waits for a loop or sees the context, and for state machines.
    ``rescues`` are the calls that have something to do after a failure, by step: what is bound are the bare ones in
    them. ``check`` refuses values that a run cannot begin with.
    """

    steps: tuple[Bound, ...]
    lean: tuple[Lean, ...]
    rescues: dict[int, Rescue]
    graph: Graph
    check: Callable[[Slots], None] | None = None


def bind(
    plan: Plan,
    policies: Sequence[Policy] = (),
    *,
    observed: bool = False,
    lossy: bool = False,
    ignored: Collection[Layer] = (),
) -> Program:
    """Compose the call of every step: bare function, policies from the inner layer out, events, reading, branches.

    ``observed`` says whether there are observers, ``lossy`` whether the run goes on without the value of a failed step,
    ``ignored`` which layers are left out.
    """
    graph = Graph(plan, lossy=lossy)
    rescues: dict[int, Rescue] = {}
    steps: list[Bound] = []
    lean: list[Lean] = []
    is_lean = plan.machine is not None or not (plan.guarded or lossy or plan.is_async or plan.uses_context)
    for step in plan.steps:
        call = wrapped(step, policies, observed=observed, ignored=ignored)
        if isinstance(call, Rescue) and step.decision < 0:
            rescues[step.index] = call
            while isinstance(call, Rescue):
                call = call.call
        skips = step.out in graph.skippable
        invoke = _invoke(step, call, graph)
        if is_lean:
            lean.append(_lean(step, call, invoke))
        steps.append(
            (_telling_skips(step, invoke) if observed and skips else invoke, step.out, step.name, step.is_async, skips)
        )
    return Program(tuple(steps), tuple(lean), rescues, graph)


def _lean(step: Step, call: Call, invoke: Invoke) -> Lean:
    match step.args:
        case (int(a),) if not step.kwargs and step.decision < 0:
            return call, a, -1, step.out
        case (int(a), int(b)) if not step.kwargs and step.decision < 0:
            return call, a, b, step.out
        case _:
            return invoke, -1, -1, step.out


def second_try(program: Program, step: Step, slots: Slots, error: BaseException) -> Any:
    """Let the policies of a step go on after its call failed; give its value (an awaitable if the step is async).

    Raises:
        BaseException: ``error`` or another one; it is the step's failure.

    """
    call = program.rescues.get(step.index)
    if call is None or not isinstance(error, Exception):
        raise error

    def again(*args: Any, **kwargs: Any) -> Any:
        coming = call.recover(error, args, kwargs)
        return coming if step.is_async else drive(coming)

    return _invoke(step, again, program.graph)(slots)


def emit(event: Event) -> None:
    """Tell the observers of the run that this code is a part of."""
    scope = running.get()
    if scope is not None:
        scope.emit(event)


def skippable(plan: Plan) -> frozenset[int]:
    """Give the slots of the steps that a branch can leave out."""
    if not plan.guarded:
        return frozenset()
    known: frozenset[int] | None = plan.programs.get("skippable")
    if known is None:
        found: set[int] = set()
        for step in plan.steps:
            if step.guards or any(slot_of(read) in found for read in reads(step)):
                found.add(step.out)
        known = plan.programs["skippable"] = frozenset(found)
    return known


class Graph:
    """What binding one step needs to know of the others."""

    def __init__(self, plan: Plan, *, lossy: bool = False) -> None:
        self.values = {step.out for step in plan.steps}
        self.skippable = frozenset(self.values) if lossy else skippable(plan)
        self.outs = {step.node: step.out for step in plan.steps} if lossy else {}
        self.targets: dict[int, list[str]] = {}
        for step in plan.steps if plan.guarded else ():
            for guard in step.guards:
                names = self.targets.setdefault(guard.decision, [])
                names.append(guard.branch if isinstance(guard.branch, str) else guard.target)


def wrapped(
    step: Step, policies: Iterable[Policy] = (), *, observed: bool = False, ignored: Collection[Layer] = ()
) -> Call:
    """Put the policies around a step's function, and outside of them the events if there are observers."""
    call: Call = step.func
    if step.node.policies or policies:
        for policy in sorted(_chosen(step, policies), key=lambda policy: policy.layer):
            if policy.layer not in ignored:
                call = policy.wrap(step, call, emit)
    return _observed(step, call) if observed else call


def _chosen(step: Step, policies: Iterable[Policy]) -> list[Policy]:
    """Choose the policies of a step: where there is to be one, the runner's for it, else its own, else for any node."""
    special, general = list[Policy](), list[Policy]()
    for policy in policies:
        (special if isinstance(policy, OnNode) else general).append(policy)
    special = [policy for policy in special if isinstance(policy, OnNode) and policy.name == step.name]
    found: list[Policy] = []
    taken = set[Layer]()
    for group in (special, step.node.policies, general):
        found.extend(policy for policy in group if policy.layer not in taken)
        taken |= _ONE.intersection(policy.layer for policy in group)
    return found


def _observed(step: Step, call: Call) -> Call:
    name = step.name

    def began() -> float:
        emit(NodeStarted(name))
        return perf_counter()

    def run(*args: Any, **kwargs: Any) -> Any:
        start = began()
        try:
            value = call(*args, **kwargs)
        except BaseException as error:
            emit(NodeFailed(name, error, perf_counter() - start))
            raise
        emit(NodeFinished(name, value, perf_counter() - start))
        return value

    async def run_async(*args: Any, **kwargs: Any) -> Any:
        start = began()
        try:
            value = await call(*args, **kwargs)
        except BaseException as error:
            emit(NodeFailed(name, error, perf_counter() - start))
            raise
        emit(NodeFinished(name, value, perf_counter() - start))
        return value

    return run_async if step.is_async else run


def _invoke(step: Step, call: Call, graph: Graph) -> Invoke:
    needed = tuple(slot_of(read) for read in reads(step) if slot_of(read) in graph.skippable)
    if step.kind == "any" and (step.guards or needed):
        return _joining(step, call, graph)
    invoke = _reader(call, step.args, step.kwargs)
    if step.decision >= 0:
        invoke = _deciding(step, invoke, graph.targets.get(step.decision, []))
    if step.guards or needed:
        invoke = _guarded(step, invoke, needed)
    return _sparing(step, invoke, graph) if graph.outs else invoke


def _reader(call: Call, args: tuple[Read, ...], kwargs: tuple[tuple[str, Read], ...]) -> Invoke:
    """Read the arguments from the slots and call; made for the number of arguments."""
    if kwargs or any(isinstance(read, Take) for read in args):
        getters = tuple(map(getter, args))
        named = tuple((name, getter(read)) for name, read in kwargs)
        return lambda slots: call(*[get(slots) for get in getters], **{name: get(slots) for name, get in named})
    match args:
        case ():
            return lambda _: call()
        case (int(a),):
            return lambda slots: call(slots[a])
        case (int(a), int(b)):
            return lambda slots: call(slots[a], slots[b])
        case _:
            get = itemgetter(*args)
            return lambda slots: call(*get(slots))


def getter(read: Read) -> Invoke:
    """Make the function that reads a value from the slots."""
    if not isinstance(read, Take):
        return itemgetter(read)
    slot, how, name, index = read
    if how == "key":
        return lambda slots: slots[slot][name]
    if how == "attr":
        return lambda slots: getattr(slots[slot], name)
    if how == "item":
        return lambda slots: slots[slot][index]
    if how == "field":
        return lambda slots: field_of(slots[slot], name)
    return lambda slots: named_output(slots[slot], name, index)


def field_of(value: Any, name: str) -> Any:
    """Read a field of one of several kinds of records."""
    return value[name] if isinstance(value, dict) else getattr(value, name)


def named_output(value: Any, name: str, index: int) -> Any:
    """Read a declared output: by key from a mapping, else by position."""
    return value[name] if hasattr(value, "keys") else value[index]


def _guarded(step: Step, invoke: Invoke, needed: tuple[int, ...]) -> Invoke:
    """Run only if every guarded edge is on a branch taken and no needed value was skipped."""
    guards = step.guards

    def run(slots: Slots) -> Any:
        for slot in needed:
            if slots[slot] is SKIPPED:
                return SKIPPED
        for guard in guards:
            if not _taken(slots, guard):
                return SKIPPED
        return invoke(slots)

    return run


def _sparing(step: Step, invoke: Invoke, graph: Graph) -> Invoke:
    """Leave out what takes a value from, or has to come after, a step that failed."""
    before = {graph.outs[edge.source] for edge in step.node.edges_in}

    def run(slots: Slots) -> Any:
        for slot in before:
            if slots[slot] is LOST:
                return LOST
        return invoke(slots)

    return run if before else invoke


def _joining(step: Step, call: Call, graph: Graph) -> Invoke:
    """Run if at least one edge arrives, with ``None`` for those that do not."""
    guard_of = {guard.read: guard for guard in step.guards if guard.read is not None}
    orders = [guard for guard in step.guards if guard.read is None]
    rows = [
        (
            getter(read),
            slot_of(read) if slot_of(read) in graph.skippable else None,
            slot_of(read) in graph.values,
            guard_of.get(position),
        )
        for position, read in enumerate(reads(step))
    ]
    by_position = len(step.args)
    names = [name for name, _ in step.kwargs]

    def run(slots: Slots) -> Any:
        arrived = any(_taken(slots, guard) for guard in orders)
        values: list[Any] = []
        for get, slot, is_edge, guard in rows:
            absent = slots[slot] if slot is not None else None
            if absent is SKIPPED or absent is LOST or (guard is not None and not _taken(slots, guard)):
                values.append(None)
            else:
                arrived = arrived or is_edge
                values.append(get(slots))
        if not arrived:
            return LOST if any(slots[slot] is LOST for _, slot, _, _ in rows if slot is not None) else SKIPPED
        return call(*values[:by_position], **dict(zip(names, values[by_position:], strict=True)))

    return run


def _taken(slots: Slots, guard: Guard) -> bool:
    decision: Decision | None = slots[guard.decision]
    return decision is not None and decision.takes(guard)


def _telling_skips(step: Step, invoke: Invoke) -> Invoke:
    def run(slots: Slots) -> Any:
        value = invoke(slots)
        if value is SKIPPED or value is LOST:
            emit(NodeSkipped(step.name))
        return value

    return run


def _deciding(step: Step, invoke: Invoke, targets: Sequence[str]) -> Invoke:
    """Take a condition's or selection's return apart: the decision to its slot, the value passed on."""
    first = next((getter(read) for read in reads(step) if slot_of(read) != CONTEXT), lambda _: None)
    known = frozenset(targets)

    def settle(slots: Slots, raw: Any) -> Any:
        decision, value = decide(step.name, step.kind, raw, known)
        slots[step.decision] = decision
        return first(slots) if value is UNSET else value

    async def settle_later(slots: Slots, raw: Awaitable[Any]) -> Any:
        return settle(slots, await raw)

    if step.is_async:
        return lambda slots: settle_later(slots, invoke(slots))
    return lambda slots: settle(slots, invoke(slots))


def decide(name: str, kind: Kind, raw: Any, known: frozenset[str]) -> tuple[Decision, Any]:
    """Read what a condition or selection returned: the decision, and the value it passes on (maybe ``UNSET``).

    Raises:
        BranchError: it chose a node that it is not connected to.
        TypeError: it returned something else.

    """
    value: Any = UNSET
    chosen: str | None = None
    if kind == "condition" and isinstance(raw, ConditionalReturn):
        on_true, on_false = _name(raw.true_branch), _name(raw.false_branch)
        chosen, rejected = (on_true, on_false) if raw.condition else (on_false, on_true)
        decision = Decision(bool(raw.condition), chosen, rejected)
        value = raw.value
    elif kind == "condition" and isinstance(raw, bool):
        decision = Decision(raw, None, None)
    elif kind == "select" and isinstance(raw, SelectReturn):
        decision = Decision(_name(raw.branch), None, None)
        chosen = _name(raw.branch)
        value = raw.value
    else:
        wanted = "a ConditionalReturn or a bool" if kind == "condition" else "a SelectReturn"
        raise TypeError(f'"{name}" returned {type(raw).__name__}, not {wanted}')
    if chosen is not None and chosen not in known:
        hint = did_you_mean(chosen, known, what="branches")
        raise BranchError(f'"{name}" chooses branch "{chosen}", which it is not connected to ({hint})')
    return decision, value


def _name(branch: str | Node[..., Any] | None) -> str | None:
    return None if branch is None else name_of(branch)
