"""What a callable says of itself: its parameters and annotations, and where their names are to be found."""

from __future__ import annotations

import inspect
import sys
import types
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from .hints import EMPTY, annotations_of

if TYPE_CHECKING:
    from collections.abc import Callable

PortKind = Literal["positional", "standard", "keyword", "args", "kwargs", "field"]
Parameter = tuple[str, PortKind, Any]
"""Name, kind and default (``EMPTY``: none) of a parameter."""

_KINDS: Final[dict[Any, PortKind]] = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "standard",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "args",
    inspect.Parameter.VAR_KEYWORD: "kwargs",
}
_CO_VARARGS: Final = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def function_of(func: Any) -> Any:
    """Get the function behind a method, partial, wrapper or callable object."""
    while True:
        if isinstance(func, types.MethodType):
            func = func.__func__
        elif isinstance(func, partial):
            func = func.func
        elif isinstance(func, type) or hasattr(func, "__signature__"):
            return func
        elif "__wrapped__" in getattr(func, "__dict__", ()):
            func = func.__wrapped__
        elif isinstance(func, types.FunctionType):
            return func
        else:
            call = _call_method(func)
            if not isinstance(call, types.FunctionType):
                return func
            func = call


def _call_method(func: object) -> Any:
    return getattr(type(func), "__call__", None)  # noqa: B004 - the method itself is wanted


def names_of(plain: Any) -> dict[str, Any]:
    """Get the names of the module that a function or class is written in."""
    names: dict[str, Any] | None = getattr(plain, "__globals__", None)
    if names is None:
        module = sys.modules.get(getattr(plain, "__module__", None) or "")
        names = vars(module) if module else {}
    return names


def is_async(func: Any) -> bool:
    """Whether a call gives what must be awaited; a wrapper does if what it wraps does."""
    if type(func) is types.FunctionType and not func.__dict__:
        return bool(func.__code__.co_flags & inspect.CO_COROUTINE)
    while func is not None:
        if inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(_call_method(func)):
            return True
        func = func.func if isinstance(func, partial) else getattr(func, "__dict__", {}).get("__wrapped__")
    return False


def read_signature(func: Callable[..., Any]) -> tuple[list[Parameter], dict[str, Any]]:
    """Read parameters (name, kind, default) and annotations."""
    if type(func) is types.FunctionType and not func.__dict__:
        code = func.__code__
        if not (code.co_flags & _CO_VARARGS or code.co_kwonlyargcount or code.co_posonlyargcount):
            # The common function, read without inspect: many times faster.
            names = code.co_varnames[: code.co_argcount]
            defaults: tuple[Any, ...] = func.__defaults__ or ()
            padded = (EMPTY,) * (len(names) - len(defaults)) + defaults
            common: list[Parameter] = [(n, "standard", d) for n, d in zip(names, padded, strict=True)]
            return common, annotations_of(func)
    found = _signature(func)
    if found is None:  # a builtin that does not tell takes what it is given
        parameters: list[Parameter] = [("args", "args", EMPTY), ("kwargs", "kwargs", EMPTY)]
        notes: dict[str, Any] = {}
    else:
        parameters = [(p.name, _KINDS[p.kind], p.default) for p in found.parameters.values()]
        notes = {p.name: p.annotation for p in found.parameters.values()}
        notes["return"] = found.return_annotation
    plain = function_of(func)
    if isinstance(plain, type):
        notes["return"] = plain
    return parameters, {name: note for name, note in notes.items() if note is not EMPTY}


def _signature(func: Callable[..., Any]) -> inspect.Signature | None:
    try:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            return inspect.signature(func, annotation_format=Format.FORWARDREF)
        return inspect.signature(func)
    except (ValueError, TypeError):
        return None


def enclosing_names(plain: Any) -> dict[str, Any]:
    """Find the names of the functions and classes around a function, where annotations written as text may live."""
    inside: str = getattr(plain, "__qualname__", "")
    if "." not in inside:
        return {}
    names = names_of(plain)
    # What the function itself uses stays in its cells, also when the functions around it have returned.
    local: dict[str, Any] = {}
    if getattr(plain, "__closure__", None):
        for name, cell in zip(plain.__code__.co_freevars, plain.__closure__, strict=True):
            with suppress(ValueError):  # the variable has no value yet
                local[name] = cell.cell_contents
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals is names and inside.startswith(f"{frame.f_code.co_qualname}."):
            local = {**frame.f_locals, **local}
        frame = frame.f_back
    return local


def title_of(func: Any) -> str:
    """Give the name of a callable, looking into ``functools.partial``; of an object, that of its class."""
    while not hasattr(func, "__name__"):
        if not hasattr(func, "func"):
            return type(func).__name__
        func = func.func
    return str(func.__name__)
