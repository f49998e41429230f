"""Walking a plan: straight, state machine. Each driver fills slots, results and the record of a run."""

from __future__ import annotations

from operator import length_hint
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..diagnostic import did_you_mean
from ..exceptions import BranchError
from ..plan import PREVIOUS
from ..returns import UNSET, ConditionalReturn, FSMReturn, SelectReturn, name_of
from ..step import LOST, Skipped, drive
from .run import stopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..context import FSMContext
    from ..node import Node
    from .run import Run


def lean(run: Run) -> None:
    """Run sync steps without guards one after the other; results are entered when they are asked for."""
    slots, record = run.slots, run.record
    steps = iter(run.program.lean)
    run.steps = record.remaining = steps
    if not run.config.measure:
        for call, a, b, out in steps:
            try:
                if b >= 0:
                    slots[out] = call(slots[a], slots[b])
                elif a >= 0:
                    slots[out] = call(slots[a])
                else:
                    slots[out] = call(slots)
            except BaseException as error:  # noqa: BLE001 - raised again, unless a policy has an answer
                slots[out] = _answer(run, length_hint(steps), error)
        _end(run)
        return
    stamp, clock = record.stamps.append, perf_counter
    stamp(clock())
    for call, a, b, out in steps:
        try:
            if b >= 0:
                slots[out] = call(slots[a], slots[b])
            elif a >= 0:
                slots[out] = call(slots[a])
            else:
                slots[out] = call(slots)
        except BaseException as error:  # noqa: BLE001 - raised again, unless a policy has an answer
            slots[out] = _answer(run, length_hint(steps), error)
        stamp(clock())
    _end(run)


def _end(run: Run) -> None:
    if run.interrupted:  # what was left was taken away
        run.record.reached = len(run.record.stamps) - 1 if run.config.measure else 0
        raise stopped()
    run.record.reached = len(run.plan.steps)


def _answer(run: Run, left: int, error: BaseException) -> Any:
    """Give the value of the step that failed while so many were left, or stop the clock and raise."""
    index = len(run.plan.steps) - left - 1
    try:
        return drive(run.after_failure(index, error))
    except BaseException:
        run.record.reached = index
        if run.config.measure:
            run.record.stamps.append(perf_counter())
        raise


async def straight(run: Run) -> None:
    """Run steps one after the other; awaits only what is async."""
    slots, results = run.slots, run.context.results
    record, failures = run.record, run.failures
    stamp, clock = record.stamps.append, perf_counter
    stamp(clock())
    steps = iter(run.program.steps)
    run.steps = steps
    for index, (invoke, out, name, awaits, skips) in enumerate(steps):
        try:
            value = invoke(slots)
            if awaits and not (skips and type(value) is Skipped):
                value = await value
        except BaseException as error:  # noqa: BLE001 - raised again, unless there is an answer
            try:
                value = await run.after_failure(index, error)
            except BaseException:
                stamp(clock())
                raise
        if skips and type(value) is Skipped:
            if index not in failures:
                record.skipped.add(index)
        else:
            results[name] = value
        slots[out] = value
        stamp(clock())
    if run.interrupted:
        raise stopped()


async def machine(run: Run) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop without calls: they cost
    """Run one state after the other until a state, or the limit of cycles, ends it."""
    plan, record, slots = run.plan, run.record, run.slots
    facts: Any = plan.machine
    fsm: FSMContext = run.context  # type: ignore[assignment]
    names, limit, ways = plan.names, facts.max_cycles, facts.transitions
    at: dict[Any, int] = {name: index for index, name in enumerate(names)}
    states = [
        (*lean, name, awaits, run.stand_ins.get(name), index in facts.final)
        for index, (lean, (_, _, name, awaits, _)) in enumerate(zip(run.program.lean, run.program.steps, strict=True))
    ]
    results, cycle_results, entered = fsm.results, fsm.cycle_results, fsm.state_history.append
    logs: list[list[tuple[int, Any]] | None] = [None] * len(names)
    visit, stamp, clock = record.visited.append, record.stamps.append, perf_counter
    index: int = facts.initial
    cycle = 0
    stamp(clock())
    while not run.interrupted:
        call, a, b, _, name, awaits, stand_in, is_final = states[index]
        cycle += 1
        fsm.cycle_count = cycle
        fsm.current_state = name
        if stand_in is not None:
            slots[stand_in] = slots[PREVIOUS]
        visit(index)
        following = value = None
        stop = False
        try:
            try:
                raw = call(slots[a]) if a >= 0 > b else call(slots) if a < 0 else call(slots[a], slots[b])
                if awaits:
                    raw = await raw
            except BaseException as error:  # noqa: BLE001 - raised again, unless there is an answer
                raw = await run.after_failure(index, error)
            if type(raw) is FSMReturn and raw.continue_execution and not raw.stop_condition:
                value, following = raw.value, at.get(raw.next_state)
            if following is None and raw is not LOST:
                value, following, stop = transition(name, raw, ways[index], at)
        except BaseException as error:  # noqa: BLE001 - raised again, if the run does not go on
            run.lose(index, error)
            raw = LOST
        finally:
            stamp(clock())
        if raw is LOST:
            run.stop_reason = "failed"
            entered("END")
            return
        slots[PREVIOUS] = results[name] = value
        log = logs[index]
        if log is None:
            log = logs[index] = cycle_results.setdefault(name, [])
        log.append((cycle, value))
        if stop:
            run.stop_reason = "stopped"
        elif is_final:
            run.stop_reason = "final"
        elif following is not None:
            if cycle < limit:
                entered(names[following])
                index = following
                continue
            run.stop_reason = "max_cycles"
        entered("END")
        return
    raise stopped()


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
