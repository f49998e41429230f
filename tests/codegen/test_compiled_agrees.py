"""A compiled module does what the sequential runner does: on random workflows, in values, states, errors and order."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastdag_codegen import compile_workflow, load, write
from fastdag_typed import (
    DAG,
    FSM,
    Condition,
    ConditionalReturn,
    Context,
    FSMContext,
    FSMReturn,
    Node,
    Runner,
    Select,
    SelectReturn,
    WorkflowExecutionError,
)

if TYPE_CHECKING:
    from types import ModuleType

    from fastdag_typed import Workflow

KINDS = ["plain", "plain", "async", "condition", "bool", "select", "any", "record", "pair", "star", "context", "nested"]
FAILURES = ["raises", "raises", "odd", "interrupts"]
SEEDS = st.integers(0, 2**32 - 1)
MADE = "flat_random"


class Pair(NamedTuple):
    """A record whose fields are read as attributes."""

    a: int
    b: int


class Planned(NamedTuple):
    """One node to be made: where its inputs come from, by which output or branch, and how it fails."""

    kind: str
    seed: int
    edges: tuple[tuple[int, int], ...]
    after: int
    failure: str
    inner: tuple[Planned, ...]


def plans(random: Random, *, deep: bool = True, failing: float = 0.0) -> tuple[Planned, ...]:
    """Make up a workflow; hypothesis chooses the seed only, because its own small examples seldom branch."""
    nodes: list[Planned] = []
    for number in range(random.randint(1, 10 if deep else 4)):
        kind = random.choice(KINDS if deep else KINDS[:-1])
        count = random.randint(0, min(3, number))
        nodes.append(
            Planned(
                kind,
                random.randint(0, 9),
                tuple((random.randrange(number), random.randint(0, 2)) for _ in range(count)),
                random.randrange(number) if number and random.random() < 0.2 else -1,
                random.choice(FAILURES) if random.random() < failing else "",
                plans(random, deep=False, failing=failing) if kind == "nested" else (),
            )
        )
    return tuple(nodes)


def build(planned: tuple[Planned, ...], log: list[str], prefix: str = "n") -> DAG:
    dag = DAG("random" if prefix == "n" else f"inner of {prefix}", metadata={"prefix": prefix})
    made: list[Any] = []
    for number, one in enumerate(planned):
        node = _node(dag, f"{prefix}{number}", one, _wired(planned, number), log)
        ports = node.inputs
        for port, (source, choice) in enumerate(one.edges):
            outlet = _outlet(made[source], planned[source].kind, choice)
            if one.kind == "star":
                outlet >> node
            elif one.kind != "nested":
                outlet.connect_to(node, input_name=f"p{port}")
            elif port < len(ports):
                outlet.connect_to(node, input_name=ports[port])
        if one.after >= 0 and one.kind != "nested":
            kind = planned[one.after].kind
            node.after(
                _outlet(made[one.after], kind, one.seed % 3) if kind in ("condition", "bool") else made[one.after]
            )
        made.append(node)
    return dag


def _wired(planned: tuple[Planned, ...], number: int) -> set[str]:
    """The branches of a selection that lead somewhere."""
    return {
        f"b{choice % 2}" for one in planned for source, choice in one.edges if source == number and one.kind != "nested"
    }


def _outlet(source: Any, kind: str, choice: int) -> Any:
    if kind in ("condition", "bool"):
        return (source, source.on_true, source.on_false)[choice]
    if kind == "select":
        return source.on(f"b{choice % 2}")
    if kind in ("record", "pair") and choice:
        return source.output("a" if choice == 1 else "b")
    return source


def _value(one: Planned, total: int, wired: set[str]) -> Any:
    """What a node returns for a number that stands for all it was given."""
    branch = f"b{total % 2}"
    values: dict[str, Any] = {
        "condition": ConditionalReturn(total % 2 == 0, *([total] if one.seed % 2 else [])),
        "bool": total % 2 == 0,
        "select": SelectReturn(total, branch if branch in wired else None),
        "record": {"a": total, "b": total // 2} if one.seed % 2 else (total, total // 2),
        "pair": Pair(total, total // 2),
    }
    if one.failure == "odd" and one.kind in ("condition", "bool", "select"):
        return ConditionalReturn(True, 1, true_branch="nowhere") if one.kind == "condition" else "odd"
    return values.get(one.kind, total)


def _node(dag: DAG, name: str, one: Planned, wired: set[str], log: list[str]) -> Any:
    kind = one.kind
    if kind == "nested":
        return dag.add_workflow(name, build(one.inner, log, f"{name}."))

    def body(values: object) -> Any:
        log.append(f"{name} {values}")
        if one.failure == "raises":
            raise ValueError(f"{name} fails") from KeyError(name)
        if one.failure == "interrupts":
            raise KeyboardInterrupt(name)
        return _value(one, crc32(f"{one.seed} {values}".encode()), wired)

    def plain(**values: Any) -> Any:
        return body(values)

    async def later(**values: Any) -> Any:
        await asyncio.sleep(0)
        return body(values)

    def pair(**values: Any) -> Pair:
        return body(values)

    def star(*values: Any) -> Any:
        return body(values)

    def told(context: Context, **values: Any) -> Any:
        seen = [context.results, context.metadata]
        return body(f"{values} {seen}")

    functions = {"async": later, "star": star, "context": told, "pair": pair}
    func: Any = functions.get(kind, plain)
    inputs = None if kind == "star" else [f"p{port}" for port in range(len(one.edges) + (one.seed == 9))]
    outputs = ["a", "b"] if kind == "record" else None
    kinds: dict[str, Any] = {"condition": Condition, "bool": Condition, "select": partial(Select, node_type="select")}
    make = kinds.get(kind, partial(Node, node_type="any" if kind == "any" else "standard"))
    return dag.add_node(make(func, name, inputs=inputs, outputs=outputs))


def given_inputs(workflow: Workflow, only: str = "") -> dict[str, Any]:
    return {entry.name: len(entry.name) for entry in workflow.plan().inputs if not only or entry.node == only}


class Outcome(NamedTuple):
    """All that a run leaves behind."""

    log: list[str]
    error: object
    facts: object


def outcome(runner: Runner, inputs: dict[str, Any], log: list[str], *, asynchronous: bool) -> Outcome:
    context: Any = FSMContext() if runner.workflow.kind == "FSM" else Context()
    error: Any = None
    try:
        if asynchronous:
            asyncio.run(runner.run_async(inputs, context=context))
        else:
            runner.run(inputs, context=context)
    except WorkflowExecutionError as raised:
        error = (str(raised), raised.node_name, raised.where, _chain(raised))
    except KeyboardInterrupt as raised:
        error = raised.args
    found = runner.metrics
    facts = [found.results, list(found.results), found.value, found.statuses, found.execution_order]
    facts += [found.nodes_executed, found.errors, found.stop_reason]
    machine = [
        getattr(context, name, None) for name in ("state_history", "cycle_results", "cycle_count", "current_state")
    ]
    return Outcome(list(log), error, [*facts, *machine])


def _chain(error: BaseException | None) -> list[str]:
    return [] if error is None else [repr(error), *_chain(error.__cause__)]


def flat(workflow: Workflow, folder: Path) -> ModuleType:
    """Compile a workflow that was made up, as one of a module that can be imported."""
    __import__(MADE)
    sys.modules[MADE].dag = workflow  # type: ignore[attr-defined]
    write(compile_workflow(workflow.plan(), target=f"{MADE}:dag"), folder / "made.py")
    return load(folder / "made.py")


@settings(max_examples=300, deadline=None)
@given(SEEDS, st.sampled_from([0.0, 0.0, 0.2]))
def test_a_compiled_graph_does_what_the_runner_does(seed: int, failing: float) -> None:
    log: list[str] = []
    planned = plans(Random(seed), failing=failing)  # noqa: S311 - no secret
    note(planned)
    dag = build(planned, log)
    with tempfile.TemporaryDirectory() as folder:
        module = flat(dag, Path(folder))
        for asynchronous in (False, True):
            log.clear()
            expected = outcome(Runner(dag), given_inputs(dag), log, asynchronous=asynchronous)
            log.clear()
            assert outcome(Runner(module), given_inputs(dag), log, asynchronous=asynchronous) == expected
        log.clear()
        arguments = {module.INPUTS[name]: value for name, value in given_inputs(dag).items()}
        results: Any = None
        error: Any = None
        try:
            results = module.run(**arguments)
        except WorkflowExecutionError as raised:
            error = (str(raised), raised.node_name, raised.where, _chain(raised))
        except KeyboardInterrupt as raised:
            error = raised.args
        assert (log, error) == (expected.log, expected.error)
        assert results is None or (results, list(results)) == tuple(expected.facts[:2])  # type: ignore[index]


MOVES = ["go", "go", "go", "check", "check", "pick", "pick", "plain", "plain"]
ENDS = ["stop", "leave", "end", "raise", "lost"]


def machines(random: Random) -> dict[str, Any]:
    """Make up a state machine."""
    count = random.randint(1, 11)
    states = range(count)
    moves = MOVES + ENDS * random.randint(0, 1)
    return {
        "moves": [random.choices(moves, k=random.randint(1, 4)) for _ in states],
        "ways": [
            (source, branch, random.randrange(count))
            for source in states
            for branch in (None, True, False, "b0", "b1")
            if random.random() < 0.85
        ],
        "to": random.choices(states, k=6),
        "ports": [random.randint(0, 2) for _ in states],
        "final": {random.randrange(count)} if random.random() < 0.3 else set(),
        "limit": random.randint(1, 30),
        "raises": random.random() < 0.5,
        "given": random.random() < 0.5,
        "async": random.random() < 0.3,
    }


def build_machine(made: dict[str, Any], log: list[str]) -> FSM:
    fsm = FSM("machine", max_cycles=made["limit"], on_max_cycles="raise" if made["raises"] else "stop")
    for number, moves in enumerate(made["moves"]):
        _state(fsm, number, moves, made, log)
    states = list(fsm.nodes.values())
    plain: set[int] = set()
    for source, branch, target in made["ways"]:
        outlets: dict[Any, Any] = {True: states[source].on_true, False: states[source].on_false}  # type: ignore[attr-defined]
        if branch is not None:
            outlet = outlets[branch] if isinstance(branch, bool) else states[source].on(branch)  # type: ignore[attr-defined]
            outlet >> states[target]
        elif source not in plain:
            plain.add(source)
            states[source] >> states[target]
    return fsm


def _state(fsm: FSM, number: int, moves: list[str], made: dict[str, Any], log: list[str]) -> None:
    name = f"s{number}"

    def body(value: Any, context: FSMContext) -> Any:
        cycle = context.cycle_count
        log.append(f"{name} {cycle} {value} {context.state_history} {context.results} {context.current_state}")
        move = moves[cycle % len(moves)]
        following = f"s{made['to'][cycle % len(made['to'])]}"
        if move == "raise":
            raise LookupError(f"{name} in cycle {cycle}")
        ways: dict[str, Any] = {
            "go": FSMReturn(following, cycle),
            "stop": FSMReturn(following, cycle, stop=True),
            "leave": FSMReturn(following, cycle, continue_execution=False),
            "end": FSMReturn(None, cycle),
            "check": ConditionalReturn(cycle % 2 == 0, cycle, true_branch=following if cycle % 3 == 0 else None),
            "pick": SelectReturn(cycle, f"b{cycle % 2}" if cycle % 3 else None),
            "lost": FSMReturn("nowhere"),
        }
        return ways.get(move, cycle)

    def none(context: FSMContext) -> Any:
        return body(None, context)

    def one(value: Any, context: FSMContext) -> Any:
        return body(value, context)

    async def later(value: Any, context: FSMContext) -> Any:
        await asyncio.sleep(0)
        return body(value, context)

    def two(value: Any, context: FSMContext, more: int = 5) -> Any:
        return body((value, more), context)

    func: Any = (none, later if made["async"] else one, two)[made["ports"][number]]
    options = {"is_initial": number == 0, "is_final": number in made["final"]}
    fsm.state(name=name, **options)(func)


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_a_compiled_machine_does_what_the_runner_does(seed: int) -> None:
    log: list[str] = []
    made = machines(Random(seed))  # noqa: S311 - no secret
    note(made)
    fsm = build_machine(made, log)
    with tempfile.TemporaryDirectory() as folder:
        module = flat(fsm, Path(folder))
        inputs = given_inputs(fsm, "" if made["given"] else "s0")
        expected = outcome(Runner(fsm), inputs, log, asynchronous=False)
        log.clear()
        assert outcome(Runner(module), inputs, log, asynchronous=False) == expected
