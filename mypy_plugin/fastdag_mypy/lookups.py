"""Judges the looking up of nodes by name, and gives what is found its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.nodes import FuncItem, NameExpr, StrExpr, Var
from mypy.types import NoneType, UnionType

from . import codes
from .judge import Found, Judge
from .ports import node_of, value_of
from .tables import handle_of

if TYPE_CHECKING:
    from mypy.nodes import Context, Expression
    from mypy.types import Type


class Lookups(Judge):
    """Judges names of nodes."""

    def named(self, found: Found, name: Expression, at: Context) -> Type | None:
        """Report a name that no node has; give the type of the node's value, ``None`` where it is not known."""
        if not isinstance(name, StrExpr):
            return None
        text = name.value
        state, _, cycle = text.rpartition(".")
        if found.known.is_machine and text not in found.known.nodes and cycle.isdecimal():
            text = state
        own = None if found.creation is None else self.scope.find(found.creation.place, text)
        node = node_of(self.inferred(own) if own is not None else None) or node_of(found.known.nodes.get(text))
        if node is not None:
            return value_of(node, own)
        if text not in found.known.nodes:
            self.missing(found, name, name.value, at)
        return None

    def missing(self, found: Found, name: Expression, text: str, at: Context) -> bool:
        """Report a name that no node has, if that is certain."""
        known = self.now(found, at)
        names = {*known.nodes, *self.added(found)}
        if known.vague or text in names:
            return False
        return self.fail(codes.no_node(known.title, text, names), name, codes.NAME)

    def added(self, found: Found) -> set[str]:
        """List the nodes that this file adds to a workflow of another one."""
        if found.creation is not None:
            return set()
        named = {named for scope in self.scope.around() for named in scope.named}
        places = {place for place, _ in named}
        here = {p for p in places if isinstance(p[0], Var) and handle_of(p[0].type) == found.handle}
        return {name for place, name in named if place in here}

    def result(self, found: Found, name: Expression, at: Context, *, optional: bool) -> Type | None:
        """Judge a look-up of a result."""
        value = self.named(found, name, at)
        return UnionType.make_union([value, NoneType()]) if value is not None and optional else value

    def of_context(self, context: Expression) -> Found | None:
        """Find the workflow of a node's own context: that which the function being checked is a node of."""
        func = self.function()
        if not isinstance(func, FuncItem) or not isinstance(context, NameExpr):
            return None
        if not any(argument.variable is context.node for argument in func.arguments):
            return None
        key = self.scope.node_of(func)
        places = set() if key is None else self.scope.places(key)
        if len(places) != 1 or any(scope.sets_results for scope in self.scope.around()):
            return None
        place = next(iter(places))
        made = self.scope.creation(place)
        handle = self.tables.handles.get(made[1].call) if made is not None else None
        return self.found(handle or self.handle(None, getattr(place[0], "type", None)))
