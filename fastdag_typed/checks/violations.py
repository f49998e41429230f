"""How it is said that a value is not of a type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compat import show
from ..exceptions import PortTypeError
from ..hints import EMPTY
from .kinds import short

if TYPE_CHECKING:
    from ..diagnostic import Location
    from ..ports import Port
    from ..unit import Unit
    from .kinds import Mismatch


def of_input(name: str, unit: Unit, port: Port, value: Any, found: Mismatch) -> PortTypeError:
    """Say that an input of a run does not fit the port that it is for."""
    message = f'Input "{name}" of node "{unit.name}" expects "{show(port.type)}", but is given {_given(value, found)}'
    return _error(message, unit, port.name, found, None, None)


def of_edge(
    unit: Unit, port: Port, value: Any, found: Mismatch, source: str | None, source_where: Location | None
) -> PortTypeError:
    """Say that what comes from another node does not fit the port that it comes to."""
    giver = f'node "{source}"' if source else "the state before"
    place = f" ({source_where})" if source_where else ""
    message = (
        f'Input port "{port.name}" of "{unit.name}" expects "{show(port.type)}", but {giver}{place} gave '
        f"{_given(value, found)}"
    )
    return _error(message, unit, port.name, found, source, source_where)


def of_result(unit: Unit, hint: Any, value: Any, found: Mismatch) -> PortTypeError:
    """Say that a node returned what it does not declare to return."""
    message = f'Node "{unit.name}" declares to return "{show(hint)}", but returned {_given(value, found)}'
    return _error(message, unit, "result", found, unit.name, unit.where)


def _error(
    message: str, unit: Unit, port: str, found: Mismatch, source: str | None, source_where: Location | None
) -> PortTypeError:
    return PortTypeError(
        message,
        node_name=unit.name,
        port=port,
        expected=found.expected,
        actual=found.actual,
        path=found.path,
        source=source,
        source_where=source_where,
        where=unit.where,
    )


def _given(value: Any, found: Mismatch) -> str:
    if not found.path:
        return f'"{found.actual}": {short(value)}'
    whole = f'"{type(value).__name__}" in which {found.path} is '
    if found.value is EMPTY:
        return f'{whole}missing, of type "{found.expected}"'
    return f'{whole}"{found.actual}" instead of "{found.expected}": {short(found.value)}'
