"""From a body with returns to the same statements without: what returns becomes the end of its branch.

A sequence at whose end the function ends is *structured*: what follows a statement that may return moves into the one
branch that goes on, or into the ``else`` of a loop that is left by ``break`` instead. Where no branch, or more than one
could take it, the sequence becomes a loop that runs once, in which ``break`` does what ``return`` did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import libcst as cst

from . import blocks
from .blocks import Attempt, Loop, Safe, Statement, falls, returns, statements
from .rules import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .scopes import Script, Token

_DEEPEST: Final = 6
"""How often what follows moves inside, before a loop that runs once is easier to read."""


class Row(NamedTuple):
    """One line of code: how deep it is, its text, the line of the source file that it is of."""

    depth: int
    parts: tuple[Token, ...]
    line: int


class Exit(NamedTuple):
    """A place where the body returns.

    ``rows`` are those of the value, none for ``None``; ``line`` is that of the source file; ``number`` counts the
    returns of the function from 0 (-1: it is none of them).
    """

    depth: int
    rows: tuple[Row, ...]
    line: int
    number: int = -1


Item = Row | Exit


class Structure:
    """Writes one body.

    Args:
        script: the tokens of the function.
        safe: see ``blocks.Safe``.
    """

    def __init__(self, script: Script, safe: Safe) -> None:
        self.script = script
        self.safe = safe

    # -- sequences at whose end the function ends --------------------------------------------------------------------

    def tail(self, body: Sequence[Statement], depth: int = 0, moved: int = 0) -> list[Item]:
        """Write statements after which nothing follows; ``moved`` counts how often they were moved inside.

        Raises:
            RefusedError: a return cannot be expressed.
        """
        at = next((index for index, one in enumerate(body) if returns(one)), len(body))
        items: list[Item] = [row for one in body[:at] for row in self.verbatim(one, depth)]
        if at == len(body):
            return [*items, *self.end(body, depth)]
        one, rest = body[at], list(body[at + 1 :])
        if not falls([one], self.safe):
            rest = []
        return [*items, *(self.structured(one, rest, depth, moved) or self.once(one, rest, depth))]

    def end(self, body: Sequence[Statement], depth: int) -> list[Item]:
        """Write the end of a sequence: if it is reached, ``None`` is returned."""
        line = self.line(body[-1]) if body else 0
        return [Exit(depth, (), line)] if falls(body, self.safe) else []

    def structured(self, one: Statement, rest: list[Statement], depth: int, moved: int) -> list[Item]:
        """Write a statement that returns, and what follows; nothing if that cannot be done in place."""
        if isinstance(one, cst.Return):
            return [self.exit(one, depth)]
        if isinstance(one, cst.For | cst.While):
            return self.loop(one, rest, depth, moved)
        if moved > _DEEPEST:
            return []
        if isinstance(one, cst.If):
            return self.choice(one, rest, depth, moved)
        if isinstance(one, cst.Match):
            return self.match(one, rest, depth, moved)
        if isinstance(one, cst.Try | cst.TryStar):
            return self.attempt(one, rest, depth, moved)
        if isinstance(one, cst.With) and not rest and self.safe(one):
            return [*self.header(one, one.body, depth), *self.tail(statements(one.body), depth + 1, moved)]
        return []

    def choice(self, one: cst.If, rest: list[Statement], depth: int, moved: int) -> list[Item]:
        """Write branches, and what follows into the one that goes on."""
        if rest and self.ways_on(one) > 1:
            return []
        items: list[Item] = []
        branch: cst.If | cst.Else | None = one
        while branch is not None:
            block = statements(branch.body)
            moves = rest if falls(block, self.safe) else []
            items += self.header(branch, branch.body, depth)
            items += self.tail([*block, *moves], depth + 1, moved + bool(moves))
            if isinstance(branch, cst.If) and branch.orelse is None:
                items += self.otherwise(rest, depth, moved, self.line(one))
            branch = branch.orelse if isinstance(branch, cst.If) else None
        return items

    def otherwise(self, rest: list[Statement], depth: int, moved: int, line: int) -> list[Item]:
        """Write what follows into an ``else`` that was not there; an ``elif`` if it begins with an ``if``."""
        if rest and isinstance(rest[0], cst.If) and returns(rest[0]):
            nested = self.tail(rest, depth, moved)
            first = nested[0]
            if isinstance(first, Row) and isinstance(first.parts[0], str) and first.parts[0].startswith(("if ", "if(")):
                return [first._replace(parts=(f"el{first.parts[0]}", *first.parts[1:])), *nested[1:]]
        line = self.line(rest[0]) if rest else line
        return [Row(depth, ("else:",), line), *self.tail(rest, depth + 1, moved + 1)]

    def match(self, one: cst.Match, rest: list[Statement], depth: int, moved: int) -> list[Item]:
        """Write the cases of a ``match``, and what follows into the one that goes on."""
        if rest and self.ways_on(one) > 1:
            return []
        items: list[Item] = [*self.header(one, one.cases[0], depth)]
        for case in one.cases:
            block = statements(case.body)
            moves = rest if falls(block, self.safe) else []
            items += self.header(case, case.body, depth + 1)
            items += self.tail([*block, *moves], depth + 2, moved + bool(moves))
        if not blocks.covers(one):
            line = self.line(rest[0]) if rest else self.line(one)
            items += [Row(depth + 1, ("case _:",), line), *self.tail(rest, depth + 2, moved + 1)]
        return items

    def ways_on(self, one: cst.If | cst.Match) -> int:
        """Count the branches after which the function goes on."""
        return sum(falls(suite.body, self.safe) for suite in blocks.suites(one)) + (not blocks.covers(one))

    def attempt(self, one: Attempt, rest: list[Statement], depth: int, moved: int) -> list[Item]:
        """Write a ``try``, and what follows into its ``else``, which no handler covers."""
        self.check_finally(one)
        ends = blocks.otherwise(one)
        if (ends or rest) and blocks.suite_returns(one.body):
            return []
        if rest and (one.finalbody is not None or any(falls(two.body.body, self.safe) for two in one.handlers)):
            return []
        items: list[Item] = [*self.header(one, one.body, depth)]
        if ends or rest:
            items += self.inside(one.body, depth + 1)
        else:
            items += self.tail(statements(one.body), depth + 1, moved)
        for handler in one.handlers:
            items += self.header(handler, handler.body, depth)
            items += self.tail(statements(handler.body), depth + 1, moved)
        if ends or rest:
            if one.orelse is not None:
                items += self.header(one.orelse, one.orelse.body, depth)
            else:
                items.append(Row(depth, ("else:",), self.line(rest[0])))
            items += self.tail([*ends, *rest], depth + 1, moved + bool(rest))
        return items + self.finish(one, depth)

    def loop(self, one: Loop, rest: list[Statement], depth: int, moved: int) -> list[Item]:
        """Write a loop that is left by ``break`` instead, and what follows into its ``else``."""
        if blocks.breaks(one.body):
            if not blocks.suite_returns(one.body):
                return []
            raise RefusedError("return", "a loop is left by break and by return", self.line(one))
        items: list[Item] = [
            *self.header(one, one.body, depth),
            *self.block(statements(one.body), depth + 1, last=True),
        ]
        if blocks.is_endless(one):
            return items
        rest = [*blocks.otherwise(one), *rest]
        line = self.line(rest[0]) if rest else self.line(one)
        return [*items, Row(depth, ("else:",), line), *self.tail(rest, depth + 1, moved + 1)]

    def once(self, one: Statement, rest: list[Statement], depth: int) -> list[Item]:
        """Write a loop that runs once, and in which ``break`` does what ``return`` did."""
        items: list[Item] = [Row(depth, ("while True:",), self.line(one))]
        body = [one, *rest]
        for index, two in enumerate(body):
            if isinstance(two, cst.For | cst.While) and blocks.suite_returns(two.body):
                items += self.loop(two, body[index + 1 :], depth + 1, _DEEPEST)
                return [*items, Row(depth + 1, ("break",), self.line(two))]
            items += self.block([two], depth + 1, last=False)
            if not falls([two], self.safe):
                return items
        for end in self.end(body, depth + 1):
            items += [end, Row(depth + 1, ("break",), end.line)]
        return items

    # -- statements in a loop that is left where the function returned -----------------------------------------------

    def block(self, body: Sequence[Statement], depth: int, *, last: bool) -> list[Item]:
        """Write statements; ``last``: the next thing after them is the next round of the loop."""
        items: list[Item] = []
        for index, one in enumerate(body):
            rest = list(body[index + 1 :])
            if isinstance(one, cst.Return):
                end = self.exit(one, depth)
                return [*items, end, Row(depth, ("break",), end.line)]
            if isinstance(one, cst.For | cst.While) and returns(one):
                items += self.header(one, one.body, depth)
                if blocks.suite_returns(one.body):
                    return items + self.inner_loop(one, rest, depth, last=last)
                items += self.inside(one.body, depth + 1)
                if one.orelse is not None:
                    items += self.header(one.orelse, one.orelse.body, depth)
                    items += self.block(statements(one.orelse.body), depth + 1, last=False)
            else:
                items += (
                    self.in_place(one, depth, last=last and not rest) if returns(one) else self.verbatim(one, depth)
                )
        return items

    def inner_loop(self, one: Loop, rest: list[Statement], depth: int, *, last: bool) -> list[Item]:
        """Write a loop in a loop: one that ends by itself goes on with the outer one, one that is left leaves both."""
        if not last or blocks.breaks(one.body):
            raise RefusedError("return", "a return leaves a loop in the middle of another block", self.line(one))
        items = self.block(statements(one.body), depth + 1, last=True)
        if not blocks.is_endless(one):
            rest = [*blocks.otherwise(one), *rest]
            items += [Row(depth, ("else:",), self.line(rest[0]) if rest else self.line(one))]
            items += self.block(rest, depth + 1, last=True)
            if falls(rest, self.safe):
                items.append(Row(depth + 1, ("continue",), self.line(one)))
        return [*items, Row(depth, ("break",), self.line(one))]

    def in_place(self, one: Statement, depth: int, *, last: bool) -> list[Item]:
        """Write a statement that returns as it is, but for the returns."""
        items: list[Item] = []
        if isinstance(one, cst.If):
            branch: cst.If | cst.Else | None = one
            while branch is not None:
                items += self.header(branch, branch.body, depth)
                items += self.block(statements(branch.body), depth + 1, last=last)
                branch = branch.orelse if isinstance(branch, cst.If) else None
        elif isinstance(one, cst.Match):
            items += self.header(one, one.cases[0], depth)
            for case in one.cases:
                items += self.header(case, case.body, depth + 1)
                items += self.block(statements(case.body), depth + 2, last=last)
        elif isinstance(one, cst.With):
            items += self.header(one, one.body, depth)
            items += self.block(statements(one.body), depth + 1, last=last)
        elif isinstance(one, cst.Try | cst.TryStar):
            self.check_finally(one)
            items += self.header(one, one.body, depth)
            items += self.block(statements(one.body), depth + 1, last=last and one.orelse is None)
            for part in (*one.handlers, *([one.orelse] if one.orelse is not None else [])):
                items += self.header(part, part.body, depth)
                items += self.block(statements(part.body), depth + 1, last=last)
            items += self.finish(one, depth)
        else:
            raise RefusedError("return", "a return is where it cannot be", self.line(one))
        return items

    def check_finally(self, one: Attempt) -> None:
        """Refuse a ``finally`` that returns."""
        if one.finalbody is not None and blocks.suite_returns(one.finalbody.body):
            raise RefusedError("return", "a finally returns", self.line(one.finalbody))

    def finish(self, one: Attempt, depth: int) -> list[Row]:
        """Write the ``finally``."""
        if one.finalbody is None:
            return []
        return [*self.header(one.finalbody, one.finalbody.body, depth), *self.inside(one.finalbody.body, depth + 1)]

    # -- lines -------------------------------------------------------------------------------------------------------

    def inside(self, body: cst.BaseSuite, depth: int) -> list[Row]:
        """Write a block as it is."""
        return [row for one in statements(body) for row in self.verbatim(one, depth)]

    def verbatim(self, one: Statement, depth: int) -> list[Row]:
        """Write a statement as it is."""
        return self.rows(self.script.starts[id(one)], self.stop(one), self.script.margins[id(one)], depth)

    def header(self, one: cst.CSTNode, body: cst.CSTNode, depth: int) -> list[Row]:
        """Write what stands before a block."""
        return self.rows(self.script.starts[id(one)], self.script.starts[id(body)], None, depth)

    def exit(self, one: cst.Return, depth: int) -> Exit:
        """Write what is returned."""
        line, number = self.line(one), self.script.returns[id(one)]
        value = one.value
        if value is None:
            return Exit(depth, (), line, number)
        margin = self.script.margins[id(one)]
        rows = self.rows(self.script.starts[id(value)], self.script.ends[id(value)], margin, 0)
        if isinstance(value, cst.Tuple) and not value.lpar:
            rows[0] = rows[0]._replace(parts=("(", *rows[0].parts))
            rows[-1] = rows[-1]._replace(parts=(*rows[-1].parts, ")"))
        return Exit(depth, tuple(rows), line, number)

    def stop(self, one: Statement) -> int:
        """Give the end of a statement, without the semicolon after it."""
        semicolon = getattr(one, "semicolon", None)
        return self.script.starts[id(semicolon)] if isinstance(semicolon, cst.Semicolon) else self.script.ends[id(one)]

    def line(self, one: cst.CSTNode) -> int:
        """Give the line of the source file that a statement begins in."""
        return next(iter(self.rows(self.script.starts[id(one)], self.script.ends[id(one)], None, 0))).line

    def rows(self, start: int, end: int, margin: str | None, depth: int) -> list[Row]:
        """Cut tokens into lines, without those that are empty.

        The first begins at ``depth``; the others keep what they were indented by more than ``margin``, which is the
        first one's indentation if it is not given.
        """
        found: list[Row] = []
        for line, parts in _lines(self.script, start, end):
            text = parts[0] if isinstance(parts[0], str) else ""
            space = text[: len(text) - len(text.lstrip())]
            margin = space if margin is None else margin
            more = space.removeprefix(margin) if found and space.startswith(margin) else ""
            first = (more + text[len(space) :],) if isinstance(parts[0], str) else ((more,) if more else ()) + parts[:1]
            found.append(Row(depth, (*first, *parts[1:]), line))
        return found


def _lines(script: Script, start: int, end: int) -> Iterator[tuple[int, tuple[Token, ...]]]:
    """Give the lines of some tokens that are not empty, with the line of the source file; strings are joined."""
    parts: list[Token] = [""]
    line = 0
    for index in range(start, end):
        token = script.tokens[index]
        pieces: Sequence[Token] = token.split("\n") if isinstance(token, str) else (token,)
        for number, piece in enumerate(pieces):
            if number:
                if line:
                    yield line, _trimmed(parts)
                parts[:] = [""]
                line = 0
            if isinstance(piece, str) and isinstance(parts[-1], str):
                parts[-1] += piece
            else:
                parts.append(piece)
            if not line and not (isinstance(piece, str) and (not piece or piece.isspace())):
                line = script.lines[index] + number
    if line:
        yield line, _trimmed(parts)


def _trimmed(parts: list[Token]) -> tuple[Token, ...]:
    if isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(part for part in parts if part)
