"""Statements as mypyc is to compile them, each in the line in which it is."""

from __future__ import annotations

import ast
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from .expressions import Expressions, UnsupportedError
from .kinds import CONTAINERS, NUMBERS, SCALARS, base
from .syntax import bound, captured, own, parameters, reads, rebound, split, targeted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .kinds import Names
    from .syntax import Function

_EMPTY: Final = {"": "None", "dict": "{}", "set": "set()", "list": "[]", "str": "''", "bool": "False", "float": "0.0"}
_EMPTY["int"] = "0"
_CAPTURING: Final = CONTAINERS | SCALARS | {"bytearray", "bytes", "frozenset", "tuple"}
"""Classes that in a pattern take one pattern for the whole."""
_TYPED: Final = "a pattern that names what is compared with a number"


class Statements(Expressions):
    """Rewrites the bodies of functions."""

    _presets: frozenset[int] = frozenset()
    _captured: frozenset[str] = frozenset()
    _whole: Sequence[ast.AST] = ()
    """What the function consists of."""
    _parameters: Sequence[str] = ()

    def body(self, function: Function, names: Names) -> list[ast.stmt]:
        """Rewrite the body of a function."""
        self._presets = self.kinds.presets[function.name]
        self._captured = captured(function)
        self._parameters = parameters(function)
        self._whole = list(own(function))
        return self._block(function.body, names)

    # -- statements --------------------------------------------------------------------------------------------------

    def _block(self, block: Sequence[ast.stmt], names: Names) -> list[ast.stmt]:
        return [ast.copy_location(made, one) for one in block for made in self._statement(one, names)]

    def _statement(self, node: ast.stmt, names: Names) -> list[ast.stmt]:
        around, self.rebound = self.rebound, frozenset(rebound(node))
        try:
            return self._rewritten(node, names)
        finally:
            self.rebound = around

    def _rewritten(self, node: ast.stmt, names: Names) -> list[ast.stmt]:  # noqa: C901, PLR0912 - a case for each kind
        match node:
            case ast.Expr(value=ast.Constant()):
                return [ast.Pass()]
            case ast.Expr():
                return [ast.Expr(self.value(node.value, names))]
            case ast.Assign():
                return [self._assign(node, names)]
            case ast.AnnAssign():
                if node.value is None:
                    return [ast.Pass()]
                if node.lineno in self._presets and isinstance(node.target, ast.Name):
                    return [self._emptied(node.target, names)]
                return [self._assign(ast.Assign([node.target], node.value), names)]
            case ast.AugAssign(target=ast.Name(id=name)) if name in self.rebound:
                raise UnsupportedError(node, "an assignment that gives its variable something else meanwhile")
            case ast.AugAssign():
                target: Any = self.target(node.target, names)
                exact = isinstance(node.target, ast.Name) and names.get(node.target.id) is not None
                value = self.value(node.value, names) if exact else self.loose(node.value, names)
                return [ast.AugAssign(target, node.op, value)]
            case ast.Return():
                return [ast.Return(self._returned(node.value, names))]
            case ast.Delete():
                return self._delete(node, names)
            case ast.Raise(exc=ast.expr() as error, cause=ast.expr() as cause):
                made = [self.loose(error, names), self.loose(cause, names)]
                return [ast.Raise(ast.Call(self.own("caused"), made, []), None)]
            case ast.Raise(exc=ast.expr() as error):
                return [ast.Raise(self.value(error, names), None)]
            case ast.Assert():
                message = None if node.msg is None else self.loose(node.msg, names)
                return [ast.Assert(self.test(node.test, names), message)]
            case ast.If():
                parts = self._block(node.body, names), self._block(node.orelse, names)
                return [ast.If(self.test(node.test, names), *parts)]
            case ast.While():
                parts = self._block(node.body, names), self._block(node.orelse, names)
                return [ast.While(self.test(node.test, names), *parts)]
            case ast.For() | ast.AsyncFor():
                _refuse_changing(node)
                parts = self._block(node.body, names), self._block(node.orelse, names)
                return [type(node)(self.target(node.target, names), self.iterated(node.iter, names), *parts)]
            case ast.With() | ast.AsyncWith():
                items = [
                    ast.withitem(
                        self.loose(item.context_expr, names),
                        None if item.optional_vars is None else self.target(item.optional_vars, names),
                    )
                    for item in node.items
                ]
                return [type(node)(items, self._block(node.body, names))]
            case ast.Try():
                handlers = [
                    ast.copy_location(
                        ast.ExceptHandler(
                            None if one.type is None else self.value(one.type, names),
                            one.name,
                            self._block(one.body, names),
                        ),
                        one,
                    )
                    for one in node.handlers
                ]
                ends = self._block(node.orelse, names), self._block(node.finalbody, names)
                return [ast.Try(self._block(node.body, names), handlers, *ends)]
            case ast.Match():
                if any(self._outlives(node, name) for one in node.cases for name in _early(one.pattern)):
                    raise UnsupportedError(node, "a pattern that may not fit and gives a variable that is read later")
                cases = [
                    ast.match_case(
                        self._pattern(one.pattern, names),
                        None if one.guard is None else self.test(one.guard, names),
                        self._block(one.body, names),
                    )
                    for one in node.cases
                ]
                return [ast.Match(self.untyped(self.value(node.subject, names)), cases)]
            case ast.Import() | ast.ImportFrom():
                return self._import(node)
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Raise():
                return [node]
            case ast.TryStar():
                raise UnsupportedError(node, '"except*"')
            case _:
                raise UnsupportedError(node)

    def _assign(self, node: ast.Assign, names: Names) -> ast.stmt:
        targets = [self.target(one, names) for one in node.targets]
        pairs = split(node.targets[0], node.value) if len(targets) == 1 else None
        if pairs is not None:
            parts = [self.fit(value, self._kind_of(one, names), names) for one, value in pairs]
            return ast.Assign(targets, ast.Tuple(parts, ast.Load()))
        if any(isinstance(one, ast.Tuple | ast.List) for one in targets):
            return ast.Assign(targets, self.value(node.value, names))
        kinds = [self._kind_of(one, names) for one in node.targets]
        return ast.Assign(targets, self.fit(node.value, kinds[0] if len(set(kinds)) == 1 else None, names))

    def _kind_of(self, node: ast.expr, names: Names) -> str | None:
        return names.get(node.id) if isinstance(node, ast.Name) else None

    def _returned(self, node: ast.expr | None, names: Names) -> ast.expr | None:
        if isinstance(node, ast.Tuple):
            return ast.Tuple([self.value(one, names) for one in node.elts], ast.Load())
        return None if node is None else self.value(node, names)

    def _delete(self, node: ast.Delete, names: Names) -> list[ast.stmt]:
        """Read what is deleted, or it would be gone as soon as nothing else reads it."""
        found: list[ast.stmt] = []
        for one in node.targets:
            if isinstance(one, ast.Name) and one.id in self._captured:  # mypyc can only give it another value
                found.append(self._emptied(one, names))
            elif isinstance(one, ast.Name):
                if names.get(one.id) not in NUMBERS:
                    found.append(ast.Expr(ast.Compare(ast.Name(one.id, ast.Load()), [ast.Is()], [ast.Constant(None)])))
                found.append(ast.Delete([one]))
            else:
                found.append(ast.Delete([self.target(one, names)]))
        return found

    def _emptied(self, node: ast.Name, names: Names) -> ast.stmt:
        empty = _EMPTY[base(names.get(node.id))]
        return ast.Assign([ast.Name(node.id, ast.Store())], ast.parse(empty, mode="eval").body)

    def _import(self, node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
        """Import under other names, which have types, and give what is imported to names that have none."""
        found: list[ast.stmt] = []
        for alias in node.names:
            name = (alias.asname or alias.name).partition(".")[0]
            typed = f"{self.prefix}1{name}"
            if isinstance(node, ast.ImportFrom):
                found.append(ast.ImportFrom(node.module, [ast.alias(alias.name, typed)], node.level))
            elif "." in alias.name and alias.asname is None:
                raise UnsupportedError(node, "an import of a part of a package that has no name of its own")
            else:
                found.append(ast.Import([ast.alias(alias.name, typed)]))
            found.append(ast.Assign([ast.Name(name, ast.Store())], self.untyped(ast.Name(typed, ast.Load()))))
        return found

    def _outlives(self, node: ast.Match, name: str) -> bool:
        """Tell whether a variable may have a value that is read although a pattern with it does not fit."""
        inside: set[int] = set()
        for one in node.cases:
            if name in chain.from_iterable(map(bound, ast.walk(one.pattern))):
                inside.update(map(id, ast.walk(one)))
        others = [one for one in self._whole if id(one) not in inside]
        given = name in self._parameters or any(name in bound(one) for one in others)
        return given and any(name in reads(one) for one in others)

    def _pattern(self, node: ast.pattern, names: Names) -> ast.pattern:  # noqa: C901, PLR0912 - a case for each kind
        """Rewrite the values in a pattern, and what mypyc converts when it captures it."""
        match node:
            case ast.MatchClass(cls=ast.Name(id=name), patterns=[inner], kwd_patterns=[]) if name in _CAPTURING:
                whole = ast.copy_location(ast.MatchClass(self.alias(name), [], [], []), node)
                if isinstance(inner, ast.MatchAs) and inner.pattern is None:
                    return ast.copy_location(ast.MatchAs(whole, inner.name), node) if inner.name else whole
                if _captures(inner):
                    raise UnsupportedError(node, _TYPED)
            case ast.MatchAs(pattern=ast.pattern() as inner, name=str()) if _is_typed(inner):
                raise UnsupportedError(node, _TYPED)
            case ast.MatchClass(cls=ast.Name(id=name), patterns=[]) if name in _CAPTURING:
                node.cls = self.alias(name)
            case ast.MatchClass(patterns=[_, *_]):  # mypyc takes no places of a class that it does not build
                raise UnsupportedError(node, "a class pattern that takes values by their places")
            case ast.MatchClass():
                node.cls = self.value(node.cls, names)
            case ast.MatchValue(value=ast.Attribute()):
                node.value = self.value(node.value, names)
            case ast.MatchMapping():
                node.keys = [self.value(key, names) if isinstance(key, ast.Attribute) else key for key in node.keys]
            case _:
                pass
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.pattern):
                setattr(node, field, self._pattern(value, names))
            elif isinstance(value, list) and value and isinstance(value[0], ast.pattern):
                setattr(node, field, [self._pattern(one, names) for one in value])
        return node


