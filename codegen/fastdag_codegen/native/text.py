"""From the text of a flat module to the text that mypyc compiles in its place."""

from __future__ import annotations

import ast
from copy import copy
from typing import TYPE_CHECKING, Final

from .expressions import UnsupportedError, type_of
from .inference import Inference
from .kinds import CONTAINERS, ELEMENTS, SCALARS, base, element
from .lines import LayoutError, laid_out
from .statements import Statements, parsed
from .syntax import Function, is_builtin, own, parameters, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .kinds import Names

_ENTRY: Final = "walk"
_FACE: Final = ("run", "run_async")
"""Functions that check inputs and call it: they stay Python's, with all that can be asked of a function."""
_TAIL: Final = """
{p}0fresh: Final[list[Any]] = []
{mark}


def {p}0any(value: Any) -> Any:
    return value


def {p}0all(values: list[Any], kind: Any) -> bool:
    value: Any
    for value in values:
        if type(value) is not kind: return False
    return True


def {p}0instead(exact: Any) -> Any:
    from fastdag_typed.run.native import instead as {p}1instead
    return {p}1instead(globals(), {p}0fresh, exact)


def {p}0failed(values: Any, failure: Any, error: Any, rest: Any) -> Any:
    from fastdag_typed.run.native import failed as {p}1failed
    return {p}1failed(globals(), values, failure, error, rest)


def {p}0caused(error: Any, cause: Any) -> Any:
    from fastdag_typed.run.native import caused as {p}1caused
    return {p}1caused(error, cause)


"""
_HEAD: Final = (
    "from typing import Any, Final, cast as {p}0cast; import builtins as {p}0builtins; "
    "{p}0builtins.exec({p}0builtins.compile({text!r}, {name!r}, 'exec'), globals())"
)
"""What a module does besides defining functions it does as Python: that is done once, and takes a C compiler long."""


