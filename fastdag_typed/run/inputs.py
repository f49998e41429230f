"""The inputs of a run: found by name, checked by type, put into their slots before any node runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, is_typeddict

from ..compat import show
from ..dag import alike
from ..diagnostic import Diagnostic, did_you_mean
from ..exceptions import InputError
from ..ports import EMPTY
from ..returns import UNSET

if TYPE_CHECKING:
    from ..diagnostic import Location
    from ..plan import Input, Plan


def fill(plan: Plan, inputs: Mapping[str, Any]) -> tuple[list[Any], dict[str, int]]:
    """Give the slots that a run begins with, and for each state the slot that takes the previous state's value.

    An input that is ``UNSET`` counts as not given; one that is the port's own default is as good as not given.

    Raises:
        InputError: an input is missing, unknown or of a wrong type; it names every one.

    """
    if not isinstance(inputs, Mapping):
        message = f"Inputs are given as a mapping from names to values, not as {_short(inputs)}"
        raise InputError(plan.name, [Diagnostic("fastdag-input", message)])
    slots = list(plan.template)
    wrong: list[Diagnostic] = []
    known = plan.inputs_by_name
    for name, value in inputs.items():
        entries = known.get(name)
        if entries is None and name in plan.unused:
            continue
        if entries is None:
            names = {entry.name for entry in plan.inputs} | plan.unused
            hint = did_you_mean(str(name), names, what="open inputs")
            wrong.append(Diagnostic("fastdag-input", f'Unknown input "{name}"', hint=hint))
            continue
        for entry in entries if value is not UNSET else ():
            if not (accepts(entry.port.type, value) or alike(value, entry.default)):
                wrong.append(_wrong_type(plan, entry, value))
            slots[entry.slot] = value
    missing = [entry for entry in plan.required if slots[entry.slot] is EMPTY]
    stand_ins: dict[str, int] = {}
    if missing and plan.machine is not None:
        stand_ins = _stand_ins(plan, missing)
        missing = [entry for entry in missing if entry.node not in stand_ins]
    wrong.extend(_missing(plan, entry) for entry in missing)
    if wrong:
        raise InputError(plan.name, wrong)
    return slots, stand_ins


def _stand_ins(plan: Plan, missing: list[Input]) -> dict[str, int]:
    """Let a state's one required port that no input names take the value of the state before; the first has none."""
    machine = plan.machine
    first = plan.names[machine.initial] if machine else ""
    by_node: dict[str, list[Input]] = {}
    for entry in missing:
        by_node.setdefault(entry.node, []).append(entry)
    return {node: entries[0].slot for node, entries in by_node.items() if len(entries) == 1 and node != first}


def _missing(plan: Plan, entry: Input) -> Diagnostic:
    hint = f'give it as run(inputs={{"{entry.name}": ...}})'
    if entry.port.type is not EMPTY:
        hint += f", a value of type {show(entry.port.type)}"
    return Diagnostic(
        "fastdag-input",
        f'Input "{entry.name}" is missing: node "{entry.node}" requires it',
        where=_where(plan, entry),
        node=entry.node,
        port=entry.port.name,
        hint=hint,
    )


def _wrong_type(plan: Plan, entry: Input, value: Any) -> Diagnostic:
    return Diagnostic(
        "fastdag-input",
        f'Input "{entry.name}" of node "{entry.node}" expects "{show(entry.port.type)}", '
        f'but is given "{type(value).__name__}": {_short(value)}',
        where=_where(plan, entry),
        node=entry.node,
        port=entry.port.name,
    )


def _where(plan: Plan, entry: Input) -> Location | None:
    return next((step.node.where for step in plan.steps if step.name == entry.node), None)


def _short(value: Any, limit: int = 80) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a value's own fault must not hide the message about it
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def accepts(hint: Any, value: Any) -> bool:
    """Tell whether a value is of a type, as far as that can be seen from outside (see beartype's documentation)."""
    if hint is EMPTY or hint is Any or hint is object or type(value) is hint:
        return True
    if type(hint) is type and not is_typeddict(hint) and not getattr(hint, "_is_protocol", False):
        return isinstance(value, _TOWER.get(hint, hint))
    from beartype import BeartypeConf
    from beartype.door import is_bearable
    from beartype.roar import BeartypeException

    try:
        return bool(is_bearable(value, hint, conf=BeartypeConf(is_pep484_tower=True)))
    except BeartypeException:  # a hint that beartype cannot check is not held against the value
        return True


_TOWER: Final[dict[Any, tuple[type, ...]]] = {float: (float, int), complex: (complex, float, int)}
