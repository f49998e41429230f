"""Types as text, and back where every name in the text is known."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import typing
from types import FunctionType
from typing import Any, Final

_LONGEST: Final = 1000
_MODULES: Final[dict[str, Any]] = {
    "typing": typing,
    "collections.abc": collections.abc,
}


def text_of_type(hint: Any) -> str:
    """Write a type the way Python shows it."""
    if hint is None or hint is type(None):
        return "None"
    if isinstance(hint, str):
        return hint
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__qualname__ if hint.__module__ == "builtins" else f"{hint.__module__}.{hint.__qualname__}"
    return str(hint)


def type_of_text(text: str) -> Any:
    """Find the type that a text names, or give the text if a name in it is not known; nothing is imported or run."""
    if len(text) > _LONGEST:
        return text
    try:
        return _evaluate(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, LookupError, RecursionError, MemoryError):
        return text


def _evaluate(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Name(id=name):
            found = getattr(builtins, name, None)
            if isinstance(found, type):
                return found
        case ast.Attribute(value=owner, attr=name):
            module = _MODULES[ast.unparse(owner)]
            found = getattr(module, name) if name in module.__all__ else None
            if found is not None and not isinstance(found, FunctionType):
                return found
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _evaluate(left) | _evaluate(right)
        case ast.Subscript(value=base, slice=ast.Tuple(elts=items)):
            return _evaluate(base)[tuple(map(_argument, items))]
        case ast.Subscript(value=base, slice=item):
            return _evaluate(base)[_argument(item)]
        case _:
            pass
    raise LookupError(ast.dump(node))


def _argument(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):  # of a Literal, or the dots of a tuple
            return value
        case ast.List(elts=items):  # the parameters of a Callable
            return [_argument(item) for item in items]
        case _:
            return _evaluate(node)
