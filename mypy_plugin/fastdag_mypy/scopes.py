"""The scopes of the file that is being checked, each read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.nodes import Expression, FuncItem, MypyFile, TypeInfo

from .reader import read
from .wiring import Scope

if TYPE_CHECKING:
    from mypy.checker import TypeChecker
    from mypy.nodes import Context, Node, Statement


class Scopes:
    """What has been read of the file that is being checked: structure only, types are looked up each time."""

    def __init__(self) -> None:
        self._nothing = Scope()
        self._tree: MypyFile | None = None
        self._read: dict[Node, tuple[list[Statement], Scope]] = {}

    def around(self, api: TypeChecker, expr: Context) -> Scope:
        """Read the scope that is being checked, and those around it."""
        if api.tree is not self._tree:
            self._tree, self._read = api.tree, {}
        scope = self._innermost(api)
        edges = scope.edges.get(expr, ()) if isinstance(expr, Expression) else ()
        if any(end.is_stale for edge in edges for end in (edge.source, edge.target)):
            self._read = {}
            scope = self._innermost(api)
        return scope

    def _innermost(self, api: TypeChecker) -> Scope:
        scope = self._nothing
        for holder in api.scope.stack:
            statements, found = self._read.get(holder, (None, scope))
            current = _statements(holder)
            if statements is not current or found.outer is not scope:
                # mypy's daemon puts new statements into the module or function that it has.
                parameters = [a.variable for a in holder.arguments] if isinstance(holder, FuncItem) else []
                found = read(current, parameters, scope)
                self._read[holder] = current, found
            scope = found
        return scope


def _statements(holder: MypyFile | TypeInfo | FuncItem) -> list[Statement]:
    if isinstance(holder, MypyFile):
        return holder.defs
    return holder.defn.defs.body if isinstance(holder, TypeInfo) else holder.body.body
