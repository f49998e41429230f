"""What stands in a return of a state: a plain value, or an object that says what follows, with its arguments."""

from __future__ import annotations

import ast
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed.returns import ConditionalReturn, FSMReturn, SelectReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OPEN: Final = object()
"""Stands for a value that is known only when the machine runs."""
STEERING: Final[dict[Any, tuple[str, ...]]] = {
    ConditionalReturn: ("condition", "value", "true_branch", "false_branch"),
    FSMReturn: ("next_state", "value", "stop_condition", "continue_execution", "stop"),
    SelectReturn: ("branch", "value"),
}
"""The objects that say what follows, and their arguments: first the one that says it."""
_BY_PLACE: Final[dict[Any, tuple[str, ...]]] = {FSMReturn: STEERING[FSMReturn][:-1], SelectReturn: ("value", "branch")}
_PLAIN: Final = (ast.Constant, ast.JoinedStr, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp)


class Leaf(NamedTuple):
    """What an expression may give: a value that stands there, or else what the name that stands there means now."""

    value: object
    meaning: object = None


class Argument(NamedTuple):
    """An expression, and all that it may give."""

    text: str
    leaves: tuple[Leaf, ...]

    @property
    def value(self) -> object:
        """The value, if it stands there."""
        return self.leaves[0].value if len(self.leaves) == 1 else OPEN


class Made(NamedTuple):
    """An object that says what follows, and its arguments in the order in which they are evaluated."""

    kind: Any
    given: dict[str, Argument]


def plain(text: str) -> Leaf | None:
    """Read a value that cannot itself say what follows; ``None`` if it is not certain that it is one."""
    node = _parsed(text)
    return Leaf(node.value if isinstance(node, ast.Constant) else OPEN) if isinstance(node, _PLAIN) else None


def made(text: str, meanings: Mapping[str, object]) -> Made | None:
    """Read an object that says what follows; ``None`` if it is another expression.

    Args:
        text: the expression.
        meanings: what names and attributes of modules in it mean now, by their text.
    """
    node = _parsed(text)
    if not isinstance(node, ast.Call):
        return None
    meaning = _meaning(node.func, meanings)
    kind = next((one for one in STEERING if one is meaning), None)
    if kind is None:
        return None
    places = _BY_PLACE.get(kind, STEERING[kind])
    names = [*places[: len(node.args)], *(one.arg or "" for one in node.keywords)]
    values = [*node.args, *(one.value for one in node.keywords)]
    stars = any(isinstance(one, ast.Starred) for one in node.args)
    if stars or len(names) != len(values) or len(set(names)) != len(names) or not set(names) <= set(STEERING[kind]):
        return None
    source = f"({text})"
    return Made(
        kind,
        {
            name: Argument(_alone(ast.get_source_segment(source, value) or "", value), tuple(_leaves(value, meanings)))
            for name, value in zip(names, values, strict=True)
        },
    )


def _parsed(text: str) -> ast.expr:
    return ast.parse(f"({text})", mode="eval").body


def _alone(text: str, node: ast.expr) -> str:
    """Write an argument so that it can stand alone."""
    return f"({text})" if "\n" in text or isinstance(node, ast.NamedExpr) else text


def _leaves(node: ast.expr, meanings: Mapping[str, object]) -> Iterator[Leaf]:
    """List what an expression may give, if it is one that chooses."""
    if isinstance(node, ast.IfExp):
        yield from _leaves(node.body, meanings)
        yield from _leaves(node.orelse, meanings)
    elif isinstance(node, ast.Constant):
        yield Leaf(node.value)
    else:
        yield Leaf(OPEN, _meaning(node, meanings))


def _meaning(node: ast.expr, meanings: Mapping[str, object]) -> object:
    """Find what a name means, also one of a module."""
    text = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    if text in meanings or not isinstance(node, ast.Attribute):
        return meanings.get(text)
    module = _meaning(node.value, meanings)
    return vars(module).get(node.attr) if type(module) is ModuleType else None
