"""Reads the calls whose effect on the wiring is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mypy.nodes import ARG_POS, CallExpr, MemberExpr, NameExpr, RefExpr, StrExpr, TypeInfo

from .ports import NODE
from .syntax import arguments, function, text, texts, workflow
from .wiring import UNREAD, Creation, Definition, End, Ends, Kind, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.nodes import Expression, Node

    from .reader import Reader

_JOIN: Final = ("name", "inputs", "outputs", "description")
MAKERS: Final[dict[str, tuple[str, ...]]] = {
    "node": _JOIN,
    "any": _JOIN,
    "all": _JOIN,
    "cached_node": _JOIN,
    "condition": ("name", "true_branch", "false_branch"),
    "select": ("name",),
    "state": ("name", "is_initial", "is_final"),
}
"""Methods of a workflow that make a node, and their parameters by position."""

KINDS: Final[dict[str, Kind]] = {
    "any": "any",
    "all": "all",
    "condition": "condition",
    "select": "select",
    "state": "state",
    "add_workflow": "workflow",
}
"""The kinds of nodes that methods make, where that is not ``"node"``."""

_CLASSES: Final[dict[str, Kind]] = {"Condition": "condition", "Select": "select", "State": "state"}
_CONSTRUCTOR: Final = ("func", "name", "inputs", "outputs", "description", "node_type")
_CONSTRUCTORS: Final[dict[str, tuple[str, ...]]] = {
    "Node": _CONSTRUCTOR,
    "Condition": ("func", "name", "true_branch", "false_branch"),
    "State": ("func", "name"),
    **dict.fromkeys(("EnhancedNode", "CachedNode", "RetryableNode"), ("func", "name", "version", "hooks", "metadata")),
}
WORKFLOW: Final = "fastdag_typed.workflow.Workflow"
_LIBRARIES: Final = ("fastdag_typed.", "builtins.", "typing.")
MACHINE: Final = "fastdag_typed.fsm.FSM"


def definition(
    layout: tuple[str, ...], options: CallExpr | None, func: Node | None, kind: Kind, *, certain: bool
) -> Definition:
    """Read the options of a node."""
    known, name = function(func)
    given = {} if options is None else arguments(options, layout)
    if given is None:
        return Definition(UNREAD, UNREAD, UNREAD, kind, known, certain)
    as_state = given.get("node_type")
    if isinstance(as_state, StrExpr) and as_state.value == "fsm_state":
        kind = "state"
    return Definition(
        text(given.get("name")) or name,
        texts(given.get("inputs")),
        texts(given.get("outputs")) or None,
        kind,
        known,
        certain,
        given,
    )


def creation(node: CallExpr, place: Place) -> Creation | None:
    """Read ``DAG("d")``, ``None`` if it is something else.

    A class of the user's with methods of its own for wiring may add nodes there.
    """
    info = node.callee.node if isinstance(node.callee, RefExpr) else None
    if not isinstance(info, TypeInfo) or not info.has_base(WORKFLOW):
        return None
    given = arguments(node, ("name", "description", "metadata"))
    is_machine = info.has_base(MACHINE)
    changed = {"__init__", "__new__", *METHODS}
    own = any(changed & set(one.names) for one in info.mro if not one.fullname.startswith(_LIBRARIES))
    title = UNREAD if given is None else text(given.get("name")) or ("fsm" if is_machine else "workflow")
    vague = given is None or own or _is_open(given.get("open"))
    return Creation(node, place, title, is_machine, vague)


def _is_open(given: Expression | None) -> bool:
    return given is not None and not (isinstance(given, NameExpr) and given.fullname == "builtins.False")


def made(reader: Reader, node: CallExpr) -> Ends:
    """Read ``Node(f)`` or ``dag.node(name="x")(f)``."""
    callee = node.callee
    if isinstance(callee, CallExpr) and isinstance(callee.callee, MemberExpr) and callee.callee.name in MAKERS:
        maker = callee.callee
        return _new(reader, node, MAKERS[maker.name], callee, KINDS.get(maker.name, "node"), workflow(maker.expr))
    if isinstance(callee, RefExpr) and isinstance(callee.node, TypeInfo) and callee.node.has_base(NODE):
        name = callee.node.name if callee.node.fullname.startswith("fastdag_typed.") else ""
        layout = _CONSTRUCTORS.get(name, _CONSTRUCTOR[:2])
        return _new(reader, node, layout, node, _CLASSES.get(name, "node"), None)
    return None


def _new(
    reader: Reader,
    node: CallExpr,
    layout: tuple[str, ...],
    options: CallExpr | None,
    kind: Kind,
    place: Place | None,
) -> Ends:
    func = node.args[0] if node.args else None
    reader.scope.define(node, definition(layout, options, func, kind, certain=reader.certain))
    reader.join(node, place)
    return (End(node, node),)


def _make(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.node(f)``; ``dag.node(name="x")`` makes nodes later."""
    reader.parts(*node.args)
    if not node.args or node.arg_kinds[0] is not ARG_POS or text(node.args[0]) is not UNREAD:
        reader.expose(callee.expr)
        return None
    return _new(reader, node, MAKERS[callee.name], None, KINDS.get(callee.name, "node"), workflow(callee.expr))