def _refuse_changing(node: ast.For | ast.AsyncFor) -> None:
    """Refuse a loop over a generator of variables that the loop changes: generators are made with their values."""
    lazy = [one for one in ast.walk(node.iter) if isinstance(one, ast.GeneratorExp)]
    read = {one.id for generator in lazy for one in ast.walk(generator) if isinstance(one, ast.Name)}
    changed = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
    inside = {name for generator in lazy for one in generator.generators for name in targeted(one.target)}
    if lazy and read & changed - inside:
        raise UnsupportedError(lazy[0], "a loop over a generator that reads what the loop changes")


def _captures(node: ast.pattern) -> bool:
    return any(bound(one) for one in ast.walk(node))


def _early(node: ast.pattern) -> Iterator[str]:
    """List the variables that mypyc gives a part of what is matched before it knows whether the whole fits."""
    whole = node.pattern if isinstance(node, ast.MatchAs) else node
    return chain.from_iterable(map(bound, ast.walk(whole))) if whole is not None else iter(())


def _is_typed(node: ast.pattern) -> bool:
    """Tell whether mypyc takes what matches a pattern for a number of one class; a bool is equal to one, too."""
    return any(
        (isinstance(one, ast.MatchValue) and not isinstance(one.value, ast.Attribute))
        or (isinstance(one, ast.MatchClass) and isinstance(one.cls, ast.Name) and bool(one.patterns))
        for one in ast.walk(node)
    )


def parsed(text: str) -> list[ast.stmt]:
    """Parse statements that are new, and so were in no line."""
    found = ast.parse(text)
    for node in ast.walk(found):
        if isinstance(node, ast.stmt | ast.ExceptHandler):
            node.lineno = 0
    return found.body
