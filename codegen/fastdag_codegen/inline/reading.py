"""From a function object to source that is certainly its own."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import unicodedata
import warnings
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from ..sources import is_importable
from .rules import RefusedError
from .trees import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..sources import Source

MISSING: Final = object()
_LAYOUT: Final = frozenset("\r\f\v\x1c\x1d\x1e\x85\u2028\u2029\0")
"""Characters that some readers take for the end of a line and others do not."""


@dataclass(frozen=True)
class Subject:
    """A function whose source is known: its syntax tree, and its text, in an ``if`` where it is indented."""

    func: Any  # a FunctionType, which type checkers take for a method here
    tree: Function
    text: str
    module: str
    imports: dict[str, tuple[str, str | None]]

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the body."""
        return tuple(node for statement in self.tree.body for node in ast.walk(statement))

    def value(self, name: str) -> Any:
        """Give what a global name means now; ``MISSING`` if it means nothing."""
        found = self.func.__globals__.get(name, MISSING)
        return getattr(builtins, name, MISSING) if found is MISSING else found

    def is_builtin(self, name: str) -> bool:
        """Tell whether a global name is Python's own."""
        return name not in self.func.__globals__


class File:
    """A source file, compiled again."""

    def __init__(self, source: Source) -> None:
        self.text: Final = source.text
        self.lines: Final = source.text.split("\n")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
            code = compile(tree, "<source>", "exec", dont_inherit=True)
        self.codes: Final = {(one.co_qualname, one.co_firstlineno): one for one in _codes(code)}
        self.functions: Final = {_first(node): node for node in ast.walk(tree) if isinstance(node, Function)}
        self.imports: Final = _imports(tree, source)


_FILES: Final[dict[str, File]] = {}


def subject(func: Any, source: Source | None) -> Subject:
    """Find the source of a function.

    Raises:
        RefusedError: it is no plain function of a module, or the source does not tell what it does.
    """
    function = _plain(func)
    code = function.__code__
    if source is None:
        if function.__module__ == "__main__":
            raise RefusedError("module", "it is of the script that runs now")
        raise RefusedError("source", "its source is not known")
    _is_of_module(function, source.module)
    file = _file(source)
    if file.codes.get((code.co_qualname, code.co_firstlineno)) != code:
        raise RefusedError("source", "its source is not what was loaded", code.co_firstlineno)
    tree = file.functions[code.co_firstlineno]
    text = "\n".join(file.lines[tree.lineno - 1 : tree.end_lineno])
    if not _LAYOUT.isdisjoint(text):
        raise RefusedError("syntax", "its source has unusual ends of lines", tree.lineno)
    text = f"if True:\n{text}\n" if text[:1].isspace() else f"{text}\n"
    return Subject(function, tree, text, source.module, file.imports)


def path_of(subject: Subject) -> str | None:
    """Find the way from a module to a function of it, or to the node that was made of it."""
    name: str = subject.func.__name__
    found = subject.func.__globals__.get(name)
    if found is subject.func:
        return name
    return f"{name}.func" if getattr(found, "func", None) is subject.func else None


def home(subject: Subject, name: str) -> tuple[str, str | None] | None:
    """Find where a module has a name from: a module, and what it is called there; ``None`` unless that is sure."""
    found = subject.imports.get(name)
    if found is None or found[0] == "__main__" or not is_importable(found[0]):
        return None
    module = sys.modules.get(found[0])
    value = module if found[1] is None else vars(module).get(found[1], MISSING) if module is not None else MISSING
    return found if value is subject.func.__globals__[name] else None


def _plain(func: Any) -> FunctionType:
    line = getattr(getattr(func, "__code__", None), "co_firstlineno", 0)
    if not isinstance(func, FunctionType) or type(func) is not FunctionType:
        raise RefusedError("kind", f"a {type(func).__name__} is no plain function")
    if func.__name__ == "<lambda>" or func.__code__.co_name == "<lambda>":
        raise RefusedError("kind", "it is a lambda", line)
    if "__wrapped__" in vars(func):
        raise RefusedError("kind", f"it wraps {getattr(vars(func)['__wrapped__'], '__name__', 'another')}", line)
    code = func.__code__
    if code.co_freevars:
        raise RefusedError("closure", f"it is a closure over {', '.join(code.co_freevars)}", line)
    if "." in code.co_qualname:
        raise RefusedError("closure", f"it is defined inside {code.co_qualname.rpartition('.')[0]}", line)
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE):
        raise RefusedError("generator", "it is a generator", line)
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise RefusedError("signature", "it takes any number of arguments", line)
    if not code.co_flags & inspect.CO_OPTIMIZED:
        raise RefusedError("kind", "it is no ordinary function", line)
    return func


def _is_of_module(func: FunctionType, name: str) -> None:
    line = func.__code__.co_firstlineno
    if name == "__main__":
        raise RefusedError("module", "it is of the script that runs now", line)
    module = sys.modules.get(name)
    if type(module) is not ModuleType or vars(module) is not func.__globals__:
        raise RefusedError("module", f"its globals are not those of module {name}", line)
    if not is_importable(name):
        raise RefusedError("module", f"module {name} cannot be imported by that name", line)
    if getattr(func, "__builtins__", None) is not vars(builtins):  # not all typesheds know it
        raise RefusedError("module", "its module has builtins of its own", line)


def _file(source: Source) -> File:
    file = _FILES.get(source.module)
    if file is None or file.text != source.text:
        try:
            file = _FILES[source.module] = File(source)
        except (SyntaxError, ValueError) as error:
            raise RefusedError("source", "its file cannot be compiled") from error
    return file


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _first(node: Function) -> int:
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno


def _imports(tree: ast.Module, source: Source) -> dict[str, tuple[str, str | None]]:
    """Find the names that a module binds once, by an import that always runs."""
    bound: dict[str, int] = {}
    for name in _bindings(tree):
        bound[name] = bound.get(name, 0) + 1
    found: dict[str, tuple[str, str | None]] = {}
    package = source.module if source.is_package else source.module.rpartition(".")[0]
    for node in tree.body:
        if isinstance(node, ast.Import):
            for one in node.names:
                top = one.name.partition(".")[0]
                found[one.asname or top] = (one.name if one.asname else top, None)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join((*above, *([node.module] if node.module else [])))
            found.update({one.asname or one.name: (module, one.name) for one in node.names if one.name != "*"})
    return {name: where for name, where in found.items() if bound.get(name) == 1 and where[0]}


def _bindings(tree: ast.AST) -> Iterator[str]:
    """Give each name that code at any depth may bind in the module, once for each place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            yield from () if node.name is None else (node.name,)
        elif isinstance(node, ast.MatchMapping) and node.rest is not None:
            yield node.rest


def is_normal(name: str) -> bool:
    """Tell whether a name is written as Python stores it."""
    return name.isascii() or unicodedata.normalize("NFKC", name) == name
