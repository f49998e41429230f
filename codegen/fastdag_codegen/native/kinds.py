"""What machine types the values in flat code have: those that they have exactly, whatever the code is given.

A value is of a kind if it is of that very class, not of a subclass, and not merely declared to be: ``int``, ``list``,
``list[float]``. What is not known for certain is of no kind (``None``): native code handles it as Python does.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Final

from .syntax import plain_call, split, targeted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NUMBERS: Final = frozenset(("int", "float"))
SCALARS: Final = NUMBERS | {"bool", "str"}
CONTAINERS: Final = frozenset(("dict", "list", "set"))
ELEMENTS: Final = frozenset(("float", "int", "str"))
OPEN: Final = "?"
"""The kind of what is only made of itself so far."""

METHODS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "str": {
        **dict.fromkeys(("capitalize", "casefold", "lower", "lstrip", "removeprefix", "removesuffix"), "str"),
        **dict.fromkeys(("replace", "rstrip", "strip", "swapcase", "title", "upper", "zfill", "join"), "str"),
        **dict.fromkeys(("endswith", "isalnum", "isalpha", "isdigit", "isspace", "startswith"), "bool"),
        **dict.fromkeys(("rsplit", "split", "splitlines"), "list[str]"),
    },
    "list": {"append": None, "reverse": None, "sort": None},
    "dict": {"get": None, "items": None, "keys": None, "setdefault": None, "values": None},
    "set": {"add": None, "discard": None},
}
"""Methods that native code carries out itself, as Python does, and of which kind their values are."""
MADE: Final[Mapping[str, str]] = {
    **{kind: kind for kind in (*NUMBERS, "bool", *CONTAINERS)},
    "all": "bool",
    "any": "bool",
    "len": "int",
    "ord": "int",
    "sorted": "list",
}
"""Functions of one argument that always give a value of that very class."""
_INT: Final = (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
_FLOAT: Final = (ast.Add, ast.Sub, ast.Mult, *((ast.Div,) if sys.version_info < (3, 14) else ()))
"""From 3.14 on a division by zero has another text than mypyc gives it."""
_ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_WIDEST: Final = 64

Names = dict[str, str | None]


def base(kind: str | None) -> str:
    """Give the class of a kind."""
    return (kind or "").partition("[")[0]


def list_of(kind: str | None) -> str:
    """Give the kind of a list of values that are all of a kind."""
    return f"list[{kind}]" if kind in ELEMENTS or kind == OPEN else "list"


def element(kind: str | None) -> str | None:
    """Give the kind of what is in a value of a kind."""
    if kind in ("str", OPEN):
        return kind
    return (kind or "").partition("[")[2].removesuffix("]") or None


def join(kinds: Iterable[str | None]) -> str | None:
    """Give the kind of what may be of any of several kinds."""
    known = set(kinds) - {OPEN}
    if len(known) < 2:
        return known.pop() if known else OPEN
    if {base(kind) for kind in known} == {"list"}:
        inside = {element(kind) for kind in known} - {OPEN}
        return list_of(inside.pop()) if len(inside) == 1 else "list"
    return None


class Kinds:
    """Tells the kinds of expressions, given those of variables.

    Attributes:
        inner: functions that are only called from others of the module.
        returned: the kind of what they return.
        tuples: the kinds of what they return, where that is always so many values at once.

    """

    def __init__(self, inner: frozenset[str]) -> None:
        self.inner = inner
        self.returned: dict[str, str | None] = {}
        self.tuples: dict[str, tuple[str | None, ...]] = {}

    def of(self, node: ast.expr, names: Names) -> str | None:  # noqa: C901, PLR0912 - a case for each kind
        """Give the kind of the value of an expression."""
        match node:
            case ast.Constant():
                name = type(node.value).__name__
                return name if name in SCALARS else None
            case ast.Name():
                return names.get(node.id)
            case ast.NamedExpr():
                return self.of(node.value, names)
            case ast.UnaryOp(op=ast.Not()):
                return "bool"
            case ast.UnaryOp():
                kind = self.of(node.operand, names)
                fits = kind in ("int", OPEN) or (kind == "float" and not isinstance(node.op, ast.Invert))
                return kind if fits else None
            case ast.BinOp():
                return self._binary(node, names)
            case ast.Compare():
                return self._compare(node, names)
            case ast.BoolOp():
                return join(self.of(value, names) for value in node.values)
            case ast.IfExp():
                return join((self.of(node.body, names), self.of(node.orelse, names)))
            case ast.JoinedStr():
                return "str"
            case ast.List():
                return "list" if _stars(node.elts) else list_of(join(self.of(one, names) for one in node.elts))
            case ast.ListComp():
                return list_of(self.of(node.elt, self.inside(node.generators, names)))
            case ast.Dict() | ast.DictComp():
                return "dict"
            case ast.Set() | ast.SetComp():
                return "set"
            case ast.Subscript():
                return self._item(node, names)
            case ast.Call():
                return self._call(node, names)
            case _:
                return None

    def items(self, node: ast.expr, names: Names) -> str | None:
        """Give the kind of what iterating gives."""
        bounds = plain_call(node, "range")
        if bounds is not None and join(("int", *(self.of(one, names) for one in bounds))) == "int":
            return "int"
        if isinstance(node, ast.Tuple | ast.Set) and node.elts and not _stars(node.elts):
            return join(self.of(one, names) for one in node.elts)
        return element(self.of(node, names))

    def targets(self, target: ast.expr, items: ast.expr, names: Names) -> Iterator[tuple[str, str | None]]:
        """Give the kinds of the variables of a loop."""
        counted = plain_call(items, "enumerate")
        if isinstance(target, ast.Name):
            yield target.id, self.items(items, names)
        elif counted is not None and len(counted) == 1 and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            for one, kind in zip(target.elts, ("int", self.items(counted[0], names)), strict=True):
                yield from ((name, kind if isinstance(one, ast.Name) else None) for name in targeted(one))
        else:
            yield from ((name, None) for name in targeted(target))

    def inside(self, generators: list[ast.comprehension], names: Names) -> Names:
        """Give the kinds of variables within a comprehension."""
        found = dict(names)
        for one in generators:
            given = dict(self.targets(one.target, one.iter, found))
            found.update(dict.fromkeys(given) if one.is_async else given)
        return found

    def parts(self, target: ast.Tuple | ast.List, value: ast.expr, names: Names) -> list[str | None]:
        """Give the kinds of what several targets are given at once."""
        pairs = split(target, value)
        if pairs is not None:
            return [self.of(one, names) for _, one in pairs]
        called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        if called in self.inner:
            if called not in self.returned:
                return [OPEN] * len(target.elts)
            kinds = self.tuples.get(called, ())
            if len(kinds) == len(target.elts):
                return list(kinds)
        return [None] * len(target.elts)

    def _binary(self, node: ast.BinOp, names: Names) -> str | None:
        left, right = self.of(node.left, names), self.of(node.right, names)
        if None in (left, right):
            return None
        if OPEN in (left, right):
            return OPEN
        if left == right == "int":
            value = node.right.value if isinstance(node.right, ast.Constant) else None
            if isinstance(node.op, ast.FloorDiv | ast.Mod):
                return "int" if value else None
            if isinstance(node.op, ast.LShift | ast.RShift):
                return "int" if isinstance(value, int) and 0 <= value <= _WIDEST else None
            return "int" if isinstance(node.op, _INT) else None
        if {left, right} <= NUMBERS:
            return "float" if isinstance(node.op, _FLOAT) else None
        if isinstance(node.op, ast.Add) and base(left) == base(right) and base(left) in ("list", "str"):
            return join((left, right))
        return None

    def _compare(self, node: ast.Compare, names: Names) -> str | None:
        if all(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in node.ops):
            return "bool"
        kind = join(self.of(one, names) for one in (node.left, *node.comparators))
        if kind == OPEN:
            return kind
        allowed = (*_ORDER, ast.Eq, ast.NotEq) if kind in NUMBERS | {"str"} else ()
        return "bool" if all(isinstance(op, allowed) for op in node.ops) else None

    def _item(self, node: ast.Subscript, names: Names) -> str | None:
        kind = self.of(node.value, names)
        if kind in ("str", OPEN):
            return kind
        if base(kind) != "list":
            return None
        if isinstance(node.slice, ast.Slice):
            return kind
        index = self.of(node.slice, names)
        return element(kind) if index in ("int", OPEN) else None

    def _call(self, node: ast.Call, names: Names) -> str | None:
        if _stars(node.args) or node.keywords:
            return None
        if isinstance(node.func, ast.Attribute):
            return METHODS.get(base(self.of(node.func.value, names)), {}).get(node.func.attr)
        if not isinstance(node.func, ast.Name) or node.func.id in names:
            return None
        name, kinds = node.func.id, [self.of(one, names) for one in node.args]
        if name in self.inner:
            return self.returned.get(name, OPEN)
        if name in ("list", "sorted") and len(kinds) == 1:
            return list_of(self.items(node.args[0], names))
        if name in MADE and len(kinds) == 1:
            return MADE[name]
        if name in CONTAINERS and not kinds:
            return list_of(OPEN) if name == "list" else name
        if name == "str" and len(kinds) == 1 and (kinds[0] in SCALARS or kinds[0] == OPEN):
            return "str"
        if (name == "abs" and len(kinds) == 1) or (name in ("max", "min") and len(kinds) == 2):
            kind = join(kinds)
            return kind if kind in NUMBERS or kind == OPEN else None
        return None


def _stars(nodes: list[ast.expr]) -> bool:
    return any(isinstance(one, ast.Starred) for one in nodes)
