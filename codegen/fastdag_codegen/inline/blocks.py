"""What statements do to the flow of control: where they return, break, and whether they go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import libcst as cst

Statement = cst.BaseSmallStatement | cst.BaseCompoundStatement
Loop = cst.For | cst.While
Attempt = cst.Try | cst.TryStar
Safe = Callable[[cst.With], bool]
"""Tells of a ``with`` statement whether its managers certainly swallow no exception."""


def statements(body: cst.BaseSuite) -> list[Statement]:
    """List the statements of a block, each by itself."""
    found: list[Statement] = []
    for line in body.body:
        if isinstance(line, cst.SimpleStatementLine):
            found.extend(line.body)
        elif isinstance(line, cst.BaseCompoundStatement | cst.BaseSmallStatement):
            found.append(line)
    return found


def suites(one: cst.CSTNode) -> Iterator[cst.BaseSuite]:
    """Give the blocks of a statement in the order of the source."""
    if isinstance(one, cst.Match):
        yield from (case.body for case in one.cases)
    elif isinstance(one, cst.BaseCompoundStatement):
        yield one.body
        if isinstance(one, cst.Try | cst.TryStar):
            yield from (handler.body for handler in one.handlers)
        if isinstance(one, cst.If | cst.For | cst.While | cst.Try | cst.TryStar) and one.orelse is not None:
            yield from suites(one.orelse) if isinstance(one.orelse, cst.If) else (one.orelse.body,)
        if isinstance(one, cst.Try | cst.TryStar) and one.finalbody is not None:
            yield one.finalbody.body


def otherwise(one: Loop | Attempt) -> list[Statement]:
    """List the statements of the ``else`` of a loop or a ``try``."""
    return [] if one.orelse is None else statements(one.orelse.body)


def returns(one: cst.CSTNode) -> bool:
    """Tell whether a return is part of a statement."""
    if isinstance(one, cst.SimpleStatementLine):
        return any(isinstance(small, cst.Return) for small in one.body)
    return isinstance(one, cst.Return) or any(map(suite_returns, suites(one)))


def suite_returns(body: cst.BaseSuite) -> bool:
    """Tell whether a return is part of a block."""
    return any(map(returns, body.body))


def breaks(body: cst.BaseSuite) -> bool:
    """Tell whether the loop that a block is the body of, is left by ``break``."""
    for one in body.body:
        if isinstance(one, cst.Break):
            return True
        if isinstance(one, cst.SimpleStatementLine) and any(isinstance(small, cst.Break) for small in one.body):
            return True
        if isinstance(one, cst.For | cst.While):
            if one.orelse is not None and breaks(one.orelse.body):
                return True
        elif any(map(breaks, suites(one))):
            return True
    return False


def is_endless(one: cst.CSTNode) -> bool:
    """Tell whether a statement is ``while True`` or ``while 1``."""
    return isinstance(one, cst.While) and (
        (isinstance(one.test, cst.Name) and one.test.value == "True")
        or (isinstance(one.test, cst.Integer) and one.test.evaluated_value != 0)
    )


def falls(body: Iterable[cst.CSTNode], safe: Safe) -> bool:
    """Tell whether what follows some statements may be reached through them."""
    return all(_falls(one, safe) for one in body)


def _falls(one: cst.CSTNode, safe: Safe) -> bool:
    if isinstance(one, cst.SimpleStatementLine):
        return falls(one.body, safe)
    if isinstance(one, cst.Return | cst.Raise | cst.Continue | cst.Break):
        return False
    if isinstance(one, cst.If):
        return not covers(one) or any(falls(suite.body, safe) for suite in suites(one))
    if isinstance(one, cst.Match):
        return not covers(one) or any(falls(suite.body, safe) for suite in suites(one))
    if isinstance(one, cst.With):
        return not safe(one) or falls(one.body.body, safe)
    if isinstance(one, cst.Try | cst.TryStar):
        if one.finalbody is not None and not falls(one.finalbody.body.body, safe):
            return False
        inside = falls(one.body.body, safe) and falls(otherwise(one), safe)
        return inside or any(falls(handler.body.body, safe) for handler in one.handlers)
    if isinstance(one, cst.For | cst.While):
        return breaks(one.body) or not (is_endless(one) or not falls(otherwise(one), safe))
    return True


def covers(one: cst.If | cst.Match) -> bool:
    """Tell whether one of the branches is always taken."""
    if isinstance(one, cst.If):
        return isinstance(one.orelse, cst.Else) or (isinstance(one.orelse, cst.If) and covers(one.orelse))
    last = one.cases[-1]
    return last.guard is None and isinstance(last.pattern, cst.MatchAs) and last.pattern.pattern is None
