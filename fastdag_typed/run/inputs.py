"""The inputs of a run: found by name, checked by type, put into their slots before any node runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..checks import OPEN, checker, short
from ..checks.violations import of_input
from ..compat import show
from ..dag import alike
from ..diagnostic import Diagnostic, did_you_mean
from ..exceptions import InputError
from ..ports import EMPTY
from ..returns import UNSET

if TYPE_CHECKING:
    from ..checks import Checker
    from ..exceptions import PortTypeError
    from ..node import Node
    from ..plan import Input, Plan


def fill(plan: Plan, inputs: Mapping[str, Any], *, validate: bool = True) -> tuple[list[Any], dict[str, int]]:
    """Give the slots that a run begins with, and for each state the slot that takes the previous state's value.

    An input that is ``UNSET`` counts as not given; one that is the port's own default is as good as not given. Types
    are checked unless ``validate`` is false.

    Raises:
        InputError: an input is missing, unknown or of a wrong type; it names every one.

    """
    if not isinstance(inputs, Mapping):
        message = f"Inputs are given as a mapping from names to values, not as {short(inputs)}"
        raise InputError(plan.name, [Diagnostic("fastdag-input", message)])
    slots = list(plan.template)
    wrong: list[Diagnostic] = []
    violations: list[PortTypeError] = []
    checkers = _checkers(plan) if validate else {}
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
            slots[entry.slot] = value
            check = checkers.get(entry.slot, OPEN)
            if type(value) not in check.passes:
                found = check.find(value)
                if found is not None and not alike(value, entry.default):
                    violations.append(of_input(name, _node(plan, entry), entry.port, value, found))
                    wrong.append(_wrong_type(violations[-1]))
    missing = [entry for entry in plan.required if slots[entry.slot] is EMPTY]
    stand_ins: dict[str, int] = {}
    if missing and plan.machine is not None:
        stand_ins = _stand_ins(plan, missing)
        missing = [entry for entry in missing if entry.node not in stand_ins]
    wrong.extend(_missing(plan, entry) for entry in missing)
    if wrong:
        raise InputError(plan.name, wrong, violations)
    return slots, stand_ins


def _checkers(plan: Plan) -> dict[int, Checker]:
    """Make what checks each input, once for many runs."""
    known: dict[int, Checker] | None = plan.programs.get("inputs")
    if known is None:
        known = plan.programs["inputs"] = {entry.slot: checker(entry.port.type) for entry in plan.inputs}
    return known


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
        where=_node(plan, entry).where,
        node=entry.node,
        port=entry.port.name,
        hint=hint,
    )


def _wrong_type(violation: PortTypeError) -> Diagnostic:
    return Diagnostic(
        "fastdag-input", str(violation), where=violation.where, node=violation.node_name, port=violation.port
    )


def _node(plan: Plan, entry: Input) -> Node[..., Any]:
    return next(step.node for step in plan.steps if step.name == entry.node)
