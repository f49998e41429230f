"""Proof that a body means what its function means: read again, with every name mapped back, it is the same tree."""

from __future__ import annotations

import ast
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final

from .rules import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .assigned import Exits
    from .reading import Subject
    from .scopes import Script, Token
    from .trees import Scoping

_AROUND: Final = 8
"""Blocks that are around a body in a compiled module, at most."""
_MARKS: Final = {"local": "_L", "inner": "_I", "global": "_G"}
_IGNORED: Final = frozenset(("kind", "type_comment"))


def encoded(token: Token) -> str:
    """Write a token with what its name means."""
    return token if isinstance(token, str) else f"{token.name}{_MARKS[token.meaning]}"


def check_variables(subject: Subject, scoping: Scoping, script: Script, exits: Exits) -> None:
    """Refuse a function whose variables, or their order, are not those that CPython found.

    Raises:
        RefusedError: they are not, or the order depends on the version of Python.
    """
    code = subject.func.__code__
    real = tuple(dict.fromkeys((*code.co_varnames, *code.co_cellvars)))
    ours = exits.order if sys.version_info >= (3, 12) else exits.older
    same = {*script.locals} == {*scoping.locals} and not {*real} - script.inner - scoping.locals
    if not same or [name for name in real if name in ours] != [name for name in ours if name in real]:
        raise RefusedError("names", "its variables are not those that Python found", code.co_firstlineno)
    mortal = exits.perhaps - {*scoping.parameters} | scoping.rebound
    if [name for name in exits.order if name in mortal] != [name for name in exits.older if name in mortal]:
        raise RefusedError("lifetime", "the order in which its variables end depends on the version of Python")


def check_names(subject: Subject, scoping: Scoping, text: str) -> None:
    """Refuse a function whose names are not what another reading of it says; ``text`` is its body, ``encoded``.

    Raises:
        RefusedError: they are not.
    """
    word = "async def" if isinstance(subject.tree, ast.AsyncFunctionDef) else "def"
    written = _parsed(f"{word} f():\n{text}").body[0]

    def meant(name: ast.Name) -> str:
        meaning = scoping.means(name)
        plain = meaning == "global" and subject.is_builtin(name.id)
        return name.id if plain else f"{name.id}{_MARKS[meaning]}"

    expected = [_shape(node, meant, _MARKS) for node in subject.tree.body]
    found = [_shape(node, lambda name: name.id, {"local": "", "inner": ""}) for node in getattr(written, "body", ())]
    if expected != found:
        raise RefusedError("names", "its names could not be told apart", subject.tree.lineno)


def check_flat(text: str, *, is_async: bool) -> None:
    """Refuse a body that Python does not take where it will stand; ``text`` is indented by eight levels and one more.

    Raises:
        RefusedError: it does not.
    """
    around = "".join(f"{'    ' * depth}while True:\n" for depth in range(1, _AROUND + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(f"{'async ' * is_async}def f():\n{around}{text}", "<body>", "exec", dont_inherit=True)
        except SyntaxError as error:
            raise RefusedError("depth", str(error.msg)) from error


FLAT_DEPTH: Final = _AROUND + 1
"""How deep the text for ``check_flat`` is indented."""


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _shape(node: Any, meant: Callable[[ast.Name], str], marks: dict[str, str]) -> Any:
    """Give all that a tree says, but for annotations, which mean nothing in a function."""
    if isinstance(node, list):
        return [_shape(one, meant, marks) for one in node]
    if not isinstance(node, ast.AST):
        return (type(node), repr(node))
    if isinstance(node, ast.Name):
        return (type(node.ctx), meant(node))
    if isinstance(node, ast.AnnAssign):
        return _shape(ast.Pass() if node.value is None else ast.Assign([node.target], node.value), meant, marks)
    local = marks["local"]
    if isinstance(node, ast.alias):
        return (node.name, f"{node.asname or node.name}{local}")
    found: list[Any] = [type(node)]
    for field in node._fields:
        value = getattr(node, field, None)
        if field in _IGNORED:
            continue
        if isinstance(node, ast.arg) and field == "arg":
            found.append(f"{value}{marks['inner']}")
        elif field in ("name", "rest") and isinstance(value, str):  # ExceptHandler, MatchAs, MatchStar, MatchMapping
            found.append(f"{value}{local}")
        else:
            found.append(_shape(value, meant, marks))
    return found
