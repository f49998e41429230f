"""Judges the looking up of nodes by name, and gives what is found its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.nodes import FuncItem, NameExpr, StrExpr

from . import codes
from .judge import Found, Judge
from .ports import node_of, value_of

if TYPE_CHECKING:
    from mypy.nodes import Context, Expression
    from mypy.types import Type


class Lookups(Judge):
    """Judges names of nodes."""

    def named(self, found: Found, name: Expression, at: Context, *, cycles: bool = False) -> Type | None:
        """Report a name that no node has; give the type of the node's value, ``None`` where it is not known.

        With ``cycles``, a state may have the number of a cycle behind it.
        """
        if not isinstance(name, StrExpr):
            return None
        text = name.value
        state, _, cycle = text.rpartition(".")
        if found.known.is_machine and text not in found.known.nodes and cycle.isdecimal() and cycles:
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
        return {name for scope in self.scope.around() for place, name in scope.named if place == found.place}

    def result(self, found: Found, name: Expression, at: Context, *, of_run: bool) -> Type | None:
        """Judge a look-up of a result, of one run or of the last; others may have been put there by hand."""
        if any(scope.sets_results for scope in self.scope.around()):
            text = name.value if isinstance(name, StrExpr) else ""
            return self.named(found, name, at) if text in found.known.nodes else None
        return self.named(found, name, at, cycles=not of_run)

    def of_context(self, context: Expression) -> Found | None:
        """Find the workflow of a node's own context: that which the function being checked is a node of."""
        func = self.function()
        if not isinstance(func, FuncItem) or not isinstance(context, NameExpr):
            return None
        if not any(argument.variable is context.node for argument in func.arguments):
            return None
        key = self.scope.node_of(func)
        places = set() if key is None else self.scope.places(key)
        same = [one for scope in self.scope.around() for one in scope.definitions.values() if one.func is func]
        return self.at(next(iter(places))) if len(places) == len(same) == 1 else None
