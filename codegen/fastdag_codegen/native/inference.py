"""Finds the kinds of all variables of a module, by following what they are given until nothing changes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .kinds import CONTAINERS, OPEN, Kinds, Names, base, join, list_of
from .lists import aliases, escaping, filled, is_quiet
from .syntax import (
    bound,
    compared,
    defaults,
    own,
    parameters,
    presets,
    split,
    stored,
    targeted,
    within_comprehensions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .syntax import Function

Given = tuple[str, str | None]


class Inference(Kinds):
    """The kinds of the variables of a module's functions, and of what functions inside it take and return.

    Args:
        functions: those of the module.
        inner: those of them that are only called from others.
        promised: kinds of parameters of others, by function, that are made sure of when it is called.

    Attributes:
        names: the kinds of variables, by function.
        presets: by function, the lines where ``None`` is given to a variable that is never read then.

    """

    def __init__(self, functions: Mapping[str, Function], inner: frozenset[str], promised: Mapping[str, Names]) -> None:
        super().__init__(inner)
        self.functions = functions
        self.presets = {name: frozenset(presets(one)) for name, one in functions.items()}
        self._unsure = {name: {*compared(one), *within_comprehensions(one)} for name, one in functions.items()}
        self._escaping = {name: escaping(one) for name, one in functions.items()}
        self._aliases = {name: aliases(one) for name, one in functions.items()}
        self._shared = {
            name: self._escaping[name] | filled(one) | {variable for pair in self._aliases[name] for variable in pair}
            for name, one in functions.items()
        }
        self._infer(promised)
        loud = {one: kinds for one, kinds in promised.items() if not self._is_quiet(one)}
        if any(kind != base(kind) for kinds in loud.values() for kind in kinds.values() if kind):
            plain = {name: {one: base(kind) or None for one, kind in kinds.items()} for name, kinds in loud.items()}
            self._infer({**promised, **plain})

    def _is_quiet(self, function: str) -> bool:
        """Tell whether a function runs no code but its own: what others hold is as it was when it was called."""
        return all(is_quiet(one, self, self.names[function]) for one in self.functions[function].body)

    def _infer(self, promised: Mapping[str, Names]) -> None:
        self.names: dict[str, Names] = {}
        self.returned.clear()
        self.tuples.clear()
        for name, function in self.functions.items():
            names = self.names[name] = dict.fromkeys(stored(function), OPEN)
            for parameter in parameters(function):
                kind = OPEN if name in self.inner else promised.get(name, {}).get(parameter)
                if base(kind) == "list" and parameter in self._shared[name]:
                    kind = "list"
                names[parameter] = None if parameter in self._unsure[name] else kind
            names.update((one.arg, None) for one in (function.args.vararg, function.args.kwarg) if one)
            for parameter, default in defaults(function):
                if name in self.inner:
                    self._enter(name, parameter, self.of(default, {}))
        while self._pass() or self._close():
            pass

    def _pass(self) -> bool:
        before = repr((self.names, self.returned, self.tuples))
        for name, function in self.functions.items():
            names = self.names[name]
            for variable, kind in self._given(function, names):
                self._enter(name, variable, kind)
            for one, other in self._aliases[name]:
                self._share(names, one, other)
            for node in own(function):
                if isinstance(node, ast.Call):
                    self._hand_over(node, names)
            if name in self.inner:
                self._give_back(name, function, names)
        return repr((self.names, self.returned, self.tuples)) != before

    def _enter(self, function: str, variable: str, kind: str | None) -> None:
        """Note that a variable is given something of a kind."""
        names = self.names[function]
        if variable not in names:
            return
        if base(kind) == "list" and variable in self._escaping[function]:
            kind = "list"
        names[variable] = None if variable in self._unsure[function] else join((names[variable], kind))

    def _share(self, names: Names, one: str, other: str) -> None:
        """Note that two variables may be the same list: what one promises of its elements, the other must."""
        both = [name for name in (one, other) if base(names.get(name)) == "list"]
        kinds = {names.get(one), names.get(other)} - {OPEN}
        if both and len(kinds) > 1:
            joined = join(kinds)
            for name in both:
                names[name] = joined if base(joined) == "list" else "list"

    def _close(self) -> bool:
        """Give no kind to what is only made of itself, or of what nobody gives; tell whether there is such."""
        changed = False
        for names in self.names.values():
            for name, kind in names.items():
                names[name] = _closed(kind)
                changed = changed or names[name] != kind
        for name, kind in self.returned.items():
            self.returned[name] = _closed(kind)
            changed = changed or self.returned[name] != kind
        for name, kinds in self.tuples.items():
            self.tuples[name] = tuple(map(_closed, kinds))
            changed = changed or self.tuples[name] != kinds
        return changed

    # -- what is given -----------------------------------------------------------------------------------------------

    def _given(self, function: Function, names: Names) -> Iterator[Given]:  # noqa: C901, PLR0912 - a case for each kind
        """List each value that a variable of a function is given, by its kind."""
        for node in own(function):
            match node:
                case ast.AnnAssign() if node.lineno in self.presets[function.name]:
                    continue
                case ast.Assign():
                    for target in node.targets:
                        yield from self._assigned(target, node.value, names)
                case ast.AnnAssign(value=ast.expr() as value):
                    yield from self._assigned(node.target, value, names)
                case ast.AugAssign():
                    yield from self._augmented(node, names)
                case ast.NamedExpr():
                    yield node.target.id, self.of(node.value, names)
                case ast.For():
                    yield from self.targets(node.target, node.iter, names)
                case ast.AsyncFor():
                    yield from ((name, None) for name in targeted(node.target))
                case ast.withitem(optional_vars=ast.expr() as target):
                    yield from ((name, None) for name in targeted(target))
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                    yield from self._put(name, list_of(self.of(value, names)), names)
                case ast.Name():
                    pass  # it is given something by what it stands in
                case _:
                    yield from ((name, None) for name in bound(node))

    def _assigned(self, target: ast.expr, value: ast.expr, names: Names) -> Iterator[Given]:
        match target:
            case ast.Name():
                yield target.id, self.of(value, names)
            case ast.Subscript(value=ast.Name(id=name)):
                whole = isinstance(target.slice, ast.Slice)
                yield from self._put(name, "list" if whole else list_of(self.of(value, names)), names)
            case ast.Tuple() | ast.List():
                pairs = split(target, value)
                if pairs is not None:
                    for one, other in pairs:
                        yield from self._assigned(one, other, names)
                    return
                for one, kind in zip(target.elts, self.parts(target, value, names), strict=True):
                    yield from ((name, kind if isinstance(one, ast.Name) else None) for name in targeted(one))
            case _:
                pass

    def _augmented(self, node: ast.AugAssign, names: Names) -> Iterator[Given]:
        match node.target:
            case ast.Name():
                kind = self.of(ast.BinOp(ast.Name(node.target.id), node.op, node.value), names)
                yield node.target.id, None if base(kind) in CONTAINERS else kind
            case ast.Subscript(value=ast.Name(id=name) as value):
                item = ast.Subscript(value, node.target.slice)
                yield from self._put(name, list_of(self.of(ast.BinOp(item, node.op, node.value), names)), names)
            case _:
                pass

    def _put(self, name: str, kind: str, names: Names) -> Iterator[Given]:
        """Give the kind of a list into which something is put."""
        if base(names.get(name)) == "list":
            yield name, kind

    def _hand_over(self, node: ast.Call, names: Names) -> None:
        """Enter the kinds of arguments for parameters of functions that are only called here."""
        if not (isinstance(node.func, ast.Name) and node.func.id in self.inner):
            return
        expected = parameters(self.functions[node.func.id])
        given = dict(zip(expected, node.args, strict=False)) | {one.arg or "": one.value for one in node.keywords}
        for parameter in expected:
            kind = self.of(given[parameter], names) if parameter in given else None
            self._enter(node.func.id, parameter, base(kind) if base(kind) == "list" else kind)

    def _give_back(self, name: str, function: Function, names: Names) -> None:
        values = [node.value for node in own(function) if isinstance(node, ast.Return)]
        tuples = [one.elts for one in values if isinstance(one, ast.Tuple)]
        plain = not any(isinstance(one, ast.Starred) for elements in tuples for one in elements)
        before, self.returned[name] = self.returned.get(name, OPEN), None
        if isinstance(function, ast.AsyncFunctionDef) or not isinstance(function.body[-1], ast.Return):
            return
        if len(tuples) == len(values) and plain and len({len(elements) for elements in tuples}) == 1:
            known = self.tuples.get(name, (OPEN,) * len(tuples[0]))
            given = [[self.of(one, names) for one in elements] for elements in tuples]
            self.tuples[name] = tuple(map(join, zip(known, *given, strict=True)))
        elif not tuples:
            self.returned[name] = join((before, *(None if one is None else self.of(one, names) for one in values)))


def _closed(kind: str | None) -> str | None:
    if kind == OPEN:
        return None
    return "list" if kind == list_of(OPEN) else kind
