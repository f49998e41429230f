"""What must come of a run: the rules in plain words, without any of what makes a run fast."""

from __future__ import annotations

from functools import partial
from inspect import isawaitable, signature
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdag_typed import BranchError, ConditionalReturn, Context, NodeExecution, SelectReturn
from fastdag_typed.returns import UNSET
from tests.laws.policies import wrapped
from tests.laws.recipes import DECIDING, FIELDS, INNER, outlet, wires_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastdag_typed import DAG
    from fastdag_typed.step import Policy, Step
    from tests.laws.recipes import Planned, Wire


class Arrival(NamedTuple):
    """What an edge brings: whether it does; if not, whether a failure is the reason; and how its value is read."""

    here: bool
    lost: bool
    read: Callable[[], Any] = lambda: None


class Model:
    """Carries out a workflow that was made up; afterwards it holds what must be true of every run of it."""

    def __init__(
        self, dag: DAG, planned: tuple[Planned, ...], inputs: dict[str, Any], policies: Sequence[Policy], strategy: str
    ) -> None:
        self.dag = dag
        self.planned = dict(zip(dag.nodes, planned, strict=True))
        self.names = list(dag.nodes)
        self.inputs = inputs
        self.policies = policies
        self.strategy = strategy
        self.statuses: dict[str, Any] = dict.fromkeys(self.names, "pending")
        self.results: dict[str, Any] = {}
        self.decisions: dict[str, tuple[Any, Any, Any]] = {}
        self.lost: set[str] = set()
        self.failures: dict[str, Exception] = {}
        self.retried: list[Any] = []

    @property
    def value(self) -> Any:
        """The final value: of the one sink, or of those that ran."""
        if self.failures and self.strategy != "skip":
            return None
        sinks = [name for name, node in self.dag.nodes.items() if not node.edges_out]
        if len(sinks) == 1:
            return self.results.get(sinks[0])
        return {name: self.results[name] for name in sinks if name in self.results}

    @property
    def attempts(self) -> dict[str, int]:
        """How often each node was tried."""
        began = {name: int(status in ("done", "failed")) for name, status in self.statuses.items()}
        return {name: times + sum(event.node == name for event in self.retried) for name, times in began.items()}

    async def go(self) -> None:
        """Run node after node in the order of the plan."""
        for step in self.dag.plan().steps:
            await self._step(step)
            if self.failures and self.strategy == "stop":
                return

    async def _step(self, step: Step) -> None:
        name, one = step.name, self.planned[step.name]
        data = [self._arrives(name, wire) for wire in wires_of(one, step.node)]
        order = [self._may_follow(name, wire) for wire in one.after]
        chosen = [arrival for arrival, wire in zip(order, one.after, strict=True) if self._decides(wire)]
        lost = any(arrival.lost for arrival in data)
        if one.kind == "any" and (data or chosen):
            goes = any(arrival.here for arrival in (*data, *chosen))
        else:
            lost = lost or any(arrival.lost for arrival in order)
            goes = not lost and all(arrival.here for arrival in (*data, *order))
        if not goes:
            self.statuses[name] = "skipped"
            self.lost.update([name] if lost else [])
            return
        try:
            values = [arrival.read() for arrival in data]
            value = self._called(step, one, values)
            if isawaitable(value):
                value = await value
            self.results[name] = self._decided(name, one.kind, value, values) if one.kind in DECIDING else value
            self.statuses[name] = "done"
        except Exception as error:  # noqa: BLE001 - noted
            self.failures[name] = error
            self.statuses[name] = "failed"
            self.lost.add(name)

    def _decides(self, wire: Wire) -> bool:
        return self.planned[self.names[wire.source]].kind in DECIDING

    def _arrives(self, name: str, wire: Wire) -> Arrival:
        source = self.names[wire.source]
        if source not in self.results or not self._taken(name, wire):
            return Arrival(here=False, lost=source in self.lost)
        return Arrival(
            here=True, lost=False, read=partial(_read, self.planned[source].kind, wire, self.results[source])
        )

    def _may_follow(self, name: str, wire: Wire) -> Arrival:
        lost = self.names[wire.source] in self.lost
        return Arrival(here=not lost and self._taken(name, wire), lost=lost)

    def _taken(self, name: str, wire: Wire) -> bool:
        """Tell whether an edge is on the way that was chosen (ruling 11)."""
        if not self._decides(wire):
            return True
        source = self.names[wire.source]
        node: Any = self.dag.nodes[source]
        way, chosen, rejected = self.decisions.get(source, (None, None, name))
        branch = outlet(node, self.planned[source], wire.choice).outlet[2]
        if name in (chosen, rejected):
            return bool(name == chosen)
        if self.planned[source].kind == "select":
            return bool(way == (name if branch is None else branch))
        if branch is None and name in (node.true_branch, node.false_branch):
            branch = name == node.true_branch
        return branch is None or (chosen is None and branch == way)

    def _decided(self, name: str, kind: str, raw: Any, values: list[Any]) -> Any:
        """Note what a condition or selection chose, and give the value it passes on (rulings 10 to 12)."""
        if kind == "condition" and isinstance(raw, bool):
            raw = ConditionalReturn(raw)
        if kind == "condition" and isinstance(raw, ConditionalReturn):
            named = raw.true_branch, raw.false_branch
            decision = raw.condition, *(named if raw.condition else named[::-1])
            chosen = decision[1]
        elif kind == "select" and isinstance(raw, SelectReturn):
            decision, chosen = (raw.branch, None, None), raw.branch
        else:
            raise TypeError(name)
        edges = self.dag.nodes[name].edges_out
        known = {edge.branch if isinstance(edge.branch, str) else edge.target.name for edge in edges}
        if chosen is not None and chosen not in known:
            raise BranchError(name)
        self.decisions[name] = decision
        return [*values, *self._open(name).values(), None][0] if raw.value is UNSET else raw.value

    def _open(self, name: str) -> dict[str, Any]:
        """Give the inputs of a node that no edge brings."""
        node = self.dag.nodes[name]
        free = [port for port in node.ports if port.name not in node.input_connections and not port.variadic]
        return {port.name: self.inputs.get(port.name, port.default) for port in free}

    def _called(self, step: Step, one: Planned, values: list[Any]) -> Any:
        """Call the node with all its policies around it, one after the other."""
        call = wrapped(step, self.policies, self.retried.append)
        infos = {name: NodeExecution(0, status) for name, status in self.statuses.items()}
        context = [Context(self.results, dict(self.dag.metadata), infos)] if one.looks and one.kind not in INNER else []
        if one.layout == "star" and one.kind not in INNER:
            return call(*context, *values, **self._open(step.name))
        ports = [port for port in step.node.inputs if port in step.node.input_connections]
        named = {"context": context[0]} if context else {}
        given = signature(step.func).bind(**named, **dict(zip(ports, values, strict=True)), **self._open(step.name))
        return call(*given.args, **given.kwargs)


def _read(kind: str, wire: Wire, value: Any) -> Any:
    """Read what an edge takes of a value: a field, or the whole."""
    if kind not in FIELDS or wire.choice < 2:
        return value
    name = FIELDS[kind][wire.choice - 2]
    if kind == "parts":
        return getattr(value, name)
    return value[name] if kind == "split" or isinstance(value, dict) else value[wire.choice - 2]
