"""Walking a plan: straight, state machine, threads, event loop. Each fills slots, results and the record of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..diagnostic import did_you_mean
from ..exceptions import BranchError
from ..plan import PREVIOUS
from ..returns import UNSET, ConditionalReturn, FSMReturn, SelectReturn, name_of
from ..step import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..context import Context, FSMContext
    from ..node import Node
    from ..plan import Plan
    from .bind import Bound
    from .compiled import Compiled
    from .events import Emitter
    from .metrics import Record


@dataclass(slots=True)
class Run:
    """One run: the plan, its bound calls, and everything that changes while it goes on."""

    plan: Plan
    program: tuple[Bound, ...]
    slots: list[Any]
    context: Context
    record: Record
    stand_ins: dict[str, int]
    max_workers: int
    emit: Emitter
    compiled: Compiled | None = None
    stop_reason: str = "completed"
    failures: dict[int, BaseException] = field(default_factory=dict[int, BaseException])


def plain(run: Run) -> None:
    """Run sync steps without guards one after the other."""
    slots, results = run.slots, run.context.results
    stamps, clock = run.record.stamps, perf_counter
    stamp = stamps.append
    stamp(clock())
    try:
        for invoke, out, name, _, _ in run.program:
            results[name] = slots[out] = invoke(slots)
            stamp(clock())
    except BaseException as error:
        stamp(clock())
        run.failures[len(stamps) - 2] = error
        raise


async def straight(run: Run) -> None:
    """Run steps one after the other; awaits only what is async."""
    slots, results = run.slots, run.context.results
    record = run.record
    stamp, clock = record.stamps.append, perf_counter
    stamp(clock())
    index = 0
    try:
        for index, (invoke, out, name, awaits, skips) in enumerate(run.program):
            value = invoke(slots)
            if awaits and value is not SKIPPED:
                value = await value
            if value is SKIPPED and skips:
                record.skipped.add(index)
            else:
                results[name] = value
            slots[out] = value
            stamp(clock())
    except BaseException as error:
        stamp(clock())
        run.failures[index] = error
        raise


async def machine(run: Run) -> None:
    """Run one state after the other until a state, or the limit of cycles, ends it."""
    plan, context = run.plan, run.context
    facts: Any = plan.machine
    at = {name: index for index, name in enumerate(plan.names)}
    fsm: FSMContext = context  # type: ignore[assignment]
    slots, record, clock = run.slots, run.record, perf_counter
    index: int | None = facts.initial
    while index is not None:
        invoke, _, name, awaits, _ = run.program[index]
        fsm.cycle_count += 1
        fsm.current_state = name
        stand_in = run.stand_ins.get(name)
        if stand_in is not None:
            slots[stand_in] = slots[PREVIOUS]
        began = clock()
        record.running[index] = began
        try:
            raw = invoke(slots)
            if awaits:
                raw = await raw
            value, following, stop = transition(name, raw, facts.transitions[index], at)
        except BaseException as error:
            run.failures[index] = error
            raise
        finally:
            del record.running[index]
            record.rows.append((began, index, clock()))
        slots[PREVIOUS] = value
        context.results[name] = value
        fsm.cycle_results.setdefault(name, []).append((fsm.cycle_count, value))
        if stop:
            run.stop_reason = "stopped"
        elif index in facts.final:
            run.stop_reason = "final"
        elif following is not None and fsm.cycle_count >= facts.max_cycles:
            run.stop_reason = "max_cycles"
        elif following is not None:
            fsm.state_history.append(plan.names[following])
            index = following
            continue
        fsm.state_history.append("END")
        index = None


def transition(
    state: str, raw: Any, ways: Sequence[tuple[bool | str | None, int]], at: Mapping[str, int]
) -> tuple[Any, int | None, bool]:
    """Read what a state returned: its value, the state that follows, whether it stops the run.

    ``ways`` are the wired branches and where they lead, ``at`` the number of each state.

    Raises:
        BranchError: it goes to a state that does not exist, or by a branch that is not wired.

    """
    if isinstance(raw, FSMReturn):
        stop = raw.stop_condition or not raw.continue_execution
        if raw.next_state is None or stop:
            return raw.value, None, stop
        return raw.value, _number(state, raw.next_state, at), False
    if isinstance(raw, ConditionalReturn):
        choice = raw.true_branch if raw.condition else raw.false_branch
        value = None if raw.value is UNSET else raw.value
        if choice is not None:
            return value, _number(state, choice, at), False
        return value, next((target for branch, target in ways if branch is bool(raw.condition)), None), False
    if isinstance(raw, SelectReturn):
        value = None if raw.value is UNSET else raw.value
        if raw.branch is None:
            return value, None, False
        chosen = name_of(raw.branch)
        found = next((target for branch, target in ways if branch == chosen), None)
        return value, _number(state, chosen, at) if found is None else found, False
    if isinstance(raw, bool) and any(branch is raw for branch, _ in ways):
        return raw, next(target for branch, target in ways if branch is raw), False
    return raw, next((target for branch, target in ways if branch is None), None), False


def _number(state: str, following: str | Node[..., Any], at: Mapping[str, int]) -> int:
    name = name_of(following)
    found = at.get(name)
    if found is None:
        hint = did_you_mean(name, at, what="states")
        raise BranchError(f'State "{state}" goes to "{name}", which is not a state ({hint})')
    return found
