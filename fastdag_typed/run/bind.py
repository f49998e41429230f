"""From steps to calls: what is decided once, before a run, so that nothing is decided during it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..diagnostic import did_you_mean
from ..events import NodeFailed, NodeFinished, NodeSkipped, NodeStarted
from ..exceptions import BranchError
from ..plan import CONTEXT, reads, slot_of
from ..ports import Take
from ..returns import UNSET, ConditionalReturn, SelectReturn, name_of
from ..step import SKIPPED, Call, Decision, Emit, Guard, Kind, Policy, Read, Step

if TYPE_CHECKING:
    from ..node import Node
    from ..plan import Plan

Slots = list[Any]
Invoke = Callable[[Slots], Any]


Bound = tuple[Invoke, int, str, bool, bool]
"""A step ready to run: ``(invoke, out, name, awaits, skips)``; as a bare tuple, which is taken apart fastest.

``invoke(slots)`` gives its value (an awaitable if ``awaits``), or ``SKIPPED`` if it ``skips``: from any other step that
is a value as any.
"""


def bind(
    plan: Plan,
    policies: Sequence[Policy] = (),
    emit: Emit | None = None,
    *,
    observed: bool = False,
) -> tuple[Bound, ...]:
    """Compose the call of every step: bare function, policies from the inner layer out, events, reading, branches."""
    graph = _Graph(plan)
    return tuple(
        (
            _invoke(step, wrapped(step, policies, emit, observed=observed), emit, graph),
            step.out,
            step.name,
            step.is_async,
            step.out in graph.skippable,
        )
        for step in plan.steps
    )


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


class _Graph:
    """What binding one step needs to know of the others."""

    def __init__(self, plan: Plan) -> None:
        self.values = {step.out for step in plan.steps}
        self.skippable = skippable(plan)
        self.targets: dict[int, list[str]] = {}
        for step in plan.steps if plan.guarded else ():
            for guard in step.guards:
                names = self.targets.setdefault(guard.decision, [])
                names.append(guard.branch if isinstance(guard.branch, str) else guard.target)


def wrapped(step: Step, policies: Sequence[Policy], emit: Emit | None, *, observed: bool) -> Call:
    """Put the policies around a step's function, and outside of them the events if there are observers."""
    call: Call = step.func
    if emit is None:
        return call
    for policy in sorted((*step.node.policies, *policies), key=lambda policy: policy.layer):
        call = policy.wrap(step, call, emit)
    return _observed(step, call, emit) if observed else call


def _observed(step: Step, call: Call, emit: Emit) -> Call:
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


def drive(coroutine: Awaitable[Any]) -> Any:
    """Run a coroutine that never suspends, without a loop; so a body is written once for sync and async.

    Raises:
        RuntimeError: it suspends.

    """
    steps: Any = coroutine.__await__()
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    steps.close()
    raise RuntimeError(f"{coroutine!r} waits for something, but runs without an event loop")


def _invoke(step: Step, call: Call, emit: Emit | None, graph: _Graph) -> Invoke:
    needed = tuple(slot_of(read) for read in reads(step) if slot_of(read) in graph.skippable)
    if step.kind == "any" and (step.guards or needed):
        invoke = _joining(step, call, graph)
    else:
        invoke = _reader(call, step.args, step.kwargs)
        if step.decision >= 0:
            invoke = _deciding(step, invoke, graph.targets.get(step.decision, []))
        if step.guards or needed:
            invoke = _guarded(step, invoke, needed)
    return _telling_skips(step, invoke, emit) if emit and step.out in graph.skippable else invoke


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


def _joining(step: Step, call: Call, graph: _Graph) -> Invoke:
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
            lost = slot is not None and slots[slot] is SKIPPED
            if lost or (guard is not None and not _taken(slots, guard)):
                values.append(None)
            else:
                arrived = arrived or is_edge
                values.append(get(slots))
        if not arrived:
            return SKIPPED
        return call(*values[:by_position], **dict(zip(names, values[by_position:], strict=True)))

    return run


def _taken(slots: Slots, guard: Guard) -> bool:
    decision: Decision | None = slots[guard.decision]
    return decision is not None and decision.takes(guard)


def _telling_skips(step: Step, invoke: Invoke, emit: Emit) -> Invoke:
    def run(slots: Slots) -> Any:
        value = invoke(slots)
        if value is SKIPPED:
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
