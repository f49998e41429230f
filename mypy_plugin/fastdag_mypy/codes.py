"""Error codes, and every text: the same words as the runtime's, so that a finding reads the same everywhere."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from mypy.errorcodes import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FASTDAG: Final = ErrorCode("fastdag", "Check the wiring of workflows", "fastdag")
PORT: Final = ErrorCode("fastdag-port", "Check that values fit ports", "fastdag", sub_code_of=FASTDAG)
NAME: Final = ErrorCode("fastdag-name", "Check that named ports exist", "fastdag", sub_code_of=FASTDAG)
TAKEN: Final = ErrorCode("fastdag-taken", "Check that ports are free", "fastdag", sub_code_of=FASTDAG)
CYCLE: Final = ErrorCode("fastdag-cycle", "Check that no edge closes a cycle", "fastdag", sub_code_of=FASTDAG)
INPUT: Final = ErrorCode("fastdag-input", "Check what a run is given", "fastdag", sub_code_of=FASTDAG)
BRANCH: Final = ErrorCode("fastdag-branch", "Check that branches exist", "fastdag", sub_code_of=FASTDAG)
STATE: Final = ErrorCode("fastdag-state", "Check what follows a state", "fastdag", sub_code_of=FASTDAG)
ENTRYPOINT: Final = ErrorCode("fastdag-entrypoint", "Check where a run begins", "fastdag", sub_code_of=FASTDAG)
SIGNATURE: Final = ErrorCode("fastdag-signature", "Check declared inputs", "fastdag", sub_code_of=FASTDAG)
MEMBER: Final = ErrorCode("fastdag-member", "Check that both ends are in the workflow", "fastdag", sub_code_of=FASTDAG)
WIRE: Final = ErrorCode("fastdag-wire", "Check that what is wired is a node", "fastdag", sub_code_of=FASTDAG)

NOTHING: Final = "None"
"""How the type of a function that returns nothing is written."""

_MOST: Final = 10
_MAKE_A_NODE: Final = "(make it a node with @dag.node or Node(...))"


def misfit(source: str, field: str | None, given: str, target: str, port: str, expected: str) -> str:
    """Say that a value does not fit a port; ``field`` is the output that is read, ``None`` for the whole value."""
    if field is not None:
        what = f'Output "{field}" of "{source}" is "{given}"'
    elif given == NOTHING:
        what = f'Node "{source}" returns nothing'
    else:
        what = f'Node "{source}" returns "{given}"'
    return f'{what}, but input port "{port}" of "{target}" expects "{expected}"'


def fits_none(source: str, given: str, target: str, ports: Iterable[tuple[str, str]]) -> str:
    """Say that a value fits none of the ports that may be free; ``ports`` are names and types."""
    what = "nothing" if given == NOTHING else f'"{given}"'
    known = ", ".join(f"{name}: {kind}" for name, kind in ports)
    return f'Node "{source}" returns {what}, which fits no free input port of "{target}" ({known})'


def no_input(node: str, name: str, known: Sequence[str]) -> str:
    """Say that a node has no such input."""
    return f'Node "{node}" has no input "{name}" ({_did_you_mean(name, known, "inputs")})'


def no_output(node: str, name: str, known: Sequence[str]) -> str:
    """Say that a node has no such output."""
    return f'Node "{node}" has no output "{name}" ({_did_you_mean(name, known, "outputs")})'


def no_node(workflow: str, name: str, known: Iterable[str]) -> str:
    """Say that a workflow has no node of this name."""
    return f'Workflow "{workflow}" has no node "{name}" ({_did_you_mean(name, known, "nodes")})'


def exists(name: str, file: str, line: int) -> str:
    """Say that there is a node of this name, defined on a line of a file."""
    hint = f"the first one is defined at {_place(file, line)}; give one of them another name"
    return f'Node "{name}" already exists ({hint})'


def no_member(ends: tuple[str, str], outside: str, inside: str, workflow: str) -> str:
    """Say that an end of an edge is not in the workflow."""
    hint = f'add it with add_node, or remove the connection to "{inside}"'
    return f'"{ends[0]}" is connected to "{ends[1]}", but "{outside}" is not a node of workflow "{workflow}" ({hint})'


def no_parameter(node: str, name: str, known: Iterable[str]) -> str:
    """Say that a declared input is no parameter."""
    hint = _did_you_mean(name, known, "parameters")
    return f'Node "{node}" declares input "{name}", which is no parameter of its function ({hint})'


def undeclared(node: str, name: str) -> str:
    """Say that an input is required and not declared."""
    hint = "add it to inputs=[...], or give the parameter a default"
    return f'Node "{node}" does not declare input "{name}", which its function requires ({hint})'


def no_entrypoint(name: str, workflow: str, known: Iterable[str]) -> str:
    """Say that an entrypoint is not a node."""
    hint = _did_you_mean(name, known, "nodes")
    return f'Entrypoint "{name}" is not a node of workflow "{workflow}" ({hint})'


def no_branch(condition: str, name: str, known: Iterable[str]) -> str:
    """Say that the branch of a condition is not a node."""
    hint = _did_you_mean(name, known, "nodes")
    return f'Condition "{condition}" names branch "{name}", which is not a node ({hint})'


def no_choice(node: str, name: str, known: Iterable[str]) -> str:
    """Say that a condition or selection chooses what is not there."""
    hint = _did_you_mean(name, known, "branches")
    return f'"{node}" chooses branch "{name}", which it is not connected to ({hint})'


def no_state(state: str, name: str, known: Iterable[str]) -> str:
    """Say that what should follow is not a state."""
    return f'State "{state}" goes to "{name}", which is not a state ({_did_you_mean(name, known, "states")})'


def no_initial(machine: str, several: Sequence[str]) -> str:
    """Say that it is not clear where a state machine begins."""
    which = ", ".join(f'"{name}"' for name in several)
    what, among = ("more than one", which) if several else ("no", "the states")
    return f'State machine "{machine}" has {what} initial state (mark one of {among} with is_initial=True)'


def several_ways(state: str, targets: Iterable[str]) -> str:
    """Say that it is not clear what follows a state."""
    names = " and ".join(f'"{name}"' for name in targets)
    hint = "return FSMReturn(next_state=...), or wire on_true, on_false or on(name)"
    return f'State "{state}" has more than one plain transition, to {names} ({hint})'


def no_way_out(state: str) -> str:
    """Say that nothing follows a state that is not final."""
    hint = "wire what follows, return FSMReturn with next_state or stop_condition=True, or mark it with is_final=True"
    return f'State "{state}" has no way out ({hint})'


def unreached(state: str) -> str:
    """Say that a state is never entered."""
    hint = "wire a state to it, return it as next_state, or mark it with is_initial=True"
    return f'No state leads to "{state}" ({hint})'


def cycle(path: Iterable[str]) -> str:
    """Say that an edge closes a cycle."""
    hint = "remove one of these connections; what must run again and again is a state machine (FSM)"
    return f"This connection closes a cycle: {' -> '.join(path)} ({hint})"


def unknown_input(name: str, known: Iterable[str]) -> str:
    """Say that a run is given what it does not take."""
    return f'Unknown input "{name}" ({_did_you_mean(name, known, "open inputs")})'


def missing_input(name: str, node: str, expected: str | None) -> str:
    """Say that a run is not given what it requires."""
    kind = "" if expected is None else f", a value of type {expected}"
    return f'Input "{name}" is missing: node "{node}" requires it (give it as run(inputs={{"{name}": ...}}){kind})'


def wrong_input(name: str, node: str, expected: str, given: str) -> str:
    """Say that a run is given a value of a wrong type."""
    return f'Input "{name}" of node "{node}" expects "{expected}", but is given "{given}"'


def taken(port: str, target: str, source: str, file: str, line: int) -> str:
    """Say that a port is connected already, and on which line of which file."""
    hint = "connect another input, or remove the other connection"
    return f'Input "{port}" of "{target}" is already connected to "{source}" ({_place(file, line)}) ({hint})'


def none_free(source: str, target: str, connected: Iterable[tuple[str, str]]) -> str:
    """Say that a node has no free port; ``connected`` are the ports and their sources."""
    by = ", ".join(f'"{port}" from "{name}"' for port, name in connected)
    hint = "give the function another parameter, or connect an input by name"
    return f'"{source}" is connected to "{target}", which has no free input (connected: {by}) ({hint})'


def none_at_all(source: str, target: str) -> str:
    """Say that a node has no ports."""
    hint = f"{target}.after({source}) orders the two without passing a value"
    return f'"{source}" is connected to "{target}", which has no input ({hint})'


def target_is_no_node(source: str, target: str) -> str:
    """Say that what is connected to is not a node."""
    return f'"{source}" is connected to "{target}", which is not a node {_MAKE_A_NODE}'


def source_is_no_node(source: str, target: str) -> str:
    """Say that what is connected from is not a node."""
    return f'"{source}" is connected to "{target}" but is not a node {_MAKE_A_NODE}'


def skipped(error: Exception) -> str:
    """Say that the plugin itself failed."""
    reason = f"{type(error).__name__}: {error}"
    where = "FASTDAG_MYPY_DEBUG=1 mypy --no-incremental --show-traceback"
    return f"fastdag_mypy skipped a check ({reason}); {where} shows where, please report it"


def _place(file: str, line: int) -> str:
    near = os.path.relpath(file)
    return f"{near if not near.startswith('..') else file}:{line}"


def _did_you_mean(name: str, names: Iterable[str], what: str) -> str:
    known = sorted(names)
    close = get_close_matches(name, known, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    if not known:
        return f"{what}: none"
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return f"{what}: {', '.join(known[:_MOST])}{more}"
