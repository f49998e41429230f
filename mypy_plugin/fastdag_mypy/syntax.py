"""Small questions to mypy's syntax trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    AssignmentStmt,
    CallExpr,
    Decorator,
    Expression,
    FuncDef,
    FuncItem,
    LambdaExpr,
    ListExpr,
    MemberExpr,
    MypyFile,
    NameExpr,
    Node,
    OverloadedFuncDef,
    RefExpr,
    Statement,
    StrExpr,
    TupleExpr,
    TypeInfo,
    Var,
)
from mypy.patterns import Pattern

from .wiring import UNREAD, Name, Names, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def children(node: Node) -> Iterator[Node]:
    """List the parts of a node; mypy's own visitors cannot be extended by a plugin."""
    for name in getattr(node, "__match_args__", ()):  # the instance's: a compiled class has a descriptor there
        yield from _nodes(getattr(node, name, None))
    if isinstance(node, AssignmentStmt):  # its list has this one wrong
        yield from _nodes(node.rvalue)


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Expression | Statement | Pattern):
        yield value
    elif isinstance(value, list | tuple):
        for item in cast("Iterable[object]", value):
            yield from _nodes(item)


def parts(node: Node) -> Iterator[Node]:
    """Go through a body in textual order, but not into functions inside it."""
    pending: list[Node] = [node]
    while pending:
        one = pending.pop()
        if not isinstance(one, FuncItem):
            yield one
            pending.extend(reversed(list(children(one))))


def is_readable(call: CallExpr) -> bool:
    """Tell whether a call has no ``*args`` and ``**kwargs``."""
    return all(kind in (ARG_POS, ARG_NAMED) for kind in call.arg_kinds)


def arguments(call: CallExpr, layout: tuple[str, ...]) -> dict[str, Expression] | None:
    """Match arguments with parameters, ``None`` if they cannot be."""
    found: dict[str, Expression] = {}
    for index, (arg, kind, name) in enumerate(zip(call.args, call.arg_kinds, call.arg_names, strict=True)):
        if kind is ARG_POS and index < len(layout):
            found[layout[index]] = arg
        elif kind is ARG_NAMED and name is not None:
            found[name] = arg
        else:
            return None
    return found


def text(node: Expression | None) -> Name:
    """Read a text that may be left out."""
    if isinstance(node, StrExpr):
        return node.value
    is_none = node is None or (isinstance(node, NameExpr) and node.fullname == "builtins.None")
    return None if is_none else UNREAD


def texts(node: Expression | None) -> Names:
    """Read a list of texts that may be left out."""
    if not isinstance(node, ListExpr | TupleExpr):
        return None if text(node) is None else UNREAD
    names = tuple(item.value for item in node.items if isinstance(item, StrExpr))
    return names if len(names) == len(node.items) else UNREAD


def function(func: Node | None) -> tuple[FuncDef | None, Name]:
    """Find the function that a node is made of, and its name."""
    if isinstance(func, CallExpr) and isinstance(func.callee, RefExpr) and func.callee.fullname == "functools.partial":
        return None, function(func.args[0])[1] if func.args else UNREAD
    if isinstance(func, RefExpr):
        func = func.node
    if isinstance(func, Decorator):
        return func.func, func.name
    if isinstance(func, FuncDef):
        return func, func.name
    if isinstance(func, TypeInfo | OverloadedFuncDef):
        return None, func.name
    return None, "<lambda>" if isinstance(func, LambdaExpr) else UNREAD


def workflow(node: Expression) -> Place | None:
    """Find the variable that a workflow is reached from, and the path from there."""
    path: list[str] = []
    while isinstance(node, MemberExpr):
        path.insert(0, node.name)
        variable = attribute(node)
        if variable is not None:
            return variable, ".".join(path)
        node = node.expr
    if not isinstance(node, NameExpr) or node.node is None:
        return None
    return node.node, ".".join((node.name, *path))


def attribute(node: MemberExpr) -> Var | None:
    """Find the variable of a module or class that an expression names."""
    owner = node.expr.node if isinstance(node.expr, RefExpr) else None
    if isinstance(owner, TypeInfo):
        symbol = owner.get(node.name)
        return symbol.node if symbol is not None and isinstance(symbol.node, Var) else None
    return node.node if isinstance(owner, MypyFile) and isinstance(node.node, Var) else None


def is_harmless(callee: Expression) -> bool:
    """Tell whether a call changes nothing of what it is given: this library's own, common builtins, and formatting."""
    if isinstance(callee, MemberExpr) and isinstance(callee.expr, StrExpr):
        return True
    if not isinstance(callee, RefExpr):
        return False
    return callee.fullname.startswith("fastdag_typed.") or callee.fullname in _HARMLESS


_HARMLESS: Final = frozenset(
    f"builtins.{name}" for name in ("print", "repr", "str", "len", "id", "type", "isinstance", "bool", "sorted", "list")
)
