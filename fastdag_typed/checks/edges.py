"""Which edges the types of functions prove, and what of the others a run has to check."""

from __future__ import annotations

from functools import lru_cache
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union, get_args

from ..compat import fits, keys_of
from ..dag import SubWorkflow
from ..hints import (
    CALLABLE,
    EMPTY,
    UNKNOWN,
    arguments,
    class_hints,
    class_of,
    declaration,
    is_list,
    is_named_tuple,
    is_typed_dict,
    plain,
    unalias,
    union,
)
from ..ports import Take
from ..step import Layer
from ..wiring import place_of
from .checker import checker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..edge import Edge
    from ..node import Node
    from ..plan import Machine, Plan
    from ..ports import Port
    from ..step import Step
    from ..unit import Unit


class Argument(NamedTuple):
    """An argument of a step's call: its place or name, its port, and the edge that brings it.

    Without an edge it is an input of the run or a constant; in a state machine maybe the value of the state before.
    """

    key: int | str
    port: Port
    edge: Edge | None


def arguments_of(step: Step) -> list[Argument]:
    """List the arguments of a step's call, without the context."""
    node = step.node
    ports = node.ports
    by_name = {port.name: port for port in ports if not port.variadic}
    by_kind = {port.kind: port for port in ports if port.variadic}
    incoming = node.incoming or {}
    starred = _starred(node)
    before = len(step.args) - len(starred)
    found = [
        Argument(index, by_name[name], incoming.get(name))
        for index, (name, _) in enumerate(node.signature.layout[:before])
        if name in by_name
    ]
    found += [Argument(before + index, by_kind["args"], edge) for index, edge in enumerate(starred)]
    for name, _ in step.kwargs:
        port = by_name.get(name) or by_kind.get("kwargs")
        if port is not None and name != node.signature.context:
            found.append(Argument(name, port, incoming.get(name)))
    return found


def _starred(node: Node[..., Any]) -> list[Edge | None]:
    """List what brings the further positional arguments, in their order; ``None`` is a constant."""
    rows: list[tuple[int, Edge | None]] = []
    for edge in node.edges_in:
        if edge.port is not None and node.kind_of(edge.port) == "args":
            place = place_of(edge.input or "")
            rows.append((len(rows) if place is None else place, edge))
    rows.extend((place, None) for name in node.bound or () if (place := place_of(name)) is not None)
    return [edge for _, edge in sorted(rows, key=lambda row: row[0])]


def doubts(plan: Plan) -> dict[int, list[Argument]]:
    """List for each step, by its index, the typed arguments that may be of another type; most steps have none.

    Inputs of the run are not among them: they are checked before it.
    """
    known: dict[int, list[Argument]] | None = plan.programs.get("doubts")
    if known is None:
        rows = _of_edges(plan) if plan.machine is None else _of_states(plan, plan.machine)
        known = plan.programs["doubts"] = {index: found for index, found in rows if found}
    return known


def _of_edges(plan: Plan) -> Iterator[tuple[int, list[Argument]]]:
    for step in plan.steps:
        incoming = step.node.incoming
        if incoming and not all(map(proved, incoming.values())):
            found = fed(plan, step)
            yield step.index, [one for one in found if one.edge and not proved(one.edge) and _is_checked(one.port)]


def _of_states(plan: Plan, machine: Machine) -> Iterator[tuple[int, list[Argument]]]:
    """Doubt what a state may take from the one before it, unless all that it may follow give what it expects."""
    given: dict[int, list[Any]] = {step.index: [] for step in plan.steps}
    anywhere: dict[int, Any] = {}  # what goes to a state that is chosen when it runs: each type once
    for step in plan.steps:
        returns = step.node.signature.returns
        if step.index in machine.final:
            continue
        if _may_choose(step):
            anywhere[id(returns)] = returns
        else:
            for way in machine.transitions[step.index]:
                given[way.target].append(returns)
    for step in plan.steps:
        kinds = [*given[step.index], *anywhere.values()]
        found = [one for one in fed(plan, step) if _is_checked(one.port)]
        yield step.index, [one for one in found if not all(proves(kind, one.port.type) for kind in kinds)]


def _may_choose(step: Step) -> bool:
    """Tell whether a state may itself say what follows, by what it is declared to return."""
    hint = unalias(step.node.signature.hints.get("return", EMPTY))
    return hint is EMPTY or hint is Any or hint is object or step.node.signature.returns != hint


