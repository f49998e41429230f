"""Follows the ways through a function and through its body, and makes up functions with many ways."""

from __future__ import annotations

import ast
from random import Random
from typing import TYPE_CHECKING, Any, Final

from fastdag_codegen.inline.reading import subject
from tests.codegen.inline.flat import inlined, source

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST: Final = 300
"""Steps of a way, at most."""

Step = tuple[str, int]


class _BreakError(Exception):
    pass


class _ContinueError(Exception):
    pass


class _ReturnError(Exception):
    pass


class _FailedError(Exception):
    pass


class _EnoughError(Exception):
    pass


class Way:
    """Follows one way through statements: what is not known of a test, a loop, a failure, is left to chance.

    Args:
        chance: gives the same sequence for the function and for its body.
        lines: the line of the source for a line of the text.
        result: the variable that is assigned where the function returned; ``None`` for the function itself.
    """

    def __init__(self, chance: Random, lines: Callable[[int], int], result: str | None) -> None:
        self.chance = chance
        self.lines = lines
        self.result = result
        self.log: list[Step] = []
        self.returned = -1

    def follow(self, statements: list[ast.stmt]) -> list[Step]:
        """Give the steps, and what is returned in the end: the line of a value, or nothing."""
        end = self.result is None
        try:
            self.block(statements)
        except _ReturnError:
            end = False
        except _FailedError:
            return [*self.log, ("fails", 0)]
        except _EnoughError:
            return self.log
        return [*self.log, ("returns", 0 if end else self.returned)]

    def block(self, statements: list[ast.stmt]) -> None:
        for node in self.without_ends(statements):
            name = type(node).__name__.lower()
            getattr(self, f"{name}_", getattr(self, name, self.other))(node)

    def without_ends(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Leave out what ends variables where the function returned."""
        given = [ast.unparse(node).startswith(f"{self.result} =") for node in body]
        if not any(given):
            return body
        end = given.index(True) + 1
        return [*body[:end], *(node for node in body[end:] if isinstance(node, ast.Break))]

    def note(self, what: str, node: Any) -> None:
        self.log.append((what, self.lines(node.lineno)))
        if len(self.log) > LONGEST:
            raise _EnoughError

    def perhaps(self, what: str, node: Any, share: float = 0.5) -> bool:
        answer = self.chance.random() < share
        self.note(f"{what} {answer}", node)
        return answer

    def evaluate(self, node: Any) -> None:
        if any(isinstance(one, ast.Call) for one in ast.walk(node)) and self.perhaps("fail", node, 0.15):
            raise _FailedError

    def other(self, node: ast.stmt) -> None:
        self.note(type(node).__name__.replace("AnnAssign", "Assign"), node)
        if self.perhaps("fail", node, 0.1):
            raise _FailedError

    def pass_(self, node: ast.Pass) -> None:
        self.note("pass", node)

    def assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == self.result:
            self.value(node.value)
        else:
            self.other(node)

    def value(self, node: ast.expr | None) -> None:
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            self.returned = 0
            return
        self.note("value", node)
        self.evaluate(node)
        self.returned = self.lines(node.lineno)

    def return_(self, node: ast.Return) -> None:
        self.value(node.value)
        raise _ReturnError

    def raise_(self, node: ast.Raise) -> None:
        self.note("raise", node)
        raise _FailedError

    def break_(self, node: ast.Break) -> None:
        raise _BreakError

    def continue_(self, node: ast.Continue) -> None:
        raise _ContinueError

    def if_(self, node: ast.If) -> None:
        self.evaluate(node.test)
        self.block(node.body if self.perhaps("if", node.test) else node.orelse)

    def while_(self, node: ast.While) -> None:
        def goes_on() -> bool:
            if isinstance(node.test, ast.Constant) and node.test.value:
                return True
            self.evaluate(node.test)
            return self.perhaps("while", node.test, 0.6)

        self.loop(node, goes_on)

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        self.evaluate(node.iter)
        self.loop(node, lambda: self.perhaps("for", node.iter, 0.6))

    asyncfor = for_

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, goes_on: Callable[[], bool]) -> None:
        while goes_on():
            try:
                self.block(node.body)
            except _ContinueError:
                continue
            except _BreakError:
                return
        self.block(node.orelse)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        self.items(node, node.items)

    asyncwith = with_

    def items(self, node: ast.With | ast.AsyncWith, items: list[ast.withitem]) -> None:
        if not items:
            self.block(node.body)
            return
        manager = items[0].context_expr
        self.evaluate(manager)
        safe = isinstance(manager, ast.Call) and ast.unparse(manager.func) == "open"
        try:
            self.items(node, items[1:])
        except _FailedError:
            if safe or not self.perhaps("swallow", manager):
                raise
        except (_ReturnError, _BreakError, _ContinueError):
            self.note("exit", manager)
            raise
        else:
            self.note("exit", manager)

    def try_(self, node: ast.Try | ast.TryStar) -> None:
        try:
            self.attempt(node)
        finally:
            self.block(node.finalbody)

    trystar = try_

    def attempt(self, node: ast.Try | ast.TryStar) -> None:
        try:
            self.block(node.body)
        except _FailedError:
            for handler in node.handlers:
                if self.perhaps("handle", handler, 0.7):
                    self.block(handler.body)
                    return
            raise
        self.block(node.orelse)

    def match(self, node: ast.Match) -> None:
        self.evaluate(node.subject)
        for case in node.cases:
            always = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            fits = always or self.perhaps("case", case.pattern)
            if fits and (case.guard is None or self.perhaps("guard", case.guard)):
                self.block(case.body)
                return


def same_ways(func: Any, tries: int = 30) -> bool:
    """Tell whether a function and its body take the same steps, whatever the outcome of each."""
    flat = inlined(func)
    lines = [line.line for line in flat.inlined.lines]
    written = ast.parse(flat.text).body[0]
    assert isinstance(written, ast.FunctionDef | ast.AsyncFunctionDef)
    own = subject(func, source(func)).tree
    body = own.body[1:] if ast.get_docstring(own, clean=False) is not None else own.body
    for seed in range(tries):
        there = Way(Random(seed), lambda line: line, None).follow(body)  # noqa: S311 - no secret
        way = Way(Random(seed), lambda line: lines[line - 2], "returned")  # noqa: S311 - no secret
        here = way.follow(_without_ends(written.body[:-2]))
        assert here == there, flat.text
    return True


def _without_ends(body: list[ast.stmt]) -> list[ast.stmt]:
    """Leave out what gives variables a value before the body, and ends them after it."""

    def is_end(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign) and ast.unparse(node).startswith("node_"):
            return ast.unparse(node.value) == "None"
        return isinstance(node, ast.Delete)

    def is_start(node: ast.stmt) -> bool:
        return isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "Any"

    while body and is_end(body[-1]):
        body = body[:-1]
    while body and is_start(body[0]):
        body = body[1:]
    return body


class Maker:
    """Makes up functions out of nothing but ways: each statement has a line of its own, and tests mean nothing."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.left = 0

    def function(self, name: str) -> str:
        self.lines = [f"def {name}():"]
        self.left = self.random.randint(3, 14)
        self.block(1, loop=False)
        while self.left > 0 and self.random.random() < 0.8:
            self.statement(1, loop=False)
        if self.random.random() < 0.6:
            self.add(1, "return step()")
        return "\n".join(self.lines)

    def add(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def block(self, depth: int, *, loop: bool) -> None:
        self.statement(depth, loop=loop)
        while self.left > 0 and self.random.random() < 0.45:
            self.statement(depth, loop=loop)
        share = self.random.random()
        if share < 0.4:
            self.add(depth, self.random.choice(["return step()", "return step()", "return", "return None", "return 1"]))
        elif share < 0.5 and loop:
            self.add(depth, self.random.choice(["break", "continue", "continue"]))
        elif share < 0.55:
            self.add(depth, "raise Error")

    def statement(self, depth: int, *, loop: bool) -> None:
        self.left -= 1
        kinds = ["step"] * 2 + (["if"] * 4 + ["for", "while", "endless", "try", "try", "with", "match"]) * (depth < 5)
        getattr(self, f"make_{self.random.choice(kinds)}")(depth, loop)

    def make_step(self, depth: int, _: bool) -> None:
        self.add(depth, "step()")

    def make_if(self, depth: int, loop: bool) -> None:
        self.add(depth, self.random.choice(["if step():", "if test:"]))
        self.block(depth + 1, loop=loop)
        while self.random.random() < 0.25:
            self.add(depth, "elif test:")
            self.block(depth + 1, loop=loop)
        self.maybe(depth, "else:", 0.4, loop)

    def make_for(self, depth: int, loop: bool) -> None:
        self.add(depth, "for _ in step():")
        self.block(depth + 1, loop=True)
        self.maybe(depth, "else:", 0.3, loop)

    def make_while(self, depth: int, loop: bool) -> None:
        self.add(depth, "while step():")
        self.block(depth + 1, loop=True)
        self.maybe(depth, "else:", 0.3, loop)

    def make_endless(self, depth: int, _: bool) -> None:
        self.add(depth, "while True:")
        self.block(depth + 1, loop=True)

    def make_try(self, depth: int, loop: bool) -> None:
        self.add(depth, "try:")
        self.block(depth + 1, loop=loop)
        handlers = self.random.randint(0, 2)
        for number in range(handlers):
            self.add(depth, "except KeyError:" if number == 0 else "except ValueError:")
            self.block(depth + 1, loop=loop)
        if handlers:
            self.maybe(depth, "else:", 0.4, loop)
        if not handlers or self.random.random() < 0.2:
            self.add(depth, "finally:")
            self.add(depth + 1, "step()")

    def make_with(self, depth: int, loop: bool) -> None:
        self.add(depth, self.random.choice(["with step():", "with open(name):", "with step(), open(name):"]))
        self.block(depth + 1, loop=loop)

    def make_match(self, depth: int, loop: bool) -> None:
        self.add(depth, "match test:")
        for number in range(self.random.randint(1, 3)):
            self.add(depth + 1, self.random.choice([f"case {number}:", f"case {number} if test:"]))
            self.block(depth + 2, loop=loop)
        self.maybe(depth + 1, "case _:", 0.4, loop)

    def maybe(self, depth: int, header: str, share: float, loop: bool) -> None:
        if self.random.random() < share:
            self.add(depth, header)
            self.block(depth + 1, loop=loop)
