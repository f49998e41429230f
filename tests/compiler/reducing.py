"""From a module that shows a fault to a small one that does, too."""

from __future__ import annotations

import ast
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LISTS = ("body", "orelse", "finalbody", "handlers", "cases", "targets", "keywords", "args", "elts")


def reduced(text: str, shows: Callable[[str], bool], seconds: float = 60) -> str:
    """Take statements and parts of expressions away as long as the text still ``shows`` what it did."""
    end = time.monotonic() + seconds
    best, place, changed = text, 0, True
    while time.monotonic() < end:
        smaller = _without(best, place)
        if not smaller and not changed:
            return best
        if not smaller:
            place, changed = 0, False
            continue
        found = next((one for one in smaller if one != best and shows(one)), None)
        best, place, changed = (best, place + 1, changed) if found is None else (found, place, True)
    return best


def _without(text: str, place: int) -> list[str]:
    """Write the text without what stands at a place, outer ones first, or with only the block that is in it."""
    found: list[str] = []
    for keeps_block in (False, True):
        tree = ast.parse(text)
        places = [*_places(tree)]
        if place >= len(places):
            return []
        holder, name, index = places[place]
        field: list[ast.AST] = getattr(holder, name)
        block = getattr(field[index], "body", None) if keeps_block else []
        if not isinstance(block, list):
            continue
        field[index : index + 1] = block
        if not field and name == "body":
            field.append(ast.Pass())
        try:
            found.append(ast.unparse(ast.fix_missing_locations(tree)) + "\n")
        except Exception:  # noqa: BLE001 - a tree that cannot be written is none
            found.append(text)
    return found


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int]]:
    for node in ast.walk(tree):
        for name in _LISTS:
            field = getattr(node, name, None)
            if isinstance(field, list) and not (len(field) == 1 and isinstance(field[0], ast.Pass)):
                yield from ((node, name, index) for index in range(len(field)))
