"""Judges what a run is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mypy.messages import format_type_bare
from mypy.nodes import ARG_NAMED, ARG_POS, CallExpr, DictExpr, RefExpr, StrExpr, Var
from mypy.subtypes import is_subtype
from mypy.types import AnyType, Instance, NoneType, TypedDictType, get_proper_type

from . import codes
from .lookups import Lookups

if TYPE_CHECKING:
    from mypy.nodes import Expression
    from mypy.types import Type

    from .graph import Entry, Known
    from .judge import Found

_OPTIONS: Final = ("mode", "context", "max_workers", "error_strategy", "config")
_UNSET: Final = "fastdag_typed.returns.Unset"


class Given(NamedTuple):
    """One input that a run is given: the expression for it, or just its type; ``at`` is where it is named."""

    at: Expression
    value: Expression | None
    type: Type | None
    surely: bool = True


class Runs(Lookups):
    """Judges calls of ``run``."""

    def run(self, found: Found, call: CallExpr, *, by_keyword: bool) -> None:
        """Judge one call; ``by_keyword``: inputs may be given so."""
        given, complete = self.given(call, by_keyword=by_keyword)
        known = self.now(found, call)
        if found.creation is None and known.vague:
            return
        addressed = known.addressed() if given else {}
        before = self.before(found, call)
        earlier = before.addressed() if before is not None and given else {}
        for name, one in given.items():
            entries = addressed.get(name, [])
            if not entries and one.surely and not (known.open_ended or name in earlier or self.added(found)):
                names = {entry.name for entry in known.inputs}
                self.fail(codes.unknown_input(name, names), one.at, codes.INPUT)
            for entry in entries:
                if entry.sure:
                    self.value(entry, one)
        if complete and not self.wires(found):
            names = {name for name, one in given.items() if not self.is_unset(one)}
            always = None if before is None else {(e.node, e.port) for e in before.inputs if e.required}
            self.required(known, names, always, call)

    def required(self, known: Known, given: set[str], always: set[tuple[str, str]] | None, call: CallExpr) -> None:
        """Report what is required (of what ``always`` is) and not given.

        A state may take the value of the state before for one input.
        """
        left = [e for e in known.inputs if e.required and e.name not in given and f"{e.node}.{e.port}" not in given]
        left = [e for e in left if always is None or (e.node, e.port) in always]
        if known.is_machine:
            if not known.initial:
                return
            left = [e for e in left if e.node == known.initial or sum(e.node == one.node for one in left) > 1]
        for entry in left:
            expected = None if isinstance(get_proper_type(entry.type), AnyType) else self.show(entry.type)
            self.fail(codes.missing_input(entry.name, entry.node, expected), call, codes.INPUT)

    def given(self, call: CallExpr, *, by_keyword: bool) -> tuple[dict[str, Given], bool]:
        """List the inputs by name, and tell whether these are all."""
        found: dict[str, Given] = {}
        complete = True
        for index, (arg, kind, name) in enumerate(zip(call.args, call.arg_kinds, call.arg_names, strict=True)):
            if (kind is ARG_POS and index == 0) or (kind is ARG_NAMED and name == "inputs"):
                complete = self.mapping(arg, found) and complete
            elif kind is ARG_NAMED and name is not None:
                if by_keyword and name not in _OPTIONS:
                    found[name] = Given(arg, arg, None)
            elif kind is not ARG_POS:
                complete = False
        return found, complete

    def mapping(self, arg: Expression, found: dict[str, Given]) -> bool:
        """Read a mapping of inputs; tell whether it is all known."""
        if isinstance(arg, DictExpr):
            for key, value in arg.items:
                if isinstance(key, StrExpr):
                    found[key.value] = Given(key, value, None)
            return all(isinstance(key, StrExpr) for key, _ in arg.items)
        if isinstance(arg, CallExpr) and isinstance(arg.callee, RefExpr) and arg.callee.fullname == "builtins.dict":
            named = [(n, a) for n, a, k in zip(arg.arg_names, arg.args, arg.arg_kinds, strict=True) if k is ARG_NAMED]
            found.update({name: Given(value, value, None) for name, value in named if name is not None})
            return len(named) == len(arg.args)
        kind = get_proper_type(self.api.lookup_type_or_none(arg))
        if isinstance(kind, TypedDictType):
            for name, declared in kind.items.items():
                found[name] = Given(arg, None, declared, name in kind.required_keys)
            return False  # it may have further keys
        return isinstance(kind, NoneType)

    def value(self, entry: Entry, given: Given) -> None:
        """Report a value of a wrong type."""
        if self.is_unset(given) or (given.value is not None and self.inferred_as(given.value, entry.type) is not None):
            return
        kind = given.type if given.value is None else self.inferred_as(given.value, None)
        if kind is None or is_subtype(kind, entry.type):
            return
        text = codes.wrong_input(entry.name, entry.node, self.show(entry.type), self.show(kind))
        self.fail(text, given.value or given.at, codes.INPUT)

    def inferred_as(self, value: Expression, expected: Type | None) -> Type | None:
        """Infer the type of an expression where one is expected (``[1]`` may be floats), ``None`` if it is not that."""
        with self.api.msg.filter_errors() as seen:
            kind = self.api.expr_checker.accept(value, type_context=expected)
        return kind if expected is None or (not seen.has_new_errors() and is_subtype(kind, expected)) else None

    def wires(self, found: Found) -> bool:
        """Tell whether this file may connect or add nodes of a workflow of another one."""
        if found.creation is not None:
            return False
        edges = (edge for scope in self.scope.around() for edges in scope.edges.values() for edge in edges)
        variable = found.place[0]
        if found.known.vague or not isinstance(variable, Var) or self.reach(variable).wires:
            return True
        elsewhere = any(edge.target.key is None or not self.scope.is_fresh(edge.target.key) for edge in edges)
        return elsewhere or bool(self.added(found))

    def is_unset(self, given: Given) -> bool:
        """Tell whether a value is ``UNSET``, which counts as not given."""
        kind = get_proper_type(given.type if given.value is None else self.api.lookup_type_or_none(given.value))
        return isinstance(kind, Instance) and kind.type.fullname == _UNSET

    def show(self, kind: Type) -> str:
        """Write a type."""
        return format_type_bare(kind, self.api.options)
