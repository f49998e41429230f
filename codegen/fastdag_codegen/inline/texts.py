"""String literals on one line, whatever lines they were written on: what is indented must not be inside a string."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

from ..names import string
from .rules import RefusedError

_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_KNOWN: Final = "\n\\'\"abfnrtvx01234567NuU"


def one_line(token: str) -> str:
    """Write a string literal on one line, and without escapes that Python warns of."""
    if "\\" not in token and "\n" not in token:
        return token
    prefix = token[: len(token) - len(token.lstrip("rRbBuU"))].lower()
    known = _KNOWN.rstrip("NuU") if "b" in prefix else _KNOWN
    if "\n" not in token and ("r" in prefix or all(found[1] in known for found in _PAIR.finditer(token))):
        return token
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = ast.literal_eval(token)
    if isinstance(value, bytes):
        return repr(value)
    return '"' + "\\n".join(string(part)[1:-1] for part in value.split("\n")) + '"'


def one_line_part(text: str, start: str) -> str:
    """Write what stands between the braces of an f-string on one line; ``start`` is the string's prefix and quotes.

    Raises:
        RefusedError: it is a raw string of several lines.
    """
    if "r" in start.lower():
        if "\n" in text:
            raise RefusedError("syntax", "a raw f-string goes over several lines")
        return text
    return _PAIR.sub(_known, text).replace("\n", "\\n")


def _known(found: re.Match[str]) -> str:
    if found[1] == "\n":
        return ""
    return found[0] if found[1] in _KNOWN else f"\\{found[0]}"
