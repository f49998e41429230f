"""Random workflows: made up from a seed, built again for each run, with a record of what their nodes did."""

from __future__ import annotations

import asyncio
import time
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from fastdag_typed import DAG, Condition, ConditionalReturn, Context, Node, Select, SelectReturn
from tests.laws import machines
from tests.laws.bench import FAILURES, Bench, Failure, Parts, make_error, number_of
from tests.laws.policies import policies_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


class Split(TypedDict):
    """A record read by key."""

    left: int
    right: int


class Wire(NamedTuple):
    """An edge from a node: which of its branches or fields is taken (by number, among those that it has)."""

    source: int
    choice: int


class Planned(NamedTuple):
    """One node to be made."""

    kind: str
    seed: int
    edges: tuple[Wire, ...] = ()
    after: tuple[Wire, ...] = ()
    layout: str = "standard"
    is_async: bool = False
    pauses: int = 0
    looks: bool = False
    extra: str = ""
    typed: bool = False
    failure: Failure | None = None
    policies: tuple[tuple[str, int], ...] = ()
    inner: tuple[Planned, ...] = ()
    machine: machines.Machine | None = None


class Style(NamedTuple):
    """What random workflows are like: how many nodes there are, and how often they fail or have policies."""

    size: int
    failing: float
    policies: float
    can_be_async: bool
    depth: int = 1


KINDS = [*["plain"] * 5, "split", "parts", "placed", "named", "condition", "condition", "select", "any", "any"]
LAYOUTS = [*["standard"] * 5, "keyword", "star"]
INNER = ["inner", "machine"]
FIELDS = {"split": ("left", "right"), "parts": ("left", "right"), "placed": ("a", "b"), "named": ("a", "b")}


def workflows(random: Random, style: Style) -> tuple[Planned, ...]:
    """Make up a workflow; hypothesis chooses the seed only, because its own small examples seldom branch."""
    nodes: list[Planned] = []
    for number in range(random.randint(1, style.size)):
        kind = random.choice([*KINDS, *INNER] if style.depth else KINDS)
        nodes.append(_planned(random, style, kind, number, [one.kind for one in nodes]))
    return tuple(nodes)


def _planned(random: Random, style: Style, kind: str, number: int, before: list[str]) -> Planned:
    edges = tuple(_wire(random, number) for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3]) if number else 0))
    after = tuple(_wire(random, number) for _ in range(random.choice([0, 0, 0, 1, 2]) if number else 0))
    # Whether a node waits for a skipped decision without a branch of it is not for a random test to settle.
    after = tuple(w._replace(choice=w.choice % 2 + 1) if before[w.source] in DECIDING else w for w in after)
    fails = random.random() < style.failing
    inner: tuple[Planned, ...] = ()
    machine: machines.Machine | None = None
    if kind == "inner":
        inner = workflows(random, style._replace(size=4, depth=style.depth - 1, failing=style.failing / 2))
    elif kind == "machine":
        machine = machines.machines(
            random, failing=style.failing / 2, policies=style.policies, can_be_async=style.can_be_async
        )
    looks = random.random() < 0.15
    known = [name for name in policies_of() if name != "cache" or not looks or kind in INNER]
    return Planned(
        kind,
        random.randint(0, 9),
        edges,
        after,
        random.choice(LAYOUTS),
        style.can_be_async and random.random() < 0.4,
        random.randint(0, 2),
        looks,
        random.choice(["", "", "", "open", "default"]),
        random.random() < 0.5,
        Failure(random.choice(FAILURES), random.choice([1, 1, 2, 99])) if fails and kind not in INNER else None,
        tuple(
            (random.choice(known), random.randint(1, 3))
            for _ in range(random.randint(1, 3) if random.random() < style.policies else 0)
        ),
        inner,
        machine,
    )


def _wire(random: Random, number: int) -> Wire:
    return Wire(max(random.randrange(number), random.randrange(number)), random.randint(0, 3))


DECIDING = ("condition", "select")


