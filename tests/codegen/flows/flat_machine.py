"""A state machine: names, wired branches, a final state, the previous state's value, the limit of cycles."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

from fastdag_typed import FSM, ConditionalReturn, FSMContext, FSMReturn, SelectReturn

machine = FSM("collatz", max_cycles=60)


@machine.state(is_initial=True)
def begin(number: int, step: int = 1) -> FSMReturn[int]:
    return FSMReturn("choose", number * step)


@machine.state()
def choose(value: int) -> ConditionalReturn[int]:
    return ConditionalReturn(value % 2 == 0, value)


@machine.state()
def halve(value: int) -> SelectReturn[int]:
    """Halve, and be done at one."""
    return SelectReturn(value // 2, "done" if value // 2 == 1 else "more")


@machine.state()
def grow(value: int, context: FSMContext) -> int:
    if context.cycle_count > 40:
        raise OverflowError(f"cycle {context.cycle_count}")
    return 3 * value + 1


@machine.state(is_final=True)
def finish(value: int) -> FSMReturn[str]:
    return FSMReturn(value=f"reached {value}")


choose.on_true >> halve
choose.on_false >> grow
halve.on("more") >> choose
halve.on("done") >> finish
grow >> choose
