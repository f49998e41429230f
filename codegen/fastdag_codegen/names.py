"""Legal, unique names and exact literals: nothing that users write in names or docstrings becomes code."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from math import isfinite
from typing import Any, Final

# The Unicode database of version 3.2 is the same in every Python, so the same names give the same bytes everywhere.
_UNICODE: Final = unicodedata.ucd_3_2_0
_LONGEST: Final = 200
_DEEPEST: Final = 3

RESERVED: Final = frozenset(
    (
        *keyword.kwlist,
        *dir(builtins),
        *("Any", "Callable", "ConditionalReturn", "Context", "FSMContext", "FSMReturn", "Final", "INLINED", "INPUTS"),
        *("KEPT", "LINES", "MODE", "NotRequired", "PLAN", "Results", "SKIPPED", "SOURCES", "SelectReturn", "TARGET"),
        *("TYPE_CHECKING", "TypedDict", "UNSET", "WATCHED", "annotations", "asyncio", "cast", "check_inputs"),
        *("choose", "context", "error", "failure", "run", "run_async", "walk"),
    )
)
"""Names that a generated module uses itself, and those that would hide what every reader takes for Python's own."""


class Namespace:
    """Hands out names that are legal, and unique here and in the namespaces around."""

    def __init__(self, *around: Namespace) -> None:
        self._around = around
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken or name in RESERVED or any(name in outer for outer in self._around)

    def take(self, wish: str) -> str:
        """Take a name as close to the wish as possible; one that is taken gets a number."""
        name = wish if wish not in self else ""
        number = self._next.get(wish, 0)
        while not name:
            number += 1
            candidate = f"{wish}_{number}"
            name = candidate if candidate not in self else ""
        self._next[wish] = number
        self._taken.add(name)
        return name

    def local(self, wish: str) -> str:
        """Take a name for a variable; those of the module begin with an underscore, so these do not."""
        return self.take(stem(wish))

    def of_module(self, wish: str) -> str:
        """Take a name for something of the module, with the underscore before it."""
        return self.take(f"_{stem(wish)}")


def identifier(text: str) -> str:
    """Make an identifier of a text: what cannot be part of one becomes an underscore."""
    kept = "".join(char if _is_letter(char) or (char.isascii() and char.isalnum()) else "_" for char in text)
    if not kept.isidentifier() and f"n{kept}".isidentifier():
        kept = f"n{kept}"
    if not kept.isidentifier() or _UNICODE.normalize("NFKC", kept) != kept:
        kept = "".join(char if char.isascii() else "_" for char in kept)
    return kept or "_"


def stem(text: str) -> str:
    """Make an identifier that does not begin with an underscore."""
    found = identifier(text).lstrip("_")
    return found if found.isidentifier() else f"n{found}"


def is_plain(name: str) -> bool:
    """Tell whether a name can be written as it is after a dot, as a keyword argument, and as a key of a class body."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def comment(text: str) -> str:
    """Write a text into a comment: one line, without characters that are not seen."""
    return "".join(map(_shown, text))


def literal(value: Any, depth: int = 0) -> str | None:
    """Write an immutable value as a literal that gives exactly it; ``None`` if there is none worth reading."""
    kind = type(value)
    if value is None or value is Ellipsis or kind is bool or (kind is float and isfinite(value)):
        return repr(value)
    if kind is int and value.bit_length() <= _LONGEST:
        return str(value)
    if kind in (str, bytes) and len(value) <= _LONGEST:
        return string(value) if kind is str else repr(value)
    if kind is tuple and depth < _DEEPEST and len(value) <= _LONGEST:
        items = [literal(item, depth + 1) for item in value]
        known = [item for item in items if item is not None]
        if len(known) == len(items):
            return f"({', '.join(known)}{',' if len(known) == 1 else ''})"
    return None


def string(text: str) -> str:
    """Write a text as a string literal."""
    return '"' + "".join(f"\\{char}" if char in '"\\' else _shown(char) for char in text) + '"'


def _is_letter(char: str) -> bool:
    return not char.isascii() and _UNICODE.category(char)[0] == "L"


def _shown(char: str) -> str:
    if " " <= char <= "~" or _is_letter(char):
        return char
    code = ord(char)
    for digits, letter in ((2, "x"), (4, "u")):
        if code < 16**digits:
            return f"\\{letter}{code:0{digits}x}"
    return f"\\U{code:08x}"
