"""Which lists keep to what is known of their elements: nothing else can come to hold them and put something in."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .kinds import MADE, METHODS, SCALARS, base
from .syntax import own, plain_call, split, supports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kinds import Kinds, Names
    from .syntax import Function

_READERS: Final = ("all", "any", "len", "list", "max", "min", "set", "sorted", "sum", "tuple")
"""Functions that read a list and keep nothing of it."""
_METHODS: Final = frozenset(("append", "clear", "copy", "count", "index", "pop", "remove", "reverse", "sort"))
"""Methods of lists that put nothing in, but ``append``, which is followed."""


def aliases(function: Function) -> list[tuple[str, str]]:
    """List pairs of variables of which one is given the value of the other."""
    found: list[tuple[str, str]] = []
    for node in own(function):
        if isinstance(node, ast.Assign):
            found += pairwise(one.id for one in node.targets if isinstance(one, ast.Name))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            found += [
                (target.id, value.id)
                for target, value in _assigned(node)
                if isinstance(target, ast.Name) and isinstance(value, ast.Name)
            ]
    return found


def filled(function: Function) -> frozenset[str]:
    """List variables into which something is put; where two inputs are one empty list, both would have it."""
    found: set[str] = set()
    for node in own(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")):
                found.add(name)
            case _:
                pass
    return frozenset(found)


def escaping(function: Function) -> frozenset[str]:
    """List variables that are read in another way than those in which a list keeps to itself."""
    kept: set[int] = set()
    for node in own(function):
        kept.update(id(one) for one in _kept(node))
    return frozenset(
        node.id
        for node in own(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in kept
    )


def _kept(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901, PLR0912 - a case for each way to read
    """List what a piece of code only reads from, or puts in what is followed."""
    match node:
        case ast.For() | ast.comprehension():
            yield node.iter
            yield from plain_call(node.iter, "enumerate") or ()
        case ast.Subscript():
            yield node.value
        case ast.Call(func=ast.Attribute() as func, keywords=[]) if func.attr in _METHODS:
            yield func.value
        case ast.Call():
            yield from plain_call(node, *_READERS) or ()
        case ast.Compare():
            for op, one in zip(node.ops, node.comparators, strict=True):
                if isinstance(op, ast.In | ast.NotIn):
                    yield one
        case ast.If() | ast.While() | ast.IfExp():
            yield node.test
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Assign() | ast.AnnAssign():
            yield from (value for target, value in _assigned(node) if isinstance(target, ast.Name))
        case ast.Return(value=ast.Dict() as value):
            yield from value.values
        case ast.Return(value=ast.Tuple() as value):
            yield from value.elts
        case ast.Return(value=ast.expr() as value):
            yield value
        case _:
            pass


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[ast.expr, ast.expr]]:
    value = node.value
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        pairs = None if value is None else split(target, value)
        if pairs is not None:
            yield from pairs
        elif value is not None:
            yield target, value


def is_quiet(node: ast.AST, kinds: Kinds, names: Names) -> bool:  # noqa: C901, PLR0912 - a case for each kind
    """Tell whether a piece of code runs no code but its own."""

    def known(*values: ast.expr | None) -> bool:
        return all(value is None or isinstance(value, ast.Slice) or kinds.of(value, names) for value in values)

    match node:
        case ast.ExceptHandler() if supports(node):
            return True
        case ast.Raise():
            return True  # whatever it runs, nothing is read any more
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            inner = kinds.inside(node.generators, names)
            return all(is_quiet(one, kinds, inner) for one in ast.iter_child_nodes(node))
        case ast.comprehension() | ast.For():
            counted = plain_call(node.iter, "enumerate")
            items = counted[0] if counted else node.iter
            quiet = known(items) or plain_call(items, "range") is not None or isinstance(items, ast.Tuple)
            tests = node.ifs if isinstance(node, ast.comprehension) else []
            if not (quiet and known(*tests)):
                return False
            parts = [one for one in ast.iter_child_nodes(node) if one is not node.iter]
            inside = counted or plain_call(items, "range") or [items]
            return all(is_quiet(one, kinds, names) for one in (*parts, *inside))
        case ast.Name(ctx=ast.Store()):
            return names.get(node.id) is not None
        case ast.Call():
            if not _is_quiet_call(node, kinds, names):
                return False
            inside = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            return all(is_quiet(one, kinds, names) for one in (*inside, *node.args))
        case ast.BinOp():
            quiet = known(node.left, node.right)
        case ast.UnaryOp():
            quiet = known(node.operand)
        case ast.Compare():
            quiet = known(node.left, *node.comparators) or all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        case ast.Subscript():
            quiet = known(node.value, node.slice)
        case ast.AugAssign():
            quiet = known(node.target, node.value)
        case ast.BoolOp():
            quiet = known(*node.values)
        case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
            quiet = known(node.test)
        case ast.FormattedValue():
            quiet = kinds.of(node.value, names) in SCALARS
        case ast.Dict():
            quiet = known(*node.keys) and None not in node.keys
        case ast.Set():
            quiet = known(*node.elts)
        case ast.AnnAssign():
            return all(is_quiet(one, kinds, names) for one in (node.target, node.value) if one is not None)
        case ast.AsyncFor() | ast.With() | ast.AsyncWith() | ast.Await() | ast.Attribute() | ast.Lambda():
            quiet = False
        case ast.Match() | ast.Import() | ast.ImportFrom() | ast.Starred() | ast.ExceptHandler():
            quiet = False
        case _:
            quiet = True
    return quiet and all(is_quiet(one, kinds, names) for one in ast.iter_child_nodes(node))


def _is_quiet_call(node: ast.Call, kinds: Kinds, names: Names) -> bool:
    """Tell whether a call is one of those that native code carries out itself, of values of a kind."""
    exact = all(kinds.of(one, names) or isinstance(one, ast.GeneratorExp) for one in node.args)
    if isinstance(node.func, ast.Attribute):
        return exact and node.func.attr in METHODS.get(base(kinds.of(node.func.value, names)), {}) and not node.keywords
    built_in = isinstance(node.func, ast.Name) and node.func.id in (*MADE, *_READERS, "abs", "range", "str")
    return exact and built_in and not node.keywords
