"""Records, the dataclasses of the public API, as plain data, JSON, YAML and database rows, and back.

A value comes back equal to what it was, or is refused with its path when it is stored. Three kinds of values are stored
as something simpler, and come back as that: a node that a return value names as its name; an exception as its type and
arguments (a built-in one comes back as itself, any other as ``StoredError``); a port's type as text (types made of
builtins, ``typing`` and ``collections.abc`` come back, another one stays its text, against which nothing is checked).
"""

from __future__ import annotations

from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from ..diagnostic import did_you_mean
from ..exceptions import SerializationError
from .codecs import StoredError, record_of
from .plain import RefusedError, dump_json, load_json, refuse
from .yamltext import dump_yaml, load_yaml

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from .codecs import Field

__all__ = ["StoredError", "from_dict", "from_json", "from_row", "from_yaml", "to_dict", "to_json", "to_row", "to_yaml"]

T = TypeVar("T")
Cell = str | int | float | None | bytes
_LARGEST: Final = 2**63


class Row(Protocol):
    """Columns by name: a mapping, or an ``sqlite3.Row``."""

    def keys(self) -> Iterable[str]:
        """Name the columns."""
        ...

    def __getitem__(self, key: str, /) -> Any: ...


def to_dict(record: Any) -> dict[str, Any]:
    """Write a record as plain data.

    Raises:
        SerializationError: a value cannot be stored; ``path`` says which.

    """
    with _located():
        return record_of(type(record)).encode(record)


def from_dict(cls: type[T], data: Mapping[str, Any]) -> T:
    """Make a record of plain data.

    Raises:
        SerializationError: the data does not fit the record; ``path`` says where.

    """
    with _located():
        record: T = record_of(cls).decode(data)
    return record


def to_json(record: Any, *, indent: int | None = None) -> str:
    """Write a record as JSON; otherwise as ``to_dict``. Numbers that are not finite are refused, too."""
    return dump_json(to_dict(record), indent)


def from_json(cls: type[T], text: str | bytes) -> T:
    """Make a record of JSON; otherwise as ``from_dict``."""
    return from_dict(cls, load_json(text))


def to_yaml(record: Any) -> str:
    """Write a record as YAML; otherwise as ``to_dict``."""
    return dump_yaml(to_dict(record))


def from_yaml(cls: type[T], text: str | bytes) -> T:
    """Make a record of YAML; otherwise as ``from_dict``."""
    return from_dict(cls, load_yaml(text).data)


def to_row(record: Any) -> dict[str, Cell]:
    """Write a record as the columns of a database row: numbers and text as they are, everything else as JSON.

    Truth is 0 or 1, and what was not given is ``None``, as is a ``None`` that its field allows.

    Raises:
        SerializationError: a value cannot be stored, or a number is beyond 64 bits; ``path`` says which.

    """
    data = to_dict(record)
    with _located():
        return {name: _cell(field, data) for name, field in record_of(type(record)).fields.items()}


def from_row(cls: type[T], row: Row) -> T:
    """Make a record of a database row; columns in any order, and no others.

    Raises:
        SerializationError: the row does not fit the record; ``path`` says where.

    """
    fields = record_of(cls).fields
    data: dict[str, Any] = {}
    for name, cell in dict(row).items():
        field = fields.get(name)
        if field is None:
            hint = did_you_mean(name, fields, what="columns")
            raise SerializationError(f'{cls.__name__} has no column "{name}" ({hint})', path=name)
        if cell is not None:
            data[name] = _value(field, cell)
        elif field.is_nullable:
            data[name] = None
    return from_dict(cls, data)


@contextmanager
def _located() -> Generator[None]:
    try:
        yield
    except RefusedError as refused:
        raise refused.at() from None
    except RecursionError:
        raise SerializationError("records are nested too deep, or inside themselves") from None


def _cell(field: Field, data: dict[str, Any]) -> Cell:
    value = data.get(field.name)
    if field.name not in data or (value is None and field.is_nullable):
        return None
    try:
        if field.native is None:
            return dump_json(value)
        if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            refuse("the number does not fit into the 64 bits of a database column")
        if isinstance(value, float) and not isfinite(value):
            refuse("databases have no nan and inf")
    except RefusedError as refused:
        refused.trail.append(field.name)
        raise
    except SerializationError as error:
        raise SerializationError(str(error), path=field.name) from None
    cell: Cell = int(value) if isinstance(value, bool) else value
    return cell


def _value(field: Field, cell: Any) -> Any:
    if field.native is None:
        try:
            return load_json(cell)
        except SerializationError as error:
            raise SerializationError(str(error), path=field.name) from None
    if field.native is bool and cell in (0, 1):
        return bool(cell)
    return cell
