"""Writes statements so that each begins at the line that it had, whatever was put in between."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass
class _Row:
    """What stands in one line: a statement, or what begins one with ``inside`` so many rows."""

    text: str
    depth: int
    line: int
    """Where it was; 0 if it is new."""
    inside: int = 0
    fixed: bool = True
    """Whether errors can be raised in that line."""


class LayoutError(Exception):
    """There is no line left for what was put in."""


def laid_out(function: ast.stmt) -> tuple[int, list[str]]:
    """Write a function, of which each statement keeps its ``lineno``; give the first line and all from there on.

    Statements without one (0) share the line of the next, or take an empty line before it.

    Raises:
        LayoutError: there is none.
    """
    rows = list(_rows(function, 0))
    places = _places(rows)
    found: dict[int, str] = {}
    for row, place in zip(rows, places, strict=True):
        before = found.get(place)
        if before is None:
            found[place] = "    " * row.depth + row.text
        else:
            found[place] = f"{before} {row.text}" if before.endswith(":") else f"{before}; {row.text}"
    return places[0], [found.get(line, "") for line in range(places[0], places[-1] + 1)]


def _places(rows: Sequence[_Row]) -> list[int]:
    """Find the line of each row, from the last to the first."""
    places = [0] * len(rows)
    for at in range(len(rows) - 1, -1, -1):
        row = rows[at]
        if at == len(rows) - 1:
            places[at] = row.line
            continue
        after = rows[at + 1]
        if row.inside:
            suite = rows[at + 1 : at + 1 + row.inside]
            joins = not any(one.inside for one in suite) and len({*places[at + 1 : at + 1 + row.inside]}) == 1
        else:
            joins = not after.inside and after.depth == row.depth
        latest = places[at + 1] if joins else places[at + 1] - 1
        wanted = row.line or latest
        if row.fixed and row.line and row.line > latest:
            raise LayoutError
        if not row.fixed and joins and at and rows[at - 1].line < latest - 1:
            latest -= 1
        places[at] = min(wanted, latest)
    return places


def _rows(node: ast.stmt, depth: int) -> Iterator[_Row]:
    line: int = getattr(node, "lineno", 0)
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
            returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
            yield from _suite(
                f"{word} {node.name}({ast.unparse(node.args)}){returns}:", node.body, depth, line, fixed=False
            )
        case ast.If():
            yield from _suite(f"if {ast.unparse(node.test)}:", node.body, depth, line)
            rest = node.orelse
            while len(rest) == 1 and isinstance(rest[0], ast.If) and rest[0].lineno:
                other = rest[0]
                yield from _suite(f"elif {ast.unparse(other.test)}:", other.body, depth, other.lineno)
                rest = other.orelse
            yield from _end("else:", rest, depth)
        case ast.While():
            yield from _suite(f"while {ast.unparse(node.test)}:", node.body, depth, line)
            yield from _end("else:", node.orelse, depth)
        case ast.For() | ast.AsyncFor():
            word = "async for" if isinstance(node, ast.AsyncFor) else "for"
            head = f"{word} {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"
            yield from _suite(head, node.body, depth, line)
            yield from _end("else:", node.orelse, depth)
        case ast.With() | ast.AsyncWith():
            word = "async with" if isinstance(node, ast.AsyncWith) else "with"
            yield from _suite(f"{word} {', '.join(map(ast.unparse, node.items))}:", node.body, depth, line)
        case ast.Try():
            yield from _suite("try:", node.body, depth, line, fixed=False)
            for one in node.handlers:
                kind = "" if one.type is None else f" {ast.unparse(one.type)}"
                name = "" if one.name is None else f" as {one.name}"
                yield from _suite(f"except{kind}{name}:", one.body, depth, one.lineno)
            yield from _end("else:", node.orelse, depth)
            yield from _end("finally:", node.finalbody, depth)
        case ast.Match():
            rows = [row for one in node.cases for row in _case(one, depth + 1)]
            yield _Row(f"match {ast.unparse(node.subject)}:", depth, line, len(rows))
            yield from rows
        case _:
            # The variable, which mypy takes for the statement where it follows a semicolon.
            yield _Row(re.sub(r"^match\b", "(match)", ast.unparse(node)), depth, line)


def _case(node: ast.match_case, depth: int) -> Iterator[_Row]:
    guard = "" if node.guard is None else f" if {ast.unparse(node.guard)}"
    yield from _suite(f"case {ast.unparse(node.pattern)}{guard}:", node.body, depth, node.pattern.lineno)


def _end(head: str, body: Sequence[ast.stmt], depth: int) -> Iterator[_Row]:
    """Write what ends a statement; the syntax tree does not tell where it was."""
    if body:
        yield from _suite(head, body, depth, 0, fixed=False)


def _suite(head: str, body: Sequence[ast.stmt], depth: int, line: int, *, fixed: bool = True) -> Iterator[_Row]:
    rows = [row for one in body for row in _rows(one, depth + 1)]
    yield _Row(head, depth, line, len(rows), fixed)
    yield from rows