class Untranslatable(Exception):  # noqa: N818 - it is caught where it is told as an error
    """Something in a module is not what the compiler writes; ``line`` is where."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


def native_text(text: str, name: str, mark: str) -> str:
    """Write what mypyc is to compile: each statement in the line in which it is, then what native code needs besides.

    Args:
        text: a compiled module.
        name: its file.
        mark: an assignment by which the extension shows what it was built from.

    Raises:
        Untranslatable: it is not as the compiler writes modules.
    """
    tree = _Uncast().visit(ast.parse(text))
    functions = {one.name: one for one in tree.body if isinstance(one, Function) and one.name not in _FACE}
    prefix = "_native_"
    while prefix in text:
        prefix = f"_{prefix}"
    writer = _Writer(tree, functions, prefix)
    lines = ["" if line.startswith("#") else line for line in text.split("\n")]  # some have a meaning for mypy
    for function in functions.values():
        first, made = writer.function(function)
        end = function.end_lineno or function.lineno
        if any(line.strip() for line in lines[first - 1 : function.lineno - 1]):
            raise Untranslatable("there is no room above a function", function.lineno)
        lines[first - 1 : end] = made + [""] * (end - first + 1 - len(made))
    for node in writer.outside:
        lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or 0) - node.lineno + 1)
    rest = _without(text, functions.values())
    for line, generator in writer.exact.generators.values():
        rest[line - 1] = f"{rest[line - 1]}; {generator}" if rest[line - 1] else generator
    head = _HEAD.format(p=prefix, name=name, text="\n".join(rest))
    lines[writer.outside[0].lineno - 1] = "; ".join([head, *writer.aliases()])
    return "\n".join(lines) + _TAIL.format(p=prefix, mark=mark)


class _Writer:
    """Writes the functions of one module."""

    def __init__(self, tree: ast.Module, functions: dict[str, Function], prefix: str) -> None:
        self.prefix = prefix
        self.rows = _rows(tree)
        self.outside = [
            one
            for one in tree.body
            if one not in functions.values()
            and not (isinstance(one, ast.ImportFrom) and one.module == "__future__")
            and not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        ]
        outside = frozenset(_bound(tree))
        hidden = sorted(name for name in outside | functions.keys() if is_builtin(name) and name != "__file__")
        if hidden:
            raise Untranslatable(f'"{hidden[0]}" is the name of something else', 0)
        inner = frozenset(_only_called(functions.values(), self.outside) & functions.keys() - {_ENTRY})
        if _mode(tree) != "sequential":
            raise Untranslatable(f"its nodes run as {_mode(tree)}, which native code does not", 0)
        given = {_ENTRY: _promised(functions[_ENTRY])} if _ENTRY in functions else {}
        self.kinds = Inference(functions, inner, given)
        self.exact = Statements(self.kinds, prefix, outside)

    def aliases(self) -> Iterator[str]:
        """Write the names that stand for others without their types."""
        for name, alias in sorted(self.exact.aliases.items()):
            yield (
                f'{alias}: Final[Any] = globals()["{name}"]'
                if name in self.exact.outside or name in self.exact.generators
                else f"{alias}: Final[Any] = {name}"
            )

    def function(self, function: Function) -> tuple[int, list[str]]:
        """Write a function; give its first line and the text of all."""
        name, names = function.name, dict(self.kinds.names[function.name])
        sure = [one for one in parameters(function) if names[one] is not None] if name == _ENTRY else []
        self.exact.renamed = {one: f"{self.prefix}2{one}" for one in sure}
        takes = [one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)]
        variables = [one for one in stored(function) if one not in takes]
        try:
            body = self.exact.body(function, names)
            head = [one for variable in variables for one in parsed(f"{variable}: {type_of(names[variable])}")]
            if name == _ENTRY:
                _mend(body, self.prefix, self._values(function))
                head = [*self._entry(function, sure, names), *head]
            else:
                _mend(body, self.prefix, None)
            made = self._signature(function, [*head, *body], names)
            return laid_out(ast.fix_missing_locations(made))
        except UnsupportedError as error:
            raise Untranslatable(f"native code has no place for {error}", error.line) from None
        except LayoutError:
            raise Untranslatable("there is no room for what native code needs", function.lineno) from None

    def _signature(self, function: Function, body: list[ast.stmt], names: Names) -> ast.stmt:
        inner = function.name in self.kinds.inner
        function.args.defaults = [self.exact.loose(one, {}) for one in function.args.defaults]
        function.args.kw_defaults = [one and self.exact.loose(one, {}) for one in function.args.kw_defaults]
        for one in ast.walk(function.args):
            if isinstance(one, ast.arg):
                one.annotation = ast.Name(type_of(names[one.arg]) if inner else "Any")
        returns = type_of(self.kinds.returned.get(function.name))
        if function.name in self.kinds.tuples:
            returns = f"tuple[{', '.join(map(type_of, self.kinds.tuples[function.name]))}]"
        made = copy(function)
        made.body, made.returns = body, ast.Name(returns)
        return made

    def _entry(self, function: Function, sure: list[str], names: Names) -> list[ast.stmt]:
        """Write the test that native code may do it: that it is up to date, and its inputs of the very classes."""
        p = self.prefix
        tests = []
        for one in sure:
            tests.append(f"type({one}) is {base(names[one])}")
            inside = element(names[one]) if base(names[one]) == "list" else None
            tests += [f"{p}0all({one}, {inside})"] if inside else []
        given = ", ".join(f"{one}={one}" for one in parameters(function))
        waits = "await " if isinstance(function, ast.AsyncFunctionDef) else ""
        lines = [
            f"{p}0values: dict[str, Any]",
            f"{p}0exact: bool = {' and '.join(tests) or 'True'}",
            f"{p}0other: Any = None if {p}0fresh and {p}0exact else {p}0instead({p}0exact)",
            f"if {p}0other is not None: return {waits}{p}0other.{_ENTRY}({given})",
            *(f"{p}2{one}: {type_of(names[one])} = {one}" for one in sure),
        ]
        return parsed("\n".join(lines))

    def _values(self, function: Function) -> list[str]:
        """List the variables that hold results, in the order in which they get them, without those that are deleted."""
        rows = range(function.lineno, (function.end_lineno or 0) + 1)
        known = {*stored(function)} - {
            one.id for one in own(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Del)
        }
        return list(dict.fromkeys(name for line, name in self.rows if line in rows and name in known))


class _Uncast(ast.NodeTransformer):
    """Takes ``cast`` away, a name that compiled modules have from ``typing``: it would hide what a value is."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
                return value
            case _:
                return node


