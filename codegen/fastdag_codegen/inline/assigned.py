"""Definite assignment: where a variable is certainly bound, and which are bound when a function returns.

Source: the rules of definite assignment of the Java Language Specification, chapter 16, with Python's exceptions,
``del``, ``except ... as`` and ``with`` statements that swallow exceptions.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from .managers import lets_errors_through
from .rules import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .reading import Subject
    from .trees import Scoping


class State(NamedTuple):
    """What is known at one point of a function: the variables certainly bound, and those perhaps bound."""

    bound: frozenset[str]
    perhaps: frozenset[str]

    def bind(self, *names: str) -> State:
        """Go on after names are bound."""
        return State(self.bound.union(names), self.perhaps.union(names))

    def unbind(self, *names: str) -> State:
        """Go on after names are deleted."""
        return State(self.bound.difference(names), self.perhaps.difference(names))


class Exits(NamedTuple):
    """The variables that are certainly bound, and perhaps bound, when a function returns.

    ``order`` is the one in which CPython ends them: as they occur, then those that inner functions read, by name. Until
    Python 3.11 comprehensions are such functions, and have variables of their own; ``older`` is the order there.
    """

    bound: frozenset[str]
    perhaps: frozenset[str]
    order: tuple[str, ...]
    older: tuple[str, ...]
    returns: Mapping[ast.Return, State]
    """What is known at each of several returns, if one of them ends the function, and only branches are around them."""

    @property
    def uncertain(self) -> list[str]:
        """The variables that are perhaps bound, in the order in which they end."""
        states = self.returns.values() or [State(self.bound, self.perhaps)]
        return [name for name in self.order if any(name in one.perhaps and name not in one.bound for one in states)]

    def ends(self, state: State | None = None) -> tuple[tuple[str, bool], ...]:
        """List the variables that end with the function, or at a return, and whether they are certainly bound."""
        bound, perhaps = state or (self.bound, self.perhaps)
        return tuple((name, name in bound) for name in self.order if name in perhaps)


def assignments(subject: Subject, scoping: Scoping, given: Iterable[str]) -> Exits:
    """Follow every way through a function; ``given`` are the variables bound before it begins.

    Raises:
        RefusedError: a variable is read, or deleted, that is not certainly bound.
    """
    walk = _Walk(subject, scoping)
    start = State(frozenset(given), frozenset(given))
    end = walk.block(subject.tree.body, start)
    exits = [*walk.returns, *([end] if end is not None else [])]
    joined = _join(exits) or State(frozenset(), frozenset())
    order = _ordered(scoping, walk.order, scoping.captured)
    older = _ordered(scoping, walk.older, scoping.captured | scoping.eagerly)
    plain = end is None and len(walk.at) > 1 and walk.only_branches_are_around_returns()
    return Exits(joined.bound, joined.perhaps.intersection(order), order, older, walk.at if plain else {})


def _ordered(scoping: Scoping, found: Iterable[str], cells: set[str]) -> tuple[str, ...]:
    own = (*scoping.parameters, *(name for name in found if name not in cells))
    return tuple(dict.fromkeys((*own, *sorted(cells))))


class _Loop:
    def __init__(self) -> None:
        self.breaks: list[State] = []


class _Walk:
    """Walks through statements in the order in which they run."""

    def __init__(self, subject: Subject, scoping: Scoping) -> None:
        self.subject = subject
        self.scoping = scoping
        self.returns: list[State] = []
        self.at: dict[ast.Return, State] = {}
        self.order: dict[str, None] = {}
        self.older: dict[str, None] = {}
        self._around: list[_Loop | list[ast.stmt] | str] = []  # loops, finally blocks, names of except ... as

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, body: Iterable[ast.stmt], state: State | None) -> State | None:
        """Walk through statements; ``None``: the end is never reached."""
        for node in body:
            if state is None:
                return None
            state = self.statement(node, state)
        return state

    def statement(self, node: ast.stmt, state: State) -> State | None:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            found: State | None = method(node, state)
            return found
        return self.expressions(ast.iter_child_nodes(node), state)  # Expr, Pass

    def _assign(self, node: ast.Assign, state: State) -> State:
        return self.expressions(node.targets, self.expression(node.value, state))

    def _augassign(self, node: ast.AugAssign, state: State) -> State:
        if isinstance(node.target, ast.Name):
            self._read(node.target, state)
            return self.expression(node.value, state).bind(node.target.id)
        return self.expression(node.value, self.expression(node.target, state))

    def _annassign(self, node: ast.AnnAssign, state: State) -> State:
        return state if node.value is None else self.expression(node.target, self.expression(node.value, state))

    def _delete(self, node: ast.Delete, state: State) -> State:
        return self.expressions(node.targets, state)

    def _import(self, node: ast.Import | ast.ImportFrom, state: State) -> State:
        for one in node.names:
            state = self._bind(one.asname or one.name, state)
        return state

    _importfrom = _import

    def _return(self, node: ast.Return, state: State) -> None:
        value = state if node.value is None else self.expression(node.value, state)
        self.at[node] = value
        end, _ = self._leave(value, to_loop=False)
        self.returns += [end] if end is not None else []

    def only_branches_are_around_returns(self) -> bool:
        """Tell whether every return has been met, and none is in a loop, a ``try`` or a ``with``."""
        for node in self.subject.nodes:
            around = self.scoping.parents.get(node) if isinstance(node, ast.Return) else None
            while isinstance(around, ast.If | ast.Match | ast.match_case):
                around = self.scoping.parents.get(around)
            if around is not None or (isinstance(node, ast.Return) and node not in self.at):
                return False
        return True

    def _leave(self, state: State | None, *, to_loop: bool) -> tuple[State | None, _Loop | None]:
        """Go out through what is around, inside first; that is where CPython meets the names of ``finally``, too."""
        kept = self._around
        loop: _Loop | None = None
        for index in reversed(range(len(kept))):
            around = kept[index]
            self._around = kept[:index]
            if isinstance(around, str):
                state = state and state.unbind(around)
            elif isinstance(around, list):
                state = self.block(around, state)
            elif to_loop:
                loop = around
                break
        self._around = kept
        return state, loop

    def _raise(self, node: ast.Raise, state: State) -> None:
        self.expressions(ast.iter_child_nodes(node), state)

    def _break(self, _: ast.Break, state: State) -> None:
        end, loop = self._leave(state, to_loop=True)
        if loop is not None and end is not None:
            loop.breaks.append(end)

    def _continue(self, _: ast.Continue, state: State) -> None:
        self._leave(state, to_loop=True)  # the head of the loop knows what the body may do

    def _assert(self, node: ast.Assert, state: State) -> State:
        true, false = self.test(node.test, state)
        failed = false if node.msg is None else self.expression(node.msg, false)
        return State(state.bound, true.perhaps | failed.perhaps)  # with -O it is not there

    def _if(self, node: ast.If, state: State) -> State | None:
        true, false = self.test(node.test, state)
        return _join([self.block(node.body, true), self.block(node.orelse, false)])

    def _while(self, node: ast.While, state: State) -> State | None:
        loop = _Loop()
        state = self._blur(state, [node.test, *node.body])
        true, false = self.test(node.test, state)
        self._around.append(loop)
        self.block(node.body, true)
        self._around.pop()
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        return _join([*loop.breaks, self.block(node.orelse, None if endless else false)])

    def _for(self, node: ast.For | ast.AsyncFor, state: State) -> State | None:
        loop = _Loop()
        state = self._blur(self.expression(node.iter, state), [node.target, *node.body])
        self._around.append(loop)
        self.block(node.body, self.expression(node.target, state))
        self._around.pop()
        return _join([*loop.breaks, self.block(node.orelse, state)])

    _asyncfor = _for

    def _with(self, node: ast.With | ast.AsyncWith, state: State) -> State | None:
        safe = all(lets_errors_through(self.subject, self.scoping, item.context_expr) for item in node.items)
        swallowed: State | None = None if safe and isinstance(node, ast.With) else state
        for index, item in enumerate(node.items):
            state = self.expression(item.context_expr, state)
            if index == 0 and swallowed is not None:
                swallowed = self._blur(state, [*node.items, *node.body])
            if item.optional_vars is not None:
                state = self.expression(item.optional_vars, state)
        return _join([self.block(node.body, state), swallowed])

    _asyncwith = _with

    def _try(self, node: ast.Try, state: State) -> State | None:
        broken = self._blur(state, node.body)
        self._around += [node.finalbody] if node.finalbody else []
        end = self.block(node.body, state)
        if isinstance(node, ast.Try):
            ends = [self.block(node.orelse, end), *(self._handler(handler, broken) for handler in node.handlers)]
        else:  # except*, of which CPython looks at the handlers first
            ends = [*(self._handler(handler, broken) for handler in node.handlers), self.block(node.orelse, end)]
        if not node.finalbody:
            return _join(ends)
        self._around.pop()
        after = self.block(node.finalbody, _join(ends))
        self.block(
            node.finalbody, self._blur(state, [*node.body, *node.handlers, *node.orelse])
        )  # whatever has happened
        return after

    _trystar = _try

    def _handler(self, node: ast.ExceptHandler, state: State) -> State | None:
        if node.type is not None:
            state = self.expression(node.type, state)
        if node.name is None:
            return self.block(node.body, state)
        self._around.append(node.name)
        end = self.block(node.body, self._bind(node.name, state))
        self._around.pop()
        return end.unbind(node.name) if end is not None else None

    def _match(self, node: ast.Match, state: State) -> State | None:
        state = self.expression(node.subject, state)
        ends: list[State | None] = []
        for case in node.cases:
            captures = [*_captures(case.pattern)]
            inside = self.expression(case.pattern, state)
            for name in captures:
                inside = self._bind(name, inside)
            if case.guard is not None:
                inside, failed = self.test(case.guard, inside)
                state = self._blur(state, [case.guard])._replace(bound=state.bound & failed.bound)
            ends.append(self.block(case.body, inside))
            state = State(state.bound, state.perhaps.union(captures))
        return _join([*ends, None if _always_matches(node.cases[-1]) else state])

    # -- expressions -------------------------------------------------------------------------------------------------

    def expressions(self, nodes: Iterable[ast.AST], state: State) -> State:
        """Walk through expressions that are evaluated one after the other."""
        for node in nodes:
            state = self.expression(node, state)
        return state

    def expression(self, node: ast.AST, state: State) -> State:
        """Walk through an expression in the order of its evaluation."""
        if isinstance(node, ast.Name):
            return self._name(node, state)
        if isinstance(node, ast.NamedExpr):
            return self.expression(node.target, self.expression(node.value, state))
        if isinstance(node, ast.BoolOp | ast.UnaryOp | ast.IfExp):
            true, false = self.test(node, state)
            return State(true.bound & false.bound, true.perhaps | false.perhaps)
        if isinstance(node, ast.Compare):
            after = self.expression(node.comparators[0], self.expression(node.left, state))
            rest = self.expressions(node.comparators[1:], after)
            return State(after.bound, rest.perhaps)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                state = self.expressions([value] if key is None else [key, value], state)
            return state
        if isinstance(node, ast.Lambda):
            after = self.expressions([*node.args.defaults, *filter(None, node.args.kw_defaults)], state)
            self.expression(node.body, after)
            named = next((one.target.id for one in ast.walk(node.body) if isinstance(one, ast.NamedExpr)), None)
            if named is not None:  # a variable of the lambda, which is not followed there
                raise RefusedError("unbound", f"{named} may have no value when a lambda reads it", node.lineno)
            return after
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return self._comprehension(node, state)
        return self.expressions(ast.iter_child_nodes(node), state)

    def test(self, node: ast.expr, state: State) -> tuple[State, State]:
        """Walk through an expression; say what is known if it is true, and if it is false."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            true, false = self.test(node.operand, state)
            return false, true
        if isinstance(node, ast.BoolOp):
            left = self.test(node.values[0], state)
            for value in node.values[1:]:
                goes_on = left[0] if isinstance(node.op, ast.And) else left[1]
                right = self.test(value, goes_on)
                other = _both(left[1], right[1]) if isinstance(node.op, ast.And) else _both(left[0], right[0])
                left = (right[0], other) if isinstance(node.op, ast.And) else (other, right[1])
            return left
        if isinstance(node, ast.IfExp):
            true, false = self.test(node.test, state)
            first, second = self.test(node.body, true), self.test(node.orelse, false)
            return _both(first[0], second[0]), _both(first[1], second[1])
        state = self.expression(node.operand, state) if isinstance(node, ast.UnaryOp) else self.expression(node, state)
        return state, state

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, state: State) -> State:
        inside = after = self.expression(node.generators[0].iter, state)
        for index, part in enumerate(node.generators):
            if index:
                inside = self.expression(part.iter, inside)
            inside = self.expression(part.target, inside)
            for condition in part.ifs:
                inside = self.test(condition, inside)[0]
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return State(after.bound, self.expressions(values, inside).perhaps)

    # -- names -------------------------------------------------------------------------------------------------------

    def _blur(self, state: State, nodes: Iterable[ast.AST]) -> State:
        """Go on after any part of some statements or expressions."""
        bound: set[str] = set()
        deleted: set[str] = set()
        for node in (node for one in nodes for node in ast.walk(one)):
            if isinstance(node, ast.Name):
                if not isinstance(node.ctx, ast.Load) and self.scoping.means(node) == "local":
                    (bound if isinstance(node.ctx, ast.Store) else deleted).add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name is not None:
                deleted.add(node.name)  # however a handler is left, its name is unbound then
            elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name is not None:
                bound.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest is not None:
                bound.add(node.rest)
            elif isinstance(node, ast.alias):
                bound.add(node.asname or node.name)
        return State(state.bound - deleted, state.perhaps | bound)

    def _name(self, node: ast.Name, state: State) -> State:
        if self.scoping.means(node) != "local":
            if node in self.scoping.shared:
                self.order.setdefault(node.id)
            return state
        if isinstance(node.ctx, ast.Store):
            return self._bind(node.id, state)
        self._read(node, state)
        return state.unbind(node.id) if isinstance(node.ctx, ast.Del) else state

    def _bind(self, name: str, state: State) -> State:
        self._occurs(name)
        return state.bind(name)

    def _read(self, node: ast.Name, state: State) -> None:
        self._occurs(node.id)
        if node.id not in state.bound:
            verb = "deleted" if isinstance(node.ctx, ast.Del) else "read"
            raise RefusedError("unbound", f"{node.id} may have no value when it is {verb}", node.lineno)

    def _occurs(self, name: str) -> None:
        self.order.setdefault(name)
        self.older.setdefault(name)


def _both(one: State, other: State) -> State:
    return State(one.bound & other.bound, one.perhaps | other.perhaps)


def _join(states: Iterable[State | None]) -> State | None:
    """Go on where several ways meet."""
    joined: State | None = None
    for state in states:
        if state is not None:
            joined = state if joined is None else _both(joined, state)
    return joined


def _captures(pattern: ast.AST) -> Iterable[str]:
    """Give the names that a pattern binds, in the order in which it does."""
    for node in ast.iter_child_nodes(pattern):
        yield from _captures(node)
    if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name is not None:
        yield pattern.name
    elif isinstance(pattern, ast.MatchMapping) and pattern.rest is not None:
        yield pattern.rest


def _always_matches(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