def outlet(node: Any, one: Planned, choice: int) -> Any:
    """Choose where an edge starts: the node itself, one of its branches, or a field of what it gives."""
    if one.kind == "condition":
        return (node, node.on_true, node.on_false, node)[choice]
    if one.kind == "select":
        return node.on(f"b{choice % 2}") if choice else node
    if one.kind in FIELDS and choice > 1:
        return node.output(FIELDS[one.kind][choice - 2])
    return node


def plain_targets(planned: tuple[Planned, ...], number: int, prefix: str) -> list[str]:
    """Name the nodes that take the value of a condition or selection without saying on which branch."""
    plain = (0, 3) if planned[number].kind == "condition" else (0,)
    return [
        f"{prefix}{place}"
        for place, one in enumerate(planned)
        if one.kind not in INNER and any(wire.source == number and wire.choice in plain for wire in one.edges)
    ]


def branches(planned: tuple[Planned, ...], number: int, prefix: str) -> list[str]:
    """Name what a selection can choose."""
    wires = [wire for one in planned for wire in (*one.edges, *one.after) if wire.source == number and wire.choice]
    return sorted({f"b{wire.choice % 2}" for wire in wires} | set(plain_targets(planned, number, prefix)))


def build(planned: tuple[Planned, ...], bench: Bench, prefix: str = "n") -> DAG:
    """Make the workflow, with policies of its own."""
    dag = DAG("random" if prefix == "n" else prefix, metadata={"prefix": prefix})
    made: list[Any] = []
    for number, one in enumerate(planned):
        node = _node(dag, planned, number, prefix, bench)
        if one.policies:
            node.policies = tuple(policies_of()[kind](level) for kind, level in one.policies)
        ports = node.inputs
        for port, wire in enumerate(wires_of(one, node)):
            source = outlet(made[wire.source], planned[wire.source], wire.choice)
            if one.kind not in INNER and one.layout == "star":
                source.connect_to(node, input_name=f"*{port}")
            else:
                source.connect_to(node, input_name=ports[port])
        for wire in one.after:
            node.after(outlet(made[wire.source], planned[wire.source], _branch(planned[wire.source], wire.choice)))
        made.append(node)
    return dag


def _branch(one: Planned, choice: int) -> int:
    return choice if one.kind in DECIDING else 0


def wires_of(one: Planned, node: Any) -> tuple[Wire, ...]:
    """The edges that bring data: a nested workflow has as many ports as it has open inputs."""
    return one.edges[: len(node.inputs)] if one.kind in INNER else one.edges


def _node(dag: DAG, planned: tuple[Planned, ...], number: int, prefix: str, bench: Bench) -> Any:
    one, name = planned[number], f"{prefix}{number}"
    if one.kind == "inner":
        return dag.add_workflow(name, build(one.inner, bench, f"{name}."))
    if one.machine is not None:
        return dag.add_workflow(name, machines.build(one.machine, bench, f"{name}."))
    func = _function(planned, number, prefix, bench)
    if one.kind == "condition":
        plain = plain_targets(planned, number, prefix)
        chosen = plain if one.seed % 4 == 3 else []
        return dag.add_node(Condition(func, name, *[*chosen, None, None][:2]))
    if one.kind == "select":
        return dag.add_node(Select(func, name))
    outputs = FIELDS[one.kind] if one.kind in ("placed", "named") else None
    return dag.add_node(Node(func, name, outputs=outputs, node_type="any" if one.kind == "any" else "standard"))


