"""From a function to its body, or to the reason why it is called."""

from __future__ import annotations

import ast
import re
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import libcst as cst

from .assigned import assignments
from .blocks import statements
from .escapes import check_escapes
from .hazards import check_names as check_globals
from .hazards import check_syntax
from .managers import lets_errors_through
from .reading import MISSING, home, path_of, subject
from .returns import Exit, Row, Structure
from .rules import Refusal, RefusedError
from .scopes import Script
from .trees import Scoping
from .verify import FLAT_DEPTH, check_flat, check_names, check_variables, encoded
from .writing import Body, template

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from ..sources import Source
    from .reading import Subject
    from .returns import Item


_SILENCED: Final = re.compile(r"#.*\b(?:type|mypy|pyright):")
"""A comment for type checkers, or a text that looks like one."""


class _Known(NamedTuple):
    """What was found, and what it depends on."""

    found: Body | Refusal
    code: CodeType
    text: str | None
    values: tuple[tuple[str, Any], ...]

    def still_holds(self, func: FunctionType, text: str | None) -> bool:
        """Tell whether the function, its source and the globals that it reads are still the same."""
        if self.code is not func.__code__ or self.text != text:
            return False
        return all(func.__globals__.get(name, MISSING) is value for name, value in self.values)


_MOST: Final = 4096
_KNOWN: Final[dict[FunctionType, _Known]] = {}
"""The functions read last; a body leads to its function, so that a weak key would keep it alive, too."""


def read(func: Any, source: Source | None) -> Body | Refusal:
    """Read the body of a function.

    Args:
        func: what a node calls.
        source: the source file that it is of, if that is known.

    Returns:
        The body, or why the function is called. The same function, source and globals give the same object.
    """
    if type(func) is not FunctionType:
        return _read(func, source, {})
    text = source.text if source is not None else None
    known = _KNOWN.get(func)
    if known is not None and known.still_holds(func, text):
        return known.found
    values: dict[str, Any] = {}
    found = _read(func, source, values)
    if len(_KNOWN) >= _MOST:
        _KNOWN.pop(next(iter(_KNOWN)), None)
    _KNOWN[func] = _Known(found, func.__code__, text, tuple(values.items()))
    return found


def _read(func: Any, source: Source | None, values: dict[str, Any]) -> Body | Refusal:
    line = getattr(getattr(func, "__code__", None), "co_firstlineno", 0)
    try:
        return _body(subject(func, source), values)
    except RefusedError as error:
        return error.refusal if error.refusal.line else error.refusal._replace(line=line)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the function can be called
        return Refusal("internal", f"it could not be analysed: {type(error).__name__}", line)


def _body(known: Subject, values: dict[str, Any]) -> Body:
    tree = known.tree
    check_syntax(known)
    scoping = Scoping(tree)
    names = sorted({name.id for name, meaning in scoping.meanings.items() if meaning == "global"})
    values.update((name, known.func.__globals__.get(name, MISSING)) for name in names)
    check_globals(known, scoping)
    check_escapes(known, scoping)
    exits = assignments(known, scoping, scoping.parameters)
    preset = [name for name in exits.uncertain if name not in scoping.parameters]
    if preset:
        exits = assignments(known, scoping, (*scoping.parameters, *preset))
    script, function = _script(known, {*scoping.parameters, *preset})
    check_variables(known, scoping, script, exits)
    safe = {node.lineno: _is_safe(known, scoping, node) for node in known.nodes if isinstance(node, ast.With)}
    body = statements(function.body)
    structure = Structure(script, lambda one: one.asynchronous is None and safe[structure.line(one)])
    check_names(known, scoping, _encoded(row for one in body for row in structure.verbatim(one, 1)))
    body = body[ast.get_docstring(tree, clean=False) is not None :]
    items = structure.tail(body)
    check_flat(_flat(items), is_async=isinstance(tree, ast.AsyncFunctionDef))
    return template(
        known,
        items,
        path=path_of(known),
        is_async=isinstance(tree, ast.AsyncFunctionDef),
        goes_on=_goes_on(known),
        checked=_is_checked(known),
        parameters=scoping.parameters,
        line=tree.lineno,
        rebound=frozenset(scoping.rebound),
        homes={name: where for name in names if name in known.func.__globals__ and (where := home(known, name))},
        preset=tuple(preset),
        ends=() if exits.returns else exits.ends(),
        each=tuple(exits.ends(exits.returns[node]) for node in sorted(exits.returns, key=_place)),
    )


def _script(known: Subject, bare: set[str]) -> tuple[Script, cst.FunctionDef]:
    try:
        module = cst.parse_module(known.text)
    except cst.ParserSyntaxError as error:
        raise RefusedError("syntax", "its source is not known to libcst") from error
    node = module.body[0]
    function = node.body.body[0] if isinstance(node, cst.If) else node
    if not isinstance(function, cst.FunctionDef):
        raise RefusedError("syntax", "its source is not a definition to libcst")
    script = Script(known.tree.lineno, module.default_indent, bare, known.is_builtin)
    script.record(function)
    return script, function


def _is_checked(known: Subject) -> bool:
    annotated = any(isinstance(node, ast.arg) and node.annotation for node in ast.walk(known.tree.args))
    return (annotated or known.tree.returns is not None) and not _SILENCED.search(known.text)


def _place(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_safe(known: Subject, scoping: Scoping, node: ast.With) -> bool:
    return all(lets_errors_through(known, scoping, item.context_expr) for item in node.items)


def _encoded(rows: Iterable[Item], depth: int = 0) -> str:
    return "".join(
        f"{'    ' * (row.depth + depth)}{''.join(map(encoded, row.parts))}\n" for row in rows if isinstance(row, Row)
    )


def _flat(items: Iterable[Item]) -> str:
    """Write a body as it will be, with a variable for what it returns."""
    rows: list[Row] = []
    for item in items:
        if isinstance(item, Exit):
            first, *others = item.rows or (Row(0, ("None",), item.line),)
            rows += [Row(item.depth, ("returned = ", *first.parts), item.line)]
            rows += [Row(item.depth, row.parts, row.line) for row in others]
        else:
            rows.append(item)
    return _encoded(rows, FLAT_DEPTH)


def _goes_on(known: Subject) -> bool:
    around = [node for node in known.nodes if isinstance(node, ast.Try | ast.TryStar | ast.With | ast.AsyncWith)]
    return any(isinstance(one, ast.Return) for node in around for one in ast.walk(node))
