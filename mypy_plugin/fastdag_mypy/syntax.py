"""Small questions to mypy's syntax trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    CallExpr,
    Decorator,
    Expression,
    FuncDef,
    LambdaExpr,
    ListExpr,
    MemberExpr,
    NameExpr,
    Node,
    RefExpr,
    Statement,
    StrExpr,
    TupleExpr,
)
from mypy.patterns import Pattern

from .wiring import UNREAD, Name, Names, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def children(node: Node) -> Iterator[Node]:
    """List the parts of a node; mypy's own visitors cannot be extended by a plugin."""
    for name in getattr(node, "__match_args__", ()):  # the instance's: a compiled class has a descriptor there
        yield from _nodes(getattr(node, name, None))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Expression | Statement | Pattern):
        yield value
    elif isinstance(value, list | tuple):
        for item in cast("Iterable[object]", value):
            yield from _nodes(item)


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
    if isinstance(func, RefExpr) and isinstance(func.node, FuncDef | Decorator):
        func = func.node
    if isinstance(func, Decorator):
        return func.func, func.name
    if isinstance(func, FuncDef):
        return func, func.name
    return None, "<lambda>" if isinstance(func, LambdaExpr) else UNREAD


def workflow(node: Expression) -> Workflow | None:
    """Find the variable that a workflow is reached from, and the path from there."""
    path: list[str] = []
    while isinstance(node, MemberExpr):
        path.insert(0, node.name)
        node = node.expr
    if not isinstance(node, NameExpr) or node.node is None:
        return None
    return node.node, ".".join((node.name, *path))