def _function(planned: tuple[Planned, ...], number: int, prefix: str, bench: Bench) -> Callable[..., Any]:
    one, name = planned[number], f"{prefix}{number}"
    shape = _shape(planned, number, prefix)
    signature = _signature(planned, number)
    above = sorted({f"{prefix}{wire.source}" for wire in (*one.edges, *one.after)})

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        given = signature.bind(*args, **kwargs).arguments
        context: Context | None = given.pop("context", None)
        seen = "" if context is None else _seen(context, above)
        given = {key: value for key, value in given.items() if value != ()}
        bench.log.append(("begin", name, f"{given}{seen}"))
        bench.calls[name] = bench.calls.get(name, 0) + 1
        return one.seed + sum(3**place * number_of(value) for place, value in enumerate(given.values())) + len(seen)

    def end(total: int) -> Any:
        if one.failure and bench.calls[name] <= one.failure.times:
            raise make_error(one.failure.kind, name)
        return shape(total % 1_000_003)

    def body(*args: Any, **kwargs: Any) -> Any:
        total = begin(args, kwargs)
        for _ in range(one.pauses):
            time.sleep(0)
        try:
            return end(total)
        finally:
            bench.log.append(("end", name, ""))

    async def later(*args: Any, **kwargs: Any) -> Any:
        total = begin(args, kwargs)
        try:
            for _ in range(one.pauses):
                await asyncio.sleep(0)
            return end(total)
        finally:
            bench.log.append(("end", name, ""))

    func: Any = later if one.is_async else body
    func.__signature__ = signature
    return func


def _seen(context: Context, above: list[str]) -> str:
    found = {name: (context.get_result(name), context.execution_info[name].status) for name in above}
    return f" {found} {context.metadata}"


def _shape(planned: tuple[Planned, ...], number: int, prefix: str) -> Callable[[int], Any]:
    """Make the function from a number to what a node returns."""
    one = planned[number]
    if one.failure and one.failure.kind == "odd" and one.failure.times == 1 and one.kind in DECIDING:
        return lambda _: SelectReturn(1, "nowhere") if one.kind == "select" else ConditionalReturn(True, 1, "nowhere")
    plain = plain_targets(planned, number, prefix)
    ways = branches(planned, number, prefix)

    def condition(total: int) -> Any:
        holds = total % 2 == 0
        if one.seed % 4 == 0:
            return holds
        if one.seed % 4 == 1 and plain:
            return ConditionalReturn(holds, total, *[*plain, None][:2])
        return ConditionalReturn(holds) if one.seed % 4 == 2 else ConditionalReturn(holds, total)

    def select(total: int) -> Any:
        branch = [*ways, None][total % (len(ways) + 1)]
        return SelectReturn(branch=branch) if one.seed % 3 == 0 else SelectReturn(total, branch)

    made: dict[str, Callable[[int], Any]] = {
        "split": lambda total: {"left": total, "right": total // 2},
        "parts": lambda total: Parts(total, total // 2),
        "placed": lambda total: (total, total // 2),
        "named": lambda total: {"b": total // 2, "a": total},
        "condition": condition,
        "select": select,
    }
    return made.get(one.kind, lambda total: total)


def _signature(planned: tuple[Planned, ...], number: int) -> Signature:
    """Say the parameters of a node's function: one for each edge, perhaps an open one, perhaps the context."""
    one = planned[number]
    kind = Parameter.KEYWORD_ONLY if one.layout == "keyword" else Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        Parameter(f"p{port}", kind, annotation=_type(planned[wire.source], wire) if one.typed else Parameter.empty)
        for port, wire in enumerate(one.edges if one.layout != "star" else ())
    ]
    if one.looks:
        parameters.insert(one.seed % (len(parameters) + 1), Parameter("context", kind))
    if one.layout == "star":
        parameters.append(Parameter("more", Parameter.VAR_POSITIONAL))
        kind = Parameter.KEYWORD_ONLY
    if one.extra:
        parameters.append(Parameter("x", kind, default=Parameter.empty if one.extra == "open" else 7))
    returns: Any = {"split": Split, "parts": Parts, "plain": int if one.typed else Any}.get(one.kind, Any)
    return Signature(parameters, return_annotation=returns)


def _type(source: Planned, wire: Wire) -> Any:
    """Tell the type of what an edge brings."""
    if source.kind in FIELDS and wire.choice > 1:
        return int
    return {"split": Split, "parts": Parts, "plain": int}.get(source.kind, Any)
