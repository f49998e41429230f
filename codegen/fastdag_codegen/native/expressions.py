"""Expressions as mypyc is to compile them: of a type that is exactly right, or of none.

mypyc believes types, also those that it finds itself: where it sees an int and a float it makes two floats of them. So
what is of no kind (see ``kinds``) is kept from having a type, and what a user declared is not believed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from .kinds import CONTAINERS, METHODS, NUMBERS, SCALARS, base
from .lists import is_quiet
from .syntax import is_builtin, plain_call, targeted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .inference import Inference
    from .kinds import Names

_KEPT: Final = frozenset(("abs", "len", "max", "min", "ord", *SCALARS, *CONTAINERS, "all", "any", "sorted"))
"""Functions that mypyc knows, and that do under it what they do in Python, given what ``Kinds`` has a kind for."""
_EAGER: Final = frozenset(("all", "any", "list", "set", "sorted"))
"""Functions that do with a generator that runs no other code what they do with a list, or with one value at a time."""
_BOXED: Final = NUMBERS | {"bool"}
_CONVERSIONS: Final = {"a": "ascii", "r": "repr", "s": "str"}
_TYPES: Final = {"dict": "dict[Any, Any]", "list": "list[Any]", "set": "set[Any]"}


class Expressions:
    """Rewrites expressions.

    Args:
        kinds: what is known of values.
        prefix: how names begin that the module does not have.
        outside: what the module binds besides functions.

    """

    def __init__(self, kinds: Inference, prefix: str, outside: frozenset[str]) -> None:
        self.kinds = kinds
        self.prefix = prefix
        self.outside = outside
        self.aliases: dict[str, str] = {}
        """Names that stand for the same without a type, by what they stand for."""
        self.generators: dict[str, tuple[int, str]] = {}
        """What Python does: by name the line and the text."""
        self.renamed: dict[str, str] = {}
        """Parameters that have another name once they are known to be of a kind."""
        self.rebound: frozenset[str] = frozenset()
        """Variables that an expression of the statement gives something: mypyc reads them when all else is done."""

    def test(self, node: ast.expr, names: Names) -> ast.expr:
        """Rewrite what is only asked whether it is true."""
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, [self.test(one, names) for one in node.values])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, self.test(node.operand, names))
        return self.value(node, names)

    def loose(self, node: ast.expr, names: Names) -> ast.expr:
        """Rewrite an expression, and take the type from what it gives."""
        kind = self.kinds.of(node, names)
        if isinstance(node, ast.Constant):
            return self.value(node, names) if kind is None else self._boxed(node)
        if kind in _BOXED:
            return self._boxed(self.value(node, names))
        if kind is None and not isinstance(node, ast.Tuple):
            return self.value(node, names)
        return self.untyped(self.value(node, names))

    def untyped(self, node: ast.expr) -> ast.expr:
        """Take the type from a value: of an object mypyc would still know it where it is cast."""
        return ast.Call(self.own("any"), [node], [])

    def _boxed(self, node: ast.expr) -> ast.expr:
        """Make an object of a number."""
        return ast.Call(self.own("cast"), [ast.Name("Any", ast.Load()), node], [])

    def holder(self, node: ast.expr, names: Names) -> ast.expr:
        """Rewrite what has a method or attribute that native code does not carry out itself."""
        found = self.loose(node, names)
        return self.untyped(found) if isinstance(node, ast.Constant) else found

    def fit(self, node: ast.expr, kind: str | None, names: Names) -> ast.expr:
        """Rewrite what is given to a variable of a kind."""
        return self.loose(node, names) if kind is None else self.value(node, names)

    def own(self, name: str) -> ast.expr:
        """Name something that the module does not have itself."""
        return ast.Name(f"{self.prefix}0{name}", ast.Load())

    def value(self, node: ast.expr, names: Names) -> ast.expr:  # noqa: C901, PLR0912 - one case for each kind
        """Rewrite an expression; it has the type of its kind, or none."""
        exact = self.kinds.of(node, names) is not None
        part = self.value if exact else self.loose
        match node:
            case ast.Constant():
                return node if exact or node.value in (None, ...) else self.untyped(node)
            case ast.Name():
                return self._name(node.id, names)
            case ast.NamedExpr():
                return ast.NamedExpr(node.target, self.fit(node.value, names.get(node.target.id), names))
            case ast.UnaryOp(op=ast.Not()):
                return ast.UnaryOp(node.op, self.test(node.operand, names))
            case ast.UnaryOp(op=ast.USub()) if exact and self.kinds.of(node.operand, names) == "float":
                # The same; of the negative of what it knows to be negative mypyc writes the two signs side by side.
                return ast.BinOp(self.value(node.operand, names), ast.Mult(), ast.Constant(-1.0))
            case ast.UnaryOp():
                return ast.UnaryOp(node.op, part(node.operand, names))
            case ast.BinOp():
                return ast.BinOp(part(node.left, names), node.op, part(node.right, names))
            case ast.BoolOp():
                return ast.BoolOp(node.op, [part(one, names) for one in node.values])
            case ast.IfExp():
                return ast.IfExp(self.test(node.test, names), part(node.body, names), part(node.orelse, names))
            case ast.Compare():
                return self._compare(node, names)
            case ast.Call():
                return self._call(node, names)
            case ast.JoinedStr():
                return self._text(node, names)
            case ast.List() | ast.Set() | ast.Tuple():
                elements = self._elements(node.elts, names)
                return type(node)(elements) if isinstance(node, ast.Set) else type(node)(elements, ast.Load())
            case ast.Dict():
                keys = self._elements([one for one in node.keys if one is not None], names)
                given = iter(keys)
                return ast.Dict(
                    [None if one is None else next(given) for one in node.keys], self._elements(node.values, names)
                )
            case ast.GeneratorExp():
                return self._lazy(node, names)
            case ast.ListComp() | ast.SetComp():
                return self._comprehension(node, names)
            case ast.DictComp():
                inner, generators = self._generators(node.generators, names)
                return ast.DictComp(self.value(node.key, inner), self.value(node.value, inner), generators)
            case ast.Lambda():
                hidden = [one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)]
                node.args.defaults = [self.loose(one, names) for one in node.args.defaults]
                node.args.kw_defaults = [
                    one if one is None else self.loose(one, names) for one in node.args.kw_defaults
                ]
                return ast.Lambda(node.args, self.loose(node.body, {**names, **dict.fromkeys(hidden)}))
            case ast.Subscript():
                return ast.Subscript(self.indexed(node, names), self.index(node, names), ast.Load())
            case ast.Attribute():
                return ast.Attribute(self.holder(node.value, names), node.attr, ast.Load())
            case ast.Await():
                return ast.Await(self.value(node.value, names))
            case ast.Starred():
                return ast.Starred(self.value(node.value, names), ast.Load())
            case _:
                raise UnsupportedError(node)

    def _name(self, name: str, names: Names) -> ast.expr:
        if name in names:
            found = ast.Name(self.renamed.get(name, name), ast.Load())
            return self.untyped(found) if name in self.rebound else found
        return self.alias(name) if name in self.outside else ast.Name(name, ast.Load())

    def alias(self, name: str) -> ast.expr:
        """Name what is bound outside functions, without a type."""
        self.aliases[name] = f"{self.prefix}{name}"
        return ast.Name(self.aliases[name], ast.Load())

    def _elements(self, nodes: Sequence[ast.expr], names: Names) -> list[ast.expr]:
        """Rewrite what goes into one container; mypyc gives it a type that all share, and converts some to that."""
        kinds = {self.kinds.of(one, names) for one in nodes}
        part = self.value if len(kinds) == 1 else self.loose
        return [part(one, names) for one in nodes]

    def indexed(self, node: ast.Subscript, names: Names) -> ast.expr:
        """Rewrite what is indexed; mypyc has an own way for dicts, in which a missing ``None`` is not named."""
        kind = self.kinds.of(node.value, names)
        plain = base(kind) == "dict" and self.kinds.of(node.slice, names) is not None
        known = self.kinds.of(node, names) is not None or plain or kind in (None, "list")
        return self.value(node.value, names) if known else self.loose(node.value, names)

    def index(self, node: ast.Subscript, names: Names) -> ast.expr:
        """Rewrite an index."""
        if isinstance(node.slice, ast.Slice):
            parts = (node.slice.lower, node.slice.upper, node.slice.step)
            return ast.Slice(*(None if one is None else self.loose(one, names) for one in parts))
        kind = base(self.kinds.of(node.value, names))
        counts = self.kinds.of(node.slice, names) == "int" and kind in ("list", "str")
        return self.value(node.slice, names) if counts else self.loose(node.slice, names)

    def _compare(self, node: ast.Compare, names: Names) -> ast.expr:
        both = (node.left, *node.comparators)
        finds = any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
        same = all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        if same or (not finds and self.kinds.of(node, names) is not None):
            left, *others = (self.value(one, names) for one in both)
            return ast.Compare(left, node.ops, others)
        left, *others = (self.loose(one, names) for one in both)
        for place, op in enumerate(node.ops):
            one = node.comparators[place]
            if isinstance(op, ast.In | ast.NotIn) and isinstance(one, ast.Name):
                others[place] = self.value(one, names)
        return ast.Compare(left, node.ops, others)

    def _call(self, node: ast.Call, names: Names) -> ast.expr:
        func = node.func
        plain = not node.keywords and not any(isinstance(one, ast.Starred) for one in node.args)
        if isinstance(func, ast.Attribute):
            kind = base(self.kinds.of(func.value, names))
            declared = isinstance(func.value, ast.Name) or kind == "str"  # of others mypyc takes what is in them first
            if plain and declared and func.attr in METHODS.get(kind, {}):
                made: ast.expr = ast.Attribute(self.value(func.value, names), func.attr, ast.Load())
                return ast.Call(made, [self.value(one, names) for one in node.args], [])
            return self._loose_call(ast.Attribute(self.holder(func.value, names), func.attr, ast.Load()), node, names)
        if isinstance(func, ast.Name) and func.id not in names:
            if func.id in self.kinds.inner:
                keywords = [ast.keyword(one.arg, self.value(one.value, names)) for one in node.keywords]
                return ast.Call(func, [self.value(one, names) for one in node.args], keywords)
            if func.id in _KEPT and self.kinds.of(node, names) is not None:
                if (
                    node.args
                    and isinstance(node.args[0], ast.GeneratorExp)
                    and func.id in _EAGER
                    and is_quiet(node, self.kinds, names)
                ):
                    return ast.Call(func, [self._comprehension(node.args[0], names)], [])
                return ast.Call(func, [self.value(one, names) for one in node.args], [])
            if is_builtin(func.id) and func.id not in self.outside:
                return self._loose_call(self.alias(func.id), node, names)
        return self._loose_call(self.value(func, names), node, names)

    def _loose_call(self, func: ast.expr, node: ast.Call, names: Names) -> ast.expr:
        keywords = [ast.keyword(one.arg, self.loose(one.value, names)) for one in node.keywords]
        return ast.Call(func, [self.loose(one, names) for one in node.args], keywords)

    def _text(self, node: ast.JoinedStr, names: Names) -> ast.expr:
        """Write an f-string as what mypy takes it for, where ``format`` is really called for what is of no kind."""
        parts: list[ast.expr] = []
        for one in node.values:
            if not isinstance(one, ast.FormattedValue):
                parts.append(one)
            elif one.conversion == -1 and one.format_spec is None and self.kinds.of(one.value, names) in SCALARS:
                whole = ast.Attribute(ast.Constant("{:{}}"), "format", ast.Load())
                parts.append(ast.Call(whole, [self.value(one.value, names), ast.Constant("")], []))
            else:
                shown = self.loose(one.value, names)
                if one.conversion != -1:
                    shown = ast.Call(self.alias(_CONVERSIONS[chr(one.conversion)]), [shown], [])
                spec = [] if one.format_spec is None else [self.loose(one.format_spec, names)]
                parts.append(ast.Call(self.alias("format"), [shown, *spec], []))
        return ast.Call(ast.Attribute(ast.Constant(""), "join", ast.Load()), [ast.List(parts, ast.Load())], [])

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, names: Names
    ) -> ast.ListComp | ast.SetComp | ast.GeneratorExp:
        inner, generators = self._generators(node.generators, names)
        if base(self.kinds.of(node.generators[0].iter, names)) == "list" and not generators[0].ifs:
            generators[0].ifs.append(ast.Constant(value=True))  # else mypyc takes for certain how long the list stays
        return type(node)(self.value(node.elt, inner), generators)

    def _lazy(self, node: ast.GeneratorExp, names: Names) -> ast.expr:
        """Have Python make a generator of what it reads: mypyc would make a list, all of it before anything else."""
        own = {name for one in node.generators for name in targeted(one.target)}
        for one in ast.walk(node):
            match one:
                case ast.comprehension(is_async=0):
                    inner = set(targeted(one.target)) - own
                case ast.Lambda():
                    inner = {name.arg for name in ast.walk(one.args) if isinstance(name, ast.arg)}
                case ast.comprehension() | ast.Await() | ast.NamedExpr():
                    raise UnsupportedError(node, "a generator that assigns to a variable or awaits")
                case _:
                    continue
            if inner & names.keys():  # the same name is two variables
                raise UnsupportedError(node, "a generator with two variables of one name")
        first = node.generators[0]
        items, first.iter = first.iter, ast.Name(f"{self.prefix}4", ast.Load())
        takes = sorted({one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & names.keys() - own)
        name = f"{self.prefix}3{len(self.generators)}"
        text = f"{name} = lambda {', '.join([first.iter.id, *takes])}: {ast.unparse(node)}"
        first.iter = items
        self.generators[name] = (node.lineno, text)
        begun = ast.Call(self.alias("iter"), [self.loose(items, names)], [])
        values = [self.loose(ast.Name(one, ast.Load()), names) for one in takes]
        return ast.Call(self.alias(name), [begun, *values], [])

    def _generators(self, nodes: list[ast.comprehension], names: Names) -> tuple[Names, list[ast.comprehension]]:
        inner = dict(names)
        found: list[ast.comprehension] = []
        for one in nodes:
            items = self.iterated(one.iter, inner)
            inner = self.kinds.inside([one], inner)
            tests = [self.test(test, inner) for test in one.ifs]
            found.append(ast.comprehension(self.target(one.target, inner), items, tests, one.is_async))
        return inner, found

    def target(self, node: ast.expr, names: Names) -> ast.expr:
        """Rewrite what is given something."""
        match node:
            case ast.Name():
                return node
            case ast.Tuple() | ast.List():
                return ast.Tuple([self.target(one, names) for one in node.elts], ast.Store())
            case ast.Starred():
                return ast.Starred(self.target(node.value, names), ast.Store())
            case ast.Attribute():
                return ast.Attribute(self.holder(node.value, names), node.attr, ast.Store())
            case ast.Subscript():
                return ast.Subscript(self.indexed(node, names), self.index(node, names), ast.Store())
            case _:
                raise UnsupportedError(node)

    def iterated(self, node: ast.expr, names: Names) -> ast.expr:
        """Rewrite what a loop goes over."""
        bounds, counted = plain_call(node, "range"), plain_call(node, "enumerate")
        if bounds is not None and self.kinds.items(node, names) == "int":
            return ast.Call(ast.Name("range", ast.Load()), [self.value(one, names) for one in bounds], [])
        if counted is not None and len(counted) == 1:
            return ast.Call(ast.Name("enumerate", ast.Load()), [self.iterated(counted[0], names)], [])
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and self.kinds.items(node, names) is None:
            return self.untyped(self.value(node, names))
        return self.value(node, names)


class UnsupportedError(Exception):
    """A statement or expression that compiled modules do not have."""

    def __init__(self, node: ast.AST, what: str = "") -> None:
        super().__init__(what or type(node).__name__)
        self.line: int = getattr(node, "lineno", 0)


def type_of(kind: str | None) -> str:
    """Write the type of a kind."""
    return "Any" if kind is None else _TYPES.get(kind, kind)