def fed(plan: Plan, step: Step) -> list[Argument]:
    """List the arguments that other nodes give: by edges, and to a state any that a run may not be given."""
    found = arguments_of(step)
    if plan.machine is None:
        return [argument for argument in found if argument.edge is not None]
    bound = step.node.bound or {}
    first = step.index == plan.machine.initial
    return [one for one in found if one.port.required and one.port.name not in bound and not first]


def _is_checked(port: Port) -> bool:
    return not checker(port.type).idle


def proved(edge: Edge) -> bool:
    """Tell whether the types of the functions prove that all that an edge brings fits its port."""
    port = edge.input_port
    if port is None:
        return True
    source, target = edge.source, port.type
    if source.policies and any(policy.layer == Layer.FALLBACK for policy in source.policies):
        return False  # what it gives after a failure has no declared type
    if source.node_type in ("condition", "select"):
        return _proved_choice(edge, target)
    if source.node_type == "workflow" and may_give_nothing(source) and not proves(type(None), target):
        return False
    return (edge.output is None and source.signature.returns is target) or proves(edge.resolve()[1], target)


def may_give_nothing(node: Unit) -> bool:
    """Tell whether a node is a workflow that gives ``None`` if what it returns is on a branch that is not taken."""
    if not isinstance(node.func, SubWorkflow):
        return False
    plan = node.func.workflow.plan()
    if plan.returns.form != "one":
        return False
    read = plan.returns.items[0][1]
    step = plan.step_of_slot.get(read.slot if isinstance(read, Take) else read)
    return step is not None and (plan.guarded or may_give_nothing(step.node))


def _proved_choice(edge: Edge, target: Any) -> bool:
    """Tell it of a condition or selection: without a value of its own it passes on its first input."""
    source = edge.source
    returns = source.signature.returns
    given = source.ports[0].type if source.ports else EMPTY
    whole = edge.resolve()[0] is None
    return whole and proves(given, target) and (returns is bool or proves(returns, target))


def proves(source: Any, target: Any) -> bool:
    """Tell whether every value of a declared type is of another; what is ``Any`` proves nothing."""
    try:
        return _proves(source, target)
    except (TypeError, RecursionError):  # a hint without a hash, or an alias that contains itself
        return bool(plain(source) == plain(target))


@lru_cache(maxsize=1024)
def _proves(source: Any, target: Any) -> bool:
    return bool(plain(source) == plain(target)) or fits(_distrusted(source, ()), target) is True


def _distrusted(hint: Any, around: tuple[Any, ...]) -> Any:
    """Put what fits nothing for certain in the place of ``Any`` in a type; ``around`` are the records that it is in."""
    if is_list(hint) or hint is ...:
        return hint
    hint = EMPTY if isinstance(hint, str) else plain(hint)
    if hint is EMPTY or hint is Any:
        return UNKNOWN
    cls, args = class_of(hint), arguments(hint)
    if cls is Union:
        return union(_distrusted(member, around) for member in get_args(hint))
    if cls is Literal or cls is CALLABLE or not isinstance(cls, type):
        return hint
    if is_typed_dict(cls) or is_named_tuple(cls):
        return hint if cls in around or _is_trusted(hint, around) else UNKNOWN
    if args is None:
        args = (Any, ...) if cls is tuple else (Any,) * len(declaration(cls)[0])
    return GenericAlias(cls, tuple(_distrusted(arg, around) for arg in args)) if args else hint


def _is_trusted(hint: Any, around: tuple[Any, ...]) -> bool:
    """Tell whether no field of a record is ``Any``."""
    cls = class_of(hint)
    kinds = [key.hint for key in keys_of(hint).values()] if is_typed_dict(cls) else class_hints(cls).values()
    return all(_distrusted(kind, (*around, cls)) == plain(kind) for kind in kinds)


class Unchecked(NamedTuple):
    """A port that a run checks, but not all that its type says; ``what`` tells how much."""

    node: str
    port: str
    what: str


def unchecked(plan: Plan) -> list[Unchecked]:
    """List what cannot be checked of the types of run inputs, and of what edges bring that the types do not prove."""
    ports = [(entry.node, entry.port) for entry in plan.inputs]
    ports += [(plan.names[index], argument.port) for index, found in doubts(plan).items() for argument in found]
    return [Unchecked(node, port.name, what) for node, port in ports for what in checker(port.type).blind]
