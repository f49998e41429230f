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


def taken(port: str, target: str, source: str, file: str, line: int) -> str:
    """Say that a port is connected already, and on which line of which file."""
    near = os.path.relpath(file)
    where = f"{near if not near.startswith('..') else file}:{line}"
    hint = "connect another input, or remove the other connection"
    return f'Input "{port}" of "{target}" is already connected to "{source}" ({where}) ({hint})'


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
    return f"fastdag_mypy skipped a check ({reason}); set FASTDAG_MYPY_DEBUG=1 to see where, and please report it"


def _did_you_mean(name: str, known: Sequence[str], what: str) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    if not known:
        return f"{what}: none"
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return f"{what}: {', '.join(sorted(known)[:_MOST])}{more}"
