"""What the compiler reads of the users' source files: where functions are, what they say, how types are called."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

    from fastdag_typed.diagnostic import Location

_LAYOUT: Final = frozenset(("lpar", "rpar", "comma", "semicolon", "leading_lines", "lines_after_decorators", "indent"))


class Function(NamedTuple):
    """A function as its source tells it; ``digest`` ignores layout, comments and the docstring."""

    place: str
    summary: str
    digest: str
    returns: cst.BaseExpression | None
    parameters: dict[str, cst.BaseExpression]
    source: Source | None


UNKNOWN: Final = Function("", "", "", None, {}, None)
"""Stands for a function without source: a builtin, or one that was made at run time."""


class Source:
    """One source file of the users' code."""

    def __init__(self, module: str, file: str) -> None:
        self.module = module
        spec = _spec(module)
        self.is_package = spec is not None and spec.submodule_search_locations is not None
        self.path = "/".join(module.split(".")) + ("/__init__.py" if self.is_package else ".py")
        self.text = read(Path(file))
        self.digest = digest(self.text)
        self._lines = self.text.splitlines(keepends=True)
        self._functions: dict[int, Function] = {}

    def function(self, line: int) -> Function:
        """Read the function that begins at a line."""
        found = self._functions.get(line)
        if found is None:
            found = self._functions[line] = self._read(line)
        return found

    def _read(self, line: int) -> Function:
        place = f"{self.path}:{line}"
        try:
            text = "".join(inspect.getblock(self._lines[line - 1 :]))
        except (SyntaxError, IndexError):
            text = "".join(self._lines[line - 1 : line])
        return Function(place, *_told(text), self)

    @cached_property
    def imports(self) -> dict[str, tuple[str, str | None]]:
        """What each imported name means: a module, and for a name out of a module that name."""
        found: dict[str, tuple[str, str | None]] = {}
        package = self.module if self.is_package else self.module.rpartition(".")[0]
        for node in self._statements:
            if isinstance(node, ast.Import):
                found.update({one.asname or one.name: (one.name, None) for one in node.names})
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                home = ".".join((*above, *([node.module] if node.module else [])))
                found.update({one.asname or one.name: (home, one.name) for one in node.names if one.name != "*"})
        return found

    @cached_property
    def definitions(self) -> frozenset[str]:
        """Names that the module itself gives a meaning to."""
        found: set[str] = set()
        for node in self._statements:
            if isinstance(node, ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found.update(target.id for target in node.targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
            elif type(node).__name__ == "TypeAlias":
                found.add(node.name.id)  # type: ignore[attr-defined]  # ast.TypeAlias, of Python 3.12
        return frozenset(found)

    @cached_property
    def _statements(self) -> list[ast.stmt]:
        return list(_top_level(ast.parse(self.text).body))


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _top_level(node.body)
            yield from _top_level(node.orelse)


class Sources:
    """The source files of the functions and workflows that one module is compiled from."""

    def __init__(self) -> None:
        self.used: dict[str, Source] = {}
        self._modules: dict[str, str] = {}
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and name != "__main__":
                self._modules.setdefault(file, name)

    def of_module(self, name: str) -> Source | None:
        """Read the source of a module; ``None`` for one without source, or of the standard library."""
        if name in self.used:
            return self.used[name]
        file = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or name.partition(".")[0] in sys.stdlib_module_names:
            return None
        if not is_importable(name) or not Path(file).is_file():
            return None
        self.used[name] = source = Source(name, file)
        return source

    def function(self, where: Location | None, module: str | None) -> Function:
        """Read the function at a place, preferably as part of the module that it says it is of."""
        if where is None:
            return UNKNOWN
        if getattr(sys.modules.get(module or ""), "__file__", None) != where.file:
            module = self._modules.get(where.file)
        source = self.of_module(module) if module else None
        return UNKNOWN if source is None else source.function(where.line)


def is_importable(module: str) -> bool:
    """Tell whether a module can be imported by this name again."""
    return _spec(module) is not None


def is_hidden(module: str) -> bool:
    """Tell whether ``import a.b as c`` gives something else, because the package calls another thing ``b``, too."""
    top, *rest = module.split(".")
    found: Any = sys.modules.get(top)
    for name in rest:
        found = getattr(found, name, None)
    return module in sys.modules and found is not sys.modules[module]


def _spec(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except (ImportError, ValueError):
        return None


def read(file: Path) -> str:
    """Read a source file; the kind of its line ends does not matter."""
    return file.read_bytes().decode("utf-8", "surrogateescape").replace("\r\n", "\n").removeprefix("\ufeff")


def digest(text: str) -> str:
    """Give the SHA-256 of a text in hexadecimal digits."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


@lru_cache(maxsize=4096)  # a process may compile the same functions many times
def _told(text: str) -> tuple[str, str, cst.BaseExpression | None, dict[str, cst.BaseExpression]]:
    """Read from the text of a function its summary, its digest, and the annotations of what it returns and takes."""
    node = _definition(text)
    if node is None:
        return "", digest(text.strip()), None, {}
    summary = (node.get_docstring() or "").strip().partition("\n")[0].strip()
    parameters = node.params
    types = {
        one.name.value: one.annotation.annotation
        for one in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params)
        if one.annotation is not None
    }
    returns = node.returns.annotation if node.returns is not None else None
    return summary, digest("\n".join(_structure(_without_docstring(node)))), returns, types


def _definition(text: str) -> cst.FunctionDef | None:
    """Parse the text of one function, however deeply it is indented."""
    if text[:1].isspace():
        text = f"if True:\n{text}"
    try:
        body = cst.parse_module(text).body
    except (cst.ParserSyntaxError, UnicodeError):
        return None
    first = body[0] if body else None
    if isinstance(first, cst.If):
        first = next((one for one in first.body.body if isinstance(one, cst.BaseCompoundStatement)), None)
    return first if isinstance(first, cst.FunctionDef) else None


def _without_docstring(node: cst.FunctionDef) -> cst.FunctionDef:
    body = node.body
    if node.get_docstring() is None or not isinstance(body, cst.IndentedBlock):
        return node
    return node.with_changes(body=body.with_changes(body=body.body[1:]))


def _structure(node: Any) -> Iterator[str]:
    """List what is said by a piece of source, whatever its layout; the same for every version of Python."""
    yield type(node).__name__
    for field in dataclasses.fields(node):
        if field.name in _LAYOUT or field.name.startswith(("whitespace", "trailing", "header", "footer")):
            continue
        value = getattr(node, field.name)
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, str):
                yield f"{field.name}={one}"
            elif isinstance(one, cst.CSTNode):
                yield from _structure(one)
