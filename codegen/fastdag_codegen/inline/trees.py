"""What the names in a function's syntax tree mean: variables of the function, of an inner scope, or globals."""

from __future__ import annotations

import ast
from typing import Final, Literal

Meaning = Literal["local", "inner", "global"]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_NAMED: Final = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


class _Scope:
    def __init__(self, around: _Scope | None = None, *, owns: bool = True) -> None:
        self.around = around
        self.names: set[str] = set()
        self.owner: _Scope = self if owns or around is None else around.owner
        """Where ``:=`` binds: comprehensions leave that to the scope around them."""

    def meaning(self, name: str) -> Meaning:
        if self.around is None:
            return "local" if name in self.names else "global"
        return "inner" if name in self.names else self.around.meaning(name)


class Scoping:
    """Tells for each name of a function what it means.

    Nested functions and classes, and what else opens a scope, must have been refused before.
    """

    def __init__(self, function: Function) -> None:
        arguments = function.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        self.parameters: Final = tuple(one.arg for one in every)
        self.meanings: dict[ast.Name, Meaning] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.eagerly: set[str] = set()
        """Variables of the function that list, set and dict comprehensions read."""
        self.captured: set[str] = set()
        """Variables of the function that lambdas and generators read or bind."""
        self.shared: set[ast.Name] = set()
        """Variables of such comprehensions that bear the name of one of the function."""
        self._found: list[tuple[ast.Name, _Scope]] = []
        self._lazy: set[_Scope] = set()
        outer = _Scope()
        for node in function.body:
            self._visit(node, outer)
        self.rebound: Final = outer.names & {*self.parameters}
        outer.names.update(self.parameters)
        self.locals: Final = frozenset(outer.names)
        for name, scope in self._found:
            meaning = self.meanings[name] = scope.meaning(name.id)
            if meaning == "local" and scope is not outer:
                (self.captured if self._is_lazy(scope) else self.eagerly).add(name.id)
            elif meaning == "inner" and name.id in self.locals and not self._is_lazy(scope):
                self.shared.add(name)

    def means(self, name: ast.Name) -> Meaning:
        """Say what a name means; those of annotations mean nothing at run time."""
        return self.meanings.get(name, "global")

    def _is_lazy(self, scope: _Scope | None) -> bool:
        return scope is not None and (scope in self._lazy or self._is_lazy(scope.around))

    def _visit(self, node: ast.AST, scope: _Scope) -> None:
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                scope.names.add(node.id)
            self._found.append((node, scope))
        elif isinstance(node, ast.NamedExpr):
            self.parents[node.target] = self.parents[node.value] = node
            scope.owner.names.add(node.target.id)
            self._found.append((node.target, scope))
            self._visit(node.value, scope)
        elif isinstance(node, ast.Lambda):
            self._lambda(node, scope)
        elif isinstance(node, Comprehension):
            self._comprehension(node, scope)
        elif isinstance(node, ast.AnnAssign):
            self._children(node, scope, *([node.value] if node.value else []), node.target)
        else:
            if isinstance(node, _NAMED) and node.name is not None:
                scope.names.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest is not None:
                scope.names.add(node.rest)
            elif isinstance(node, ast.alias):
                scope.names.add(node.asname or node.name)
            self._children(node, scope, *ast.iter_child_nodes(node))

    def _children(self, node: ast.AST, scope: _Scope, *children: ast.AST) -> None:
        for child in children:
            self.parents[child] = node
            self._visit(child, scope)

    def _lambda(self, node: ast.Lambda, scope: _Scope) -> None:
        inner = _Scope(scope)
        self._lazy.add(inner)
        arguments = node.args
        starred = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred)
        inner.names.update(one.arg for one in every)
        self._children(node, scope, *arguments.defaults, *(one for one in arguments.kw_defaults if one is not None))
        self._children(node, inner, node.body)

    def _comprehension(self, node: Comprehension, scope: _Scope) -> None:
        inner = _Scope(scope, owns=False)
        if isinstance(node, ast.GeneratorExp):
            self._lazy.add(inner)
        for index, part in enumerate(node.generators):
            self.parents[part] = node
            self._children(part, inner if index else scope, part.iter)
            self._children(part, inner, part.target, *part.ifs)
        values = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self._children(node, inner, *values)
