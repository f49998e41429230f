"""How the types in the signatures of users' functions are written in the compiled module."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, TypeVarTuple

import libcst as cst

if TYPE_CHECKING:
    from .names import Namespace
    from .sources import Function, Source

ANY: Final = "Any"
_BARE: Final = {
    "dict": "dict[Any, Any]",
    "frozenset": "frozenset[Any]",
    "list": "list[Any]",
    "set": "set[Any]",
    "tuple": "tuple[Any, ...]",
    "type": "type[Any]",
}
_BUILTINS: Final = frozenset(
    (*_BARE, "None", "bool", "bytearray", "bytes", "complex", "float", "int", "memoryview", "object", "range", "slice")
) | {"str", "BaseException", "Exception"}
_NOT_A_VALUE: Final = frozenset(("Self", "TypeGuard", "TypeIs"))
"""Types that say something of a function, not of what it gives."""
_STEERING: Final = frozenset(("ConditionalReturn", "FSMReturn", "SelectReturn"))


class _UnknownTypeError(Exception):
    """The type has no name that can be written in another module."""


class Types:
    """Writes types by the names that users give them, and keeps the imports that this takes."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._names: dict[tuple[str, str | None], str] = {}

    @property
    def imports(self) -> list[str]:
        """The import statements, sorted."""
        modules: list[str] = []
        names: dict[str, list[str]] = {}
        for (module, name), alias in self._names.items():
            if name is None:
                modules.append(f"import {module} as {alias}")
            else:
                names.setdefault(module, []).append(name if alias == name else f"{name} as {alias}")
        lines = [f"from {module} import {', '.join(sorted(found))}" for module, found in names.items()]
        return sorted(modules) + sorted(lines)

    def parameter(self, function: Function, name: str) -> str:
        """Write the type of a parameter, ``Any`` if it has none."""
        return self._write(function.parameters.get(name), function.source, steers=False)

    def returned(self, function: Function, *, steers: bool) -> str:
        """Write the type of the value that a function passes on; one that steers returns it in a wrapper."""
        return self._write(function.returns, function.source, steers=steers)

    def _write(self, node: cst.BaseExpression | None, source: Source | None, *, steers: bool) -> str:
        if node is None or source is None:
            return ANY
        try:
            return _Writer(self, source, steers=steers).text(node)
        except _UnknownTypeError:
            return ANY

    def name(self, module: str, name: str | None) -> str:
        """Give the name under which something is imported for types."""
        if (module, name) == ("typing", "Any"):
            return ANY
        known = self._names.get((module, name))
        if known is None:
            wish = name or f"_{module.rpartition('.')[2]}"
            known = self._names[module, name] = self._namespace.take(wish)
        return known


class _Writer:
    """Writes one annotation of one source file."""

    def __init__(self, types: Types, source: Source, *, steers: bool) -> None:
        self.types = types
        self.source = source
        self.steers = steers

    def text(self, node: cst.BaseExpression) -> str:
        match node:
            case cst.Name() | cst.Attribute():
                name = self._meaning(_dotted(node))
                return _BARE.get(name, name)
            case cst.SimpleString():
                return self.text(_parsed(node))
            case cst.BinaryOperation(operator=cst.BitOr()):
                return f"{self.text(node.left)} | {self.text(node.right)}"
            case cst.Subscript():
                return self._subscript(node)
            case cst.List():
                return f"[{', '.join(self.text(one.value) for one in node.elements)}]"
            case cst.Ellipsis():
                return "..."
            case _:
                raise _UnknownTypeError

    def _subscript(self, node: cst.Subscript) -> str:
        dotted = _dotted(node.value)
        parts = [one.slice.value for one in node.slice if isinstance(one.slice, cst.Index)]
        if dotted[-1] == "Annotated":
            return self.text(parts[0])
        if self.steers and dotted[-1] in _STEERING:
            return _Writer(self.types, self.source, steers=False).text(parts[0])
        base = self._meaning(dotted)
        if dotted[-1] == "Literal":
            return f"{base}[{', '.join(map(_literal, parts))}]"
        return f"{base}[{', '.join(map(self.text, parts))}]"

    def _meaning(self, dotted: list[str]) -> str:
        """Write a dotted name of the source file as this module must say it."""
        if dotted[-1] in _NOT_A_VALUE or (self.steers and dotted[-1] in _STEERING):
            raise _UnknownTypeError
        for length in range(len(dotted), 0, -1):
            found = self.source.imports.get(".".join(dotted[:length]))
            if found is not None:
                self._refuse_variable(dotted[0])
                return ".".join((self.types.name(*found), *dotted[length:]))
        root = dotted[0]
        if root in self.source.definitions:
            self._refuse_variable(root)
            return ".".join((self.types.name(self.source.module, root), *dotted[1:]))
        if root in _BUILTINS and len(dotted) == 1:
            return root
        raise _UnknownTypeError

    def _refuse_variable(self, name: str) -> None:
        """Refuse a type variable: outside its function it means nothing."""
        value = getattr(sys.modules.get(self.source.module), name, None)
        if isinstance(value, TypeVar | ParamSpec | TypeVarTuple):
            raise _UnknownTypeError


def _dotted(node: cst.BaseExpression) -> list[str]:
    if isinstance(node, cst.Name):
        return [node.value]
    if isinstance(node, cst.Attribute):
        return [*_dotted(node.value), node.attr.value]
    raise _UnknownTypeError


def _parsed(node: cst.SimpleString) -> cst.BaseExpression:
    value = node.evaluated_value
    try:
        return cst.parse_expression(value if isinstance(value, str) else "")
    except cst.ParserSyntaxError:
        raise _UnknownTypeError from None


def _literal(node: cst.BaseExpression) -> str:
    constant = isinstance(node, cst.Name) and node.value in ("None", "True", "False")
    if constant or isinstance(node, cst.SimpleString | cst.Integer):
        return cst.Module([]).code_for_node(node)
    raise _UnknownTypeError
