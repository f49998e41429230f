"""What nodes that are declared pure save: calls that nothing needs, whose value is known, or that were made already."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from fastdag_typed.checks import doubts
from fastdag_typed.dag import SubWorkflow
from fastdag_typed.hints import arguments, class_hints, class_of, members_of
from fastdag_typed.plan import CONTEXT, reads, slot_of
from fastdag_typed.ports import EMPTY

from .names import literal

if TYPE_CHECKING:
    from collections.abc import Collection

    from fastdag_typed.plan import Plan
    from fastdag_typed.step import Read, Step

_IMMUTABLE: Final = frozenset((bool, bytes, float, int, NoneType, str))


class Optimized(NamedTuple):
    """Steps, by their index, that need no call.

    ``dead``: nothing needs the value; ``folded``: the value as a literal; ``same``: an earlier step has the same value.
    """

    dead: frozenset[int]
    folded: dict[int, str]
    same: dict[int, int]


UNCHANGED: Final = Optimized(frozenset(), {}, {})


def optimize(plan: Plan, keep: Collection[str] | None) -> Optimized:
    """Find the calls of a DAG's pure nodes that can be left out; to fold some they are made now.

    Args:
        plan: what is compiled.
        keep: names of the steps whose values somebody sees; ``None`` for all.

    A call stays where there is any doubt: where policies or checks are around it, where something is awaited, skipped
    or chosen, and where what would be shared could be changed. A state machine keeps all its calls.
    """
    if plan.machine is not None:
        return UNCHANGED
    bare = {step.index for step in plan.steps if _is_bare(plan, step)}
    dead = _dead(plan, bare, keep)
    skippable = _skippable(plan)
    sure = [step for step in plan.steps if step.index in bare - dead and step.out not in skippable]
    known = _constants(plan)
    folded = _folded(sure, known)
    rest = [step for step in sure if step.index not in folded]
    return Optimized(dead, folded, _same(plan, bare, rest, known))


def _is_bare(plan: Plan, step: Step) -> bool:
    """Tell whether a step is the call of a pure function and nothing else."""
    around = step.node.policies or step.index in doubts(plan)
    other = step.is_async or step.decision >= 0 or isinstance(step.func, SubWorkflow)
    return step.node.pure and not around and not other


def _slots(step: Step) -> set[int]:
    return {slot_of(read) for read in reads(step)}


def _skippable(plan: Plan) -> set[int]:
    """Give the slots of the steps that may be skipped."""
    found: set[int] = set()
    for step in plan.steps:
        if step.guards or not found.isdisjoint(_slots(step)):
            found.add(step.out)
    return found


def _dead(plan: Plan, bare: set[int], keep: Collection[str] | None) -> frozenset[int]:
    """Find the steps whose value nothing needs, from the last to the first."""
    if keep is None or plan.shows_context:  # who has the context sees all results
        return frozenset()
    needed: set[int] = set()
    found: list[int] = []
    for step in reversed(plan.steps):
        if step.index in bare and step.name not in keep and step.out not in needed:
            found.append(step.index)
        else:
            needed |= _slots(step)
    return frozenset(found)


def _constants(plan: Plan) -> dict[int, Any]:
    """Give the values of the slots that are the same in every run; without a literal they may be changed in one."""
    filled = {CONTEXT, *(entry.slot for entry in plan.inputs)}
    filled.update(*((step.out, step.decision) for step in plan.steps))
    return {
        slot: value for slot, value in enumerate(plan.template) if slot not in filled and literal(value) is not None
    }


def _folded(steps: list[Step], known: dict[int, Any]) -> dict[int, str]:
    """Call the functions whose arguments are known; enter what has an exact literal there, too."""
    found: dict[int, str] = {}
    for step in steps:
        if not all(isinstance(read, int) and read in known for read in reads(step)):
            continue
        args = [known[slot_of(read)] for read in step.args]
        kwargs = {name: known[slot_of(read)] for name, read in step.kwargs}
        try:
            value = step.func(*args, **kwargs)
        except (Exception, SystemExit):  # noqa: BLE001, S112 - it is raised again when the workflow runs
            continue
        text = literal(value)
        if text is not None:
            known[step.out] = value
            found[step.index] = text
    return found


def _same(plan: Plan, bare: set[int], steps: list[Step], known: dict[int, Any]) -> dict[int, int]:
    """Find the calls that were made before: of the same function, with what is the same and was not changed since."""
    values: dict[int, object] = {slot: ("literal", literal(value)) for slot, value in known.items()}
    for entry in plan.inputs:
        default = literal(entry.default)
        if default is not None or entry.default is EMPTY:
            values[entry.slot] = ("input", entry.name, default)
    fixed = {*known, *(entry.slot for entry in plan.inputs if is_immutable(entry.port.type))}
    fixed.update(step.out for step in plan.steps if is_immutable(step.node.signature.returns))

    def same(read: Read) -> object:
        value = values.get(slot_of(read), slot_of(read))
        return value if isinstance(read, int) else (value, read.how, read.name, read.index)

    earlier: dict[tuple[object, ...], Step] = {}
    found: dict[int, int] = {}
    for step in steps:
        if step.out not in fixed or CONTEXT in _slots(step):
            continue
        named = tuple((name, same(read)) for name, read in step.kwargs)
        key = (id(step.func), tuple(map(same, step.args)), named)
        first = earlier.get(key)
        if first is not None and (fixed >= _slots(step) or bare.issuperset(range(first.index + 1, step.index))):
            found[step.index] = first.index
            values[step.out] = values.get(first.out, first.out)
        else:
            earlier[key] = step
    return found


def is_immutable(hint: Any, above: tuple[Any, ...] = ()) -> bool:
    """Tell whether nothing can change a value of a type; ``above`` are the classes that contain it."""
    return all(_is_immutable(member, above) for member in members_of(hint))


def _is_immutable(hint: Any, above: tuple[Any, ...]) -> bool:
    cls, parts = class_of(hint), arguments(hint)
    if cls in (tuple, frozenset):
        return parts is not None and all(part is ... or is_immutable(part, above) for part in parts)
    if cls is Literal or cls in _IMMUTABLE or cls in above:
        return True
    if not isinstance(cls, type):
        return False
    if "__dataclass_params__" in vars(cls) and is_dataclass(cls):
        kinds = class_hints(cls)
        frozen: bool = vars(cls)["__dataclass_params__"].frozen
        return frozen and all(is_immutable(kinds[field.name], (*above, cls)) for field in fields(cls))
    return issubclass(cls, Enum)