def _without(text: str, functions: Iterable[Function]) -> list[str]:
    """Take functions out of a text; what is left stays in its lines."""
    lines = text.split("\n")
    for one in functions:
        end = one.end_lineno or one.lineno
        lines[one.lineno - 1 : end] = [""] * (end - one.lineno + 1)
    return lines


def _mode(tree: ast.Module) -> str:
    """Read how the nodes of a module run."""
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="MODE"), value=ast.Constant(value=str() as mode)):
                return mode
            case _:
                pass
    return "sequential"


def _only_called(functions: Iterable[Function], outside: Iterable[ast.stmt]) -> set[str]:
    """List what functions call by its name, and what nothing reads in another way."""
    inside = [one for function in functions for one in ast.walk(function)]
    calls = [one.func for one in inside if isinstance(one, ast.Call)]
    called = {id(one): one.id for one in calls if isinstance(one, ast.Name)}
    rest = [one for node in outside for one in ast.walk(node)]
    read = {one.id for one in (*inside, *rest) if isinstance(one, ast.Name) and id(one) not in called}
    return set(called.values()) - read


def _rows(tree: ast.Module) -> list[tuple[int, str]]:
    """Read the lines and variables from the table of a module."""
    for node in tree.body:
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == "LINES"
            and isinstance(node.value, ast.Tuple)
        ):
            rows = [one.elts for one in node.value.elts if isinstance(one, ast.Tuple)]
            return [(ast.literal_eval(row[0]), ast.literal_eval(row[2])) for row in rows]
    return []


def _bound(tree: ast.Module) -> Iterator[str]:
    """List what a module binds besides functions."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ClassDef) or (isinstance(node, Function) and node.name in _FACE):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from (
                one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            )
    yield "__file__"


def _promised(function: Function) -> Names:
    """Read the kinds that parameters are declared to be of; each call makes sure of it."""
    rebound = {one.id for one in own(function) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
    found: Names = {}
    for one in ast.walk(function.args):
        if isinstance(one, ast.arg) and one.annotation is not None and one.arg not in rebound:
            found[one.arg] = _kind(one.annotation)
    return found


def _kind(annotation: ast.expr) -> str | None:
    """Read the kind that is declared."""
    match annotation:
        case ast.Name(id=name) if name in SCALARS | CONTAINERS:
            return name
        case ast.Subscript(value=ast.Name(id="list"), slice=ast.Name(id=name)) if name in ELEMENTS:
            return f"list[{name}]"
        case ast.Subscript(value=ast.Name(id=name)) if name in CONTAINERS:
            return name
        case _:
            return None


def _mend(body: list[ast.stmt], prefix: str, values: list[str] | None) -> None:
    """Have failures made by a function that sets their cause, and knows what the frame of native code does not.

    The handlers of the outermost function hand over the ``values`` that there are by then, also where a run is stopped.
    """
    for handler in [one for statement in body for one in ast.walk(statement) if isinstance(one, ast.ExceptHandler)]:
        raised = handler.body[-1]
        match raised:
            case ast.Raise(
                exc=ast.Call(args=[ast.Call(func=ast.Name(id="failure") as made, args=[error, *rest]), ast.Name()])
            ):
                handed: ast.expr = ast.Constant(None)
                for one in handler.body[:-1]:
                    one.lineno = 0
                if values is not None:
                    handed = ast.Name(f"{prefix}0values")
                    handler.type = ast.Name("BaseException")
                    kept = "; ".join([f"{handed.id} = {{}}", *(f"{handed.id}[{one!r}] = {one}" for one in values)])
                    handler.body[:0] = parsed(f"try: {kept}\nexcept (NameError, AttributeError): pass")
                given = [handed, made, error, ast.Tuple(rest, ast.Load())]
                raised.exc = ast.Call(ast.Name(f"{prefix}0failed"), given, [])
            case _:
                pass
