"""Plain data: what documents and databases hold without losing anything, and JSON as one way to write it."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from ..context import Results
from ..exceptions import SerializationError

DEPTH: Final = 100
"""How deep lists and mappings may be nested."""
_BITS: Final = 14_000
"""How long a whole number may be; Python reads and writes at most 4,300 digits."""
_SCALARS: Final = frozenset((type(None), bool, float))


class RefusedError(Exception):
    """Travels out of nested data and collects on its way where it began, innermost first."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.trail: list[str] = []

    def at(self, path: str = "") -> SerializationError:
        """Say it with the whole path."""
        return SerializationError(str(self), path=(path + "".join(reversed(self.trail))).removeprefix("."))


def plain(value: Any, path: str = "") -> Any:
    """Copy plain data: ``None``, bool, int, float, str, and lists and dicts of them with str keys.

    Subclasses are refused like everything else: they would come back as something else.

    Raises:
        SerializationError: something is not plain; ``path`` says where.

    """
    try:
        return copied(value)
    except RefusedError as refused:
        raise refused.at(path) from None


def copied(value: Any, depth: int = DEPTH) -> Any:
    """Copy plain data, or raise ``RefusedError``."""
    kind = kind_of(value)
    if kind in _SCALARS:
        return value
    if kind is str:
        return value if value.isascii() or _encodable(value) else refuse("the text holds half a surrogate pair")
    if kind is int:
        return value if value.bit_length() <= _BITS else refuse("the number has more than 4,200 digits")
    if kind is not list and kind is not dict and kind is not Results:  # results come back as a dict equal to them
        refuse(f"{a(kind)} is not plain data: {_HINTS.get(kind, 'store None, bool, int, float, str, list or dict')}")
    if depth == 0:
        refuse(f"lists and mappings are nested more than {DEPTH} deep")
    return _copied_list(value, depth - 1) if kind is list else _copied_dict(value, depth - 1)


def _copied_list(value: list[Any], depth: int) -> list[Any]:
    items: list[Any] = []
    try:
        for item in value:
            items.append(copied(item, depth))  # noqa: PERF401 - the place of a refused one is needed
    except RefusedError as refused:
        refused.trail.append(f"[{len(items)}]")
        raise
    return items


def _copied_dict(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, item in value.items():
        if type(key) is not str:
            refuse(f"the key {key!r} is not text")
        try:
            entries[copied(key)] = copied(item, depth)
        except RefusedError as refused:
            refused.trail.append(f".{key}")
            raise
    return entries


_HINTS: Final[dict[Any, str]] = {
    tuple: "it would come back as a list, so give a list",
    set: "it has no order, so give a sorted list",
    bytes: "give text, for example base64",
}


def kind_of(value: Any) -> Any:
    """Give the exact class; a type checker takes it as it is, and does not narrow the value."""
    kind: Any = type
    return kind(value)


def a(kind: Any) -> str:
    """Name a class with its article."""
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse(message: str) -> NoReturn:
    """Raise ``RefusedError``."""
    raise RefusedError(message)


def dump_json(data: Any, indent: int | None = None) -> str:
    """Write plain data as JSON.

    Raises:
        SerializationError: JSON has no word for a number that is not finite.

    """
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        raise SerializationError("JSON has no word for nan and inf: write YAML, or store None") from None


def load_json(text: str | bytes) -> Any:
    """Read JSON as plain data; a key that is said twice is refused.

    Raises:
        SerializationError: it is not JSON, or has a key twice; ``line`` says where it is known.

    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise SerializationError(f"not JSON: {error.msg} (column {error.colno})", line=error.lineno) from None
    except RecursionError:
        raise SerializationError(f"lists and mappings are nested more than {DEPTH} deep") from None
    except SerializationError:
        raise
    except (ValueError, TypeError) as error:  # bytes that are not UTF-8, a number of too many digits, not text at all
        raise SerializationError(f"not JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        left = set(found)
        for key, _ in pairs:
            if key not in left:
                raise SerializationError(f'the key "{key}" is given twice in one mapping')
            left.remove(key)
    return found


def _not_json(word: str) -> NoReturn:
    raise SerializationError(f"not JSON: {word} is no JSON number")
