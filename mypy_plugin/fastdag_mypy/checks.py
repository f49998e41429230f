"""What can be wrong with a workflow as a whole: one tuple of checks, like the runtime's.

All are found where the workflow is made, when its scope has been read, and reported where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from mypy.nodes import CallExpr, StrExpr

from . import codes
from .graph import Graph, is_bare, is_marked
from .steering import Exits, exits

if TYPE_CHECKING:
    from mypy.errorcodes import ErrorCode
    from mypy.nodes import Context, Expression, Node

    from .wiring import Definition, Edge, Member


class Finding(NamedTuple):
    """What is wrong, and where."""

    text: str
    at: Context
    code: ErrorCode


Check = Callable[[Graph, str], Iterator[Finding]]


def check_doubles(graph: Graph, path: str) -> Iterator[Finding]:
    """Find nodes of the same name."""
    for member in graph.creation.members:
        first = graph.scope.doubles.get(member.key)
        name = graph.name(member.key)
        if first is not None and name is not None and not graph.is_escaped(member.at):
            yield Finding(codes.exists(name, path, _definition_line(graph, first)), member.key, codes.NAME)


def check_signatures(graph: Graph, path: str) -> Iterator[Finding]:
    """Find declared inputs that are not those of the function."""
    del path
    for member in graph.members:
        definition = graph.options(member.key)
        ports = graph.own_ports(member.key) if isinstance(definition.inputs, tuple) else None
        if not isinstance(definition.inputs, tuple) or ports is None:
            continue
        name, known = graph.name(member.key) or "?", {port.name: port for port in ports}
        if not any(port.kind == "kwargs" for port in ports):
            for declared in definition.inputs:
                if declared not in known:
                    yield Finding(codes.no_parameter(name, declared, list(known)), member.key, codes.SIGNATURE)
        for port in ports:
            if port.required and port.kind == "plain" and port.name not in definition.inputs:
                yield Finding(codes.undeclared(name, port.name), member.key, codes.SIGNATURE)


def check_entrypoints(graph: Graph, path: str) -> Iterator[Finding]:
    """Find entrypoints that do not exist."""
    del path
    names = graph.names()
    for start in graph.creation.starts:
        if names is not None and isinstance(start, StrExpr) and start.value not in names:
            yield Finding(codes.no_entrypoint(start.value, graph.title, names), start, codes.ENTRYPOINT)


def check_branches(graph: Graph, path: str) -> Iterator[Finding]:
    """Find branches that do not exist: those that the options name, and those that the function chooses."""
    del path
    names = graph.names()
    for member in graph.members:
        definition, name = graph.options(member.key), graph.name(member.key)
        if names is None or name is None or graph.creation.is_machine:
            continue
        for option in ("true_branch", "false_branch") if definition.kind == "condition" else ():
            given = definition.options.get(option)
            if isinstance(given, StrExpr) and given.value not in names:
                yield Finding(codes.no_branch(name, given.value, names), given, codes.BRANCH)
        if definition.kind in ("condition", "select"):
            yield from _choices(graph, member, definition, name)


def _choices(graph: Graph, member: Member, definition: Definition, name: str) -> Iterator[Finding]:
    known = graph.branches(member.key)
    func = graph.own(definition.func)
    if known is None or func is None or not is_bare(member.key):
        return
    for chosen in exits(func).named:
        wanted = chosen.value if isinstance(chosen, StrExpr) else graph.name_of(chosen)
        if wanted is not None and wanted not in known:
            yield Finding(codes.no_choice(name, wanted, sorted(known)), chosen, codes.BRANCH)


def check_states(graph: Graph, path: str) -> Iterator[Finding]:
    """Find state machines that do not know where to begin or what follows."""
    del path
    names = graph.names()
    if not graph.creation.is_machine or names is None or not graph.members:
        return
    begins = graph.initial()
    if len(begins) != 1 and not graph.creation.starts:
        several = [graph.name(key) or "?" for key in begins]
        yield Finding(codes.no_initial(graph.title, several), graph.creation.call, codes.STATE)
    bodies = {member.key: _exits(graph, member.key) for member in graph.members}
    reached, sure = set(begins), bool(begins)
    for member in graph.members:
        key, name, body = member.key, graph.name(member.key) or "?", bodies[member.key]
        targets = graph.targets(key)
        sure = sure and not body.unknown and targets is not None
        for following in body.named:
            if following in body.labels and _text(following) in (graph.branches(key) or ()):
                continue
            target = graph.named(following)
            if isinstance(following, StrExpr) and following.value not in names:
                yield Finding(codes.no_state(name, following.value, names), following, codes.STATE)
            sure = sure and target is not None
            reached |= {target} if target is not None else set()
        reached.update(targets or ())
        yield from _several_ways(graph, key, name)
        final = is_marked(graph.options(key), "is_final", "terminal")
        goes_on = body.named or body.stops or body.unknown or targets is None or graph.scope.leaving.get(key)
        if not (final or goes_on):
            yield Finding(codes.no_way_out(name), key, codes.STATE)
    for member in graph.members:
        if sure and member.key not in reached:
            yield Finding(codes.unreached(graph.name(member.key) or "?"), member.key, codes.STATE)


def _text(node: Expression) -> str | None:
    return node.value if isinstance(node, StrExpr) else None


def _several_ways(graph: Graph, key: Node, name: str) -> Iterator[Finding]:
    plain: dict[Node | None, Edge] = {}
    for edge in graph.scope.leaving.get(key, ()):
        if edge.branch is None and edge.certain:
            plain.setdefault(edge.target.key, edge)
    ways = [target for target in map(graph.name, plain) if target is not None]
    if len(ways) == len(plain) > 1:
        yield Finding(codes.several_ways(name, ways), list(plain.values())[1].target.expr, codes.STATE)


def _exits(graph: Graph, key: Node) -> Exits:
    func = graph.own(graph.options(key).func)
    return Exits(unknown=True) if func is None or not is_bare(key) else exits(func)


def _definition_line(graph: Graph, key: Node) -> int:
    func = graph.options(key).func
    return func.line if func is not None and isinstance(key, CallExpr) else key.line


CHECKS: Final[tuple[Check, ...]] = (
    check_doubles,
    check_signatures,
    check_entrypoints,
    check_branches,
    check_states,
)
"""Every check, in the order of the runtime's."""
