"""How a document names a function, and how it is found again: in a registry, or in a module that is allowed."""

from __future__ import annotations

import sys
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from ..diagnostic import did_you_mean
from ..node import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class NotFoundError(Exception):
    """A function cannot be named or found; the text says why and what to do."""


class Names:
    """Gives each function of a document a name of its own.

    A function that can be imported is named by its qualified name and module, another one by its ``__name__``; where
    that name belongs to another function already, by ``module:qualname`` or by the name of its node.
    """

    def __init__(self, registry: Mapping[str, Any]) -> None:
        self._registered = {id(function_of(value)): key for key, value in registry.items()}
        self._taken: dict[str, Any] = {}

    def name(self, node: Node[..., Any]) -> tuple[str, str | None]:
        """Name the function of a node, and the module if it can be imported from there."""
        func = node.func
        known = self._registered.get(id(func))
        if known is not None:
            return known, None
        home = home_of(func)
        if home is not None:
            candidates: list[tuple[str, str | None]] = [(home[1], home[0]), (f"{home[0]}:{home[1]}", None)]
        else:
            own = getattr(func, "__name__", None)
            candidates = [(own, None)] if isinstance(own, str) and own.isidentifier() else []
            candidates.append((node.name, None))
        for label, module in candidates:
            if self._taken.setdefault(label, func) is func:
                return label, module
        raise NotFoundError(
            f'another function of this workflow is called "{node.name}" too: give both names of their own with '
            f"function_registry={{name: function}}"
        )


def home_of(func: Any) -> tuple[str, str] | None:
    """Give the module and qualified name under which a function, or its node, can be imported."""
    module, qualname = getattr(func, "__module__", None), getattr(func, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str) or "<" in qualname:
        return None
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    found = function_of(found)
    same = found == func if isinstance(found, MethodType) else found is func
    return (module, qualname) if same else None


def function_of(value: Any) -> Any:
    """Take the function out of a node."""
    return value.func if isinstance(value, Node) else value


class Finder:
    """Finds functions in a registry, and beyond it only in modules that are allowed."""

    def __init__(self, registry: Mapping[str, Any] | None, allow: Iterable[str]) -> None:
        self._registry: Mapping[str, Any] = registry or {}
        self._allow = (allow,) if isinstance(allow, str) else tuple(allow)

    def find(self, function: str, module: str | None) -> Any:
        """Find a function, or a node of it.

        Raises:
            NotFoundError: it is in no registry, and cannot or must not be imported.

        """
        for key in (function, f"{module}:{function}"):
            if key in self._registry:
                found = self._registry[key]
                if not callable(found):
                    raise NotFoundError(f'the registry has {found!r} for "{key}", which is neither function nor node')
                return found
        if module is None and ":" in function:
            module, _, function = function.partition(":")
        if module is None:
            hint = did_you_mean(function, self._registry, what="registered")
            raise NotFoundError(
                f'function "{function}" is not in the registry ({hint}): give function_registry={{"{function}": ...}}'
            )
        if not self._is_allowed(module):
            raise NotFoundError(
                f'function "{function}" is not in the registry, and importing from "{module}" is not allowed: give '
                f'function_registry={{"{function}": ...}} or allow=("{module}",)'
            )
        return self._import(function, module)

    def _import(self, function: str, module: str) -> Any:
        try:
            found: Any = import_module(module)
        except Exception as error:
            raise NotFoundError(f'module "{module}" cannot be imported: {error}') from error
        home: Any = found
        for part in function.split("."):
            if found is not home and not isinstance(found, type):
                raise NotFoundError(f'"{module}:{function}" leads through {found!r}, which is not a class')
            if part not in vars(found) and not hasattr(found, part):
                hint = did_you_mean(part, vars(found), what="names there")
                raise NotFoundError(f'"{module}" has no "{function}" ({hint})')
            found = getattr(found, part)
        func = function_of(found)
        if not isinstance(func, _FUNCTIONS):
            raise NotFoundError(f'"{module}:{function}" is {func!r}, which is neither function, class nor node')
        # A module that may be used must not lead on to whatever it imports itself.
        origin = getattr(func, "__module__", None)
        if not isinstance(origin, str) or not self._is_allowed(origin):
            raise NotFoundError(
                f'"{module}:{function}" comes from module "{origin}", which is not allowed: register the function, or '
                f'allow=("{origin}",)'
            )
        return found

    def _is_allowed(self, module: str) -> bool:
        return any(
            module == entry or (entry.endswith(".*") and f"{module}.".startswith(entry[:-1])) for entry in self._allow
        )


_FUNCTIONS: Final = (FunctionType, BuiltinFunctionType, MethodType, type)
