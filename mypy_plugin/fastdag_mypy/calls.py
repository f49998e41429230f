"""Reads the calls whose effect on the wiring is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mypy.nodes import ARG_POS, CallExpr, MemberExpr, RefExpr, StrExpr, TypeInfo

from .ports import NODE
from .syntax import arguments, function, text, texts, workflow
from .wiring import UNREAD, Definition, End, Ends, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.nodes import Expression, Node

    from .reader import Reader

_JOIN: Final = ("name", "inputs", "outputs", "description")
MAKERS: Final[dict[str, tuple[str, ...]]] = {
    "node": _JOIN,
    "any": _JOIN,
    "all": _JOIN,
    "condition": ("name", "true_branch", "false_branch"),
    "select": ("name",),
    "state": ("name", "is_initial", "is_final"),
}
"""Methods of a workflow that make a node, and their parameters by position."""

_CONSTRUCTOR: Final = ("func", "name", "inputs", "outputs", "description", "node_type")


def definition(layout: tuple[str, ...], options: CallExpr | None, func: Node | None, *, certain: bool) -> Definition:
    """Read the options of a node."""
    known, name = function(func)
    given = {} if options is None else arguments(options, layout)
    if given is None:
        return Definition(UNREAD, UNREAD, UNREAD, func=known, certain=certain)
    kind = given.get("node_type")
    return Definition(
        text(given.get("name")) or name,
        texts(given.get("inputs")),
        texts(given.get("outputs")) or None,
        isinstance(kind, StrExpr) and kind.value == "fsm_state",
        known,
        certain,
    )


def made(reader: Reader, node: CallExpr) -> Ends:
    """Read ``Node(f)`` or ``dag.node(name="x")(f)``."""
    callee = node.callee
    if isinstance(callee, CallExpr) and isinstance(callee.callee, MemberExpr) and callee.callee.name in MAKERS:
        return _new(reader, node, MAKERS[callee.callee.name], callee, workflow(callee.callee.expr))
    if isinstance(callee, RefExpr) and isinstance(callee.node, TypeInfo) and callee.node.has_base(NODE):
        return _new(reader, node, _CONSTRUCTOR if callee.node.fullname == NODE else _CONSTRUCTOR[:2], node, None)
    return None


def _new(
    reader: Reader, node: CallExpr, layout: tuple[str, ...], options: CallExpr | None, place: Workflow | None
) -> Ends:
    func = node.args[0] if node.args else None
    reader.scope.define(node, definition(layout, options, func, certain=reader.certain), place)
    return (End(node, node),)


def _make(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.node(f)``; ``dag.node(name="x")`` makes nothing yet."""
    reader.parts(*node.args)
    if not node.args or node.arg_kinds[0] is not ARG_POS or text(node.args[0]) is not UNREAD:
        return None
    return _new(reader, node, MAKERS[callee.name], None, workflow(callee.expr))


def _connect_to(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``a.connect_to(b, output_name="p", input_name="q")``."""
    given = arguments(node, ("other", "output_name", "input_name")) or {}
    return _connection(reader, node, {**given, "source": callee.expr}, ("source", "other", "output_name", "input_name"))


def _connect(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.connect("a", b, output="p", input="q")``."""
    names = ("source", "target", "output", "input")
    _connection(reader, node, arguments(node, names) or {}, names, workflow(callee.expr))
    return None


def _connection(
    reader: Reader,
    node: CallExpr,
    given: dict[str, Expression],
    names: tuple[str, str, str, str],
    place: Workflow | None = None,
) -> Ends:
    source, target, output, port = (given.get(name) for name in names)
    if source is None or target is None:
        reader.parts(*node.args)
        return None
    sources, targets = _either(reader, source, place), _either(reader, target, place)
    if (name := text(output)) is not None:
        sources = tuple(replace(end, name=name, named=output) for end in sources)
    if (name := text(port)) is not None:
        targets = tuple(replace(end, name=name, named=port) for end in targets)
    return reader.wire(node, sources, targets)


def _either(reader: Reader, node: Expression, place: Workflow | None) -> tuple[End, ...]:
    """Find the nodes that an expression stands for, or that bear the name that it is."""
    if isinstance(node, StrExpr) and place is not None:
        return (End(node, reader.scope.find(place, node.value), text=node.value),)
    return reader.value(node) or reader.unknown(node)


def _chain(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.chain(a, b, c)``."""
    reader.value(callee.expr)
    ends = [reader.value(arg) or reader.unknown(arg) for arg in node.args]
    for sources, targets in pairwise(ends):
        reader.wire(node, sources, targets)
    return ends[-1] if ends else None


def _choose(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``a.output("p")``, ``a.input("p")`` or ``a.on("p")``."""
    ends = reader.value(callee.expr) or reader.unknown(callee.expr)
    if len(node.args) != 1:
        return None
    name = text(node.args[0])
    if callee.name == "on":
        return tuple(replace(end, branch=name) for end in ends)
    return tuple(replace(end, name=name, named=node.args[0]) for end in ends)


def _add_node(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.add_node(a)``."""
    place = workflow(callee.expr)
    ends = reader.value(node.args[0]) if len(node.args) == 1 else None
    for end in ends or ():
        if end.key is not None and place is not None:
            reader.scope.adopt(end.key, place)
    return ends


def _look(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read a method that connects no ports."""
    base = reader.value(callee.expr)
    for arg in node.args:
        reader.value(arg)
    return base if callee.name == "after" else None


METHODS: Final[dict[str, Callable[[Reader, CallExpr, MemberExpr], Ends]]] = {
    "connect_to": _connect_to,
    "connect": _connect,
    "chain": _chain,
    "add_node": _add_node,
    **dict.fromkeys(MAKERS, _make),
    **dict.fromkeys(("output", "input", "on"), _choose),
    **dict.fromkeys(("after", "set_entrypoint", "get_result", "copy"), _look),
}
"""Methods, by name: whatever they are called on, a type that does not fit says nothing."""
