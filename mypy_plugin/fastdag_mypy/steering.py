"""Where the functions of states, conditions and selections send a run: what their bodies say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mypy.nodes import CallExpr, ConditionalExpr, NameExpr, RefExpr, ReturnStmt, StrExpr, YieldExpr
from mypy.types import AnyType, CallableType, Instance, TypeVarType, UninhabitedType, UnionType, get_proper_type

from .ports import STEERING, unwrapped
from .syntax import arguments, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy.nodes import Expression, FuncDef, Node
    from mypy.types import ProperType

CONDITIONAL, SELECT, MACHINE = STEERING
_LAYOUTS: Final = {
    CONDITIONAL: ("condition", "value", "true_branch", "false_branch"),
    SELECT: ("value", "branch"),
    MACHINE: ("next_state", "value", "stop_condition", "continue_execution"),
}
_TARGETS: Final = {CONDITIONAL: ("true_branch", "false_branch"), SELECT: ("branch",), MACHINE: ("next_state",)}


@dataclass(slots=True)
class Exits:
    """What a function says about what follows it.

    ``named`` are the names and nodes it gives, as written; ``labels`` are those of them that may be labels of branches.
    ``stops`` tells whether it may end the run, ``unknown`` whether there is more than can be read.
    """

    named: list[Expression] = field(default_factory=list["Expression"])
    labels: list[Expression] = field(default_factory=list["Expression"])
    stops: bool = False
    unknown: bool = False

    def of(self, kind: str, call: CallExpr) -> None:
        """Read one ``FSMReturn(...)`` or the like."""
        given = arguments(call, _LAYOUTS[kind])
        if given is None:
            self.unknown = True
            return
        for target in (one for option in _TARGETS[kind] for one in _values(given.get(option))):
            if isinstance(target, StrExpr) or (isinstance(target, RefExpr) and not _is_none(target)):
                self.named.append(target)
                if kind == SELECT:
                    self.labels.append(target)
            elif not _is_none(target):
                self.unknown = True
        self.stops = self.stops or any(
            option in given and not _is_literal(given[option], idle)
            for option, idle in (("stop_condition", "False"), ("stop", "False"), ("continue_execution", "True"))
        )


def exits(func: FuncDef) -> Exits:
    """Read where a function sends the run."""
    found = Exits()
    steers = _may_steer(func)
    for node in parts(func.body):
        kind = _kind(node)
        if kind is not None and isinstance(node, CallExpr):
            found.of(kind, node)
        elif isinstance(node, ReturnStmt) and steers:
            found.unknown = found.unknown or any(_kind(value) is None for value in _values(node.expr))
        elif isinstance(node, YieldExpr):
            found.unknown = True
    if _never_returns(func):
        found.stops = True
    return found


def _values(node: Expression | None) -> Iterator[Expression]:
    if isinstance(node, ConditionalExpr):
        yield from _values(node.if_expr)
        yield from _values(node.else_expr)
    elif node is not None:
        yield node


def _kind(node: Node) -> str | None:
    callee = node.callee if isinstance(node, CallExpr) else None
    return callee.fullname if isinstance(callee, RefExpr) and callee.fullname in _LAYOUTS else None


def _returned(func: FuncDef) -> ProperType | None:
    signature = get_proper_type(func.type)
    return (
        unwrapped(get_proper_type(signature.ret_type), steering=False) if isinstance(signature, CallableType) else None
    )


def _may_steer(func: FuncDef) -> bool:
    """Tell whether what a function returns may say what follows."""
    found = _returned(func)
    members = [get_proper_type(one) for one in found.items] if isinstance(found, UnionType) else [found]
    return any(_is_steering(one) for one in members)


def _is_steering(found: ProperType | None) -> bool:
    if isinstance(found, Instance):
        return found.type.fullname in (*STEERING, "builtins.object")
    return found is None or isinstance(found, AnyType | TypeVarType)


def _never_returns(func: FuncDef) -> bool:
    return isinstance(_returned(func), UninhabitedType)


def _is_none(node: Expression) -> bool:
    return isinstance(node, NameExpr) and node.fullname == "builtins.None"


def _is_literal(node: Expression, name: str) -> bool:
    return isinstance(node, NameExpr) and node.fullname == f"builtins.{name}"