def _add_workflow(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.add_workflow("inner", inner)``."""
    for arg in node.args:
        reader.value(arg)
    return _new(reader, node, ("name", "workflow"), node, "workflow", workflow(callee.expr))


def _connect_to(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``a.connect_to(b, output_name="p", input_name="q")``."""
    given = arguments(node, ("other", "output_name", "input_name")) or {}
    return _connection(reader, node, {**given, "source": callee.expr}, ("source", "other", "output_name", "input_name"))


def _connect(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``dag.connect("a", b, output="p", input="q")``."""
    names = ("source", "target", "output", "input")
    _connection(reader, node, arguments(node, names) or {}, names, callee.expr)
    return None


def _connection(
    reader: Reader,
    node: CallExpr,
    given: dict[str, Expression],
    names: tuple[str, str, str, str],
    home: Expression | None = None,
) -> Ends:
    source, target, output, port = (given.get(name) for name in names)
    if source is None or target is None:
        reader.parts(*node.args)
        return None
    sources, targets = _either(reader, source, home), _either(reader, target, home)
    if (name := text(output)) is not None:
        sources = tuple(replace(end, name=name, named=output) for end in sources)
    if (name := text(port)) is not None:
        targets = tuple(replace(end, name=name, named=port) for end in targets)
    return reader.wire(node, sources, targets)


def _either(reader: Reader, node: Expression, home: Expression | None) -> tuple[End, ...]:
    """Find the nodes that an expression stands for, or that bear the name that it is."""
    place = None if home is None else workflow(home)
    if isinstance(node, StrExpr) and home is not None:
        key = None if place is None else reader.scope.find(place, node.value)
        return (End(node, key, text=node.value, home=home),)
    ends = reader.value(node) or reader.unknown(node)
    if home is not None and any(reader.scope.options(end.key) is None for end in ends):
        if place is None:
            reader.visit(home)
        else:  # any of its nodes may be meant
            reader.scope.loosen(place[0], reader.clock)
    return ends


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
    found = [end for end in ends or () if end.key is not None]
    for end in found:
        if end.key is not None:
            reader.join(end.key, place)
    if not found:
        reader.visit(callee.expr)  # it has a node now that is not known
    return ends


def _after(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``b.after(a)``."""
    base = reader.value(callee.expr)
    for arg in node.args:
        sources = reader.value(arg) or reader.unknown(arg)
        reader.wire(node, sources, base or reader.unknown(callee.expr), carries=False)
    return base


def _copy(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``a.copy("b")``: a new node of the same function."""
    base = reader.value(callee.expr)
    reader.parts(*node.args)
    given = arguments(node, ("name",))
    options = reader.scope.options(base[0].key) if base and len(base) == 1 else None
    if given is None or options is None:
        return None
    reader.scope.define(node, replace(options, name=text(given.get("name")), certain=reader.certain, options={}))
    return (End(node, node),)


def _look(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read a method that connects nothing and adds nothing."""
    if reader.is_workflow(callee.expr):
        reader.value(callee.expr)
    else:
        reader.expose(callee.expr)
    if callee.name == "set_entrypoint":
        _entrypoints(reader, node, callee)
    if "context" in node.arg_names:
        reader.scope.sets_results = True
    for arg in node.args:
        ends = reader.value(arg)
        if callee.name not in _KNOWN:
            reader.escape(ends)
    return None


def _entrypoints(reader: Reader, node: CallExpr, callee: MemberExpr) -> None:
    place = workflow(callee.expr)
    found = None if place is None else reader.scope.created.get(place)
    if found is not None:
        found.starts[:] = node.args


def _change(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read a method that takes nodes or edges away."""
    place = workflow(callee.expr)
    for arg in node.args:
        reader.value(arg)
    if place is None:
        reader.visit(callee.expr)
        return None
    given = node.args[0] if callee.name == "remove_node" and len(node.args) == 1 else None
    name = text(given) if isinstance(given, StrExpr) else None
    reader.scope.remove(place, name if isinstance(name, str) else None, reader.tick(), certain=reader.certain)
    return None


def _set_result(reader: Reader, node: CallExpr, callee: MemberExpr) -> Ends:
    """Read ``context.set_result("x", value)``: there are results of other names than those of nodes."""
    reader.scope.sets_results = True
    return _look(reader, node, callee)


_KNOWN: Final = ("set_entrypoint", "get_result", "get_dependencies", "get_downstream")
UNWIRED: Final = (*_KNOWN, "run", "run_async", "validate", "plan", "seen_with")
"""Methods that connect nothing and add nothing, whatever they are given."""

METHODS: Final[dict[str, Callable[[Reader, CallExpr, MemberExpr], Ends]]] = {
    "connect_to": _connect_to,
    "connect": _connect,
    "chain": _chain,
    "add_node": _add_node,
    "add_workflow": _add_workflow,
    "after": _after,
    "copy": _copy,
    "set_result": _set_result,
    **dict.fromkeys(MAKERS, _make),
    **dict.fromkeys(("output", "input", "on"), _choose),
    **dict.fromkeys(("remove_node", "disconnect"), _change),
    **dict.fromkeys(UNWIRED, _look),
}
"""Methods, by name: whatever they are called on, a type that does not fit says nothing."""
