"""What the engine costs, held against what it may cost at most; each figure has its control in the same rounds.

``FASTDAG_BENCH_ROUNDS`` multiplies the rounds; with ``FASTDAG_BENCH_STRICT=1`` a figure above its limit fails the run.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypedDict

import pytest

from benchmarks import chains
from benchmarks.compare import CONTROL, SUBJECT, Figure, Found, Times, compared, repeated
from benchmarks.peers.ours import counting, wired
from benchmarks.works import (
    INPUT,
    Job,
    awaiting,
    by_hand,
    chain,
    critical_path,
    in_a_row,
    increment,
    layered,
    machine_by_hand,
    skewed,
    sleeping,
)
from fastdag_typed import DAG, Layer, Runner
from fastdag_typed.run.config import ExecutionConfig
from fastdag_typed.run.drivers import lean

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.compare import Timed
    from benchmarks.conftest import Report
    from benchmarks.works import Graph
    from fastdag_typed import ExecutionMetrics
    from fastdag_typed.run.run import Run
    from fastdag_typed.step import Call, Emit, Step
    from fastdag_typed.workflow import Mode

POOL: Final = "8 equal calls on a bare process pool"
SHAPES: Final[dict[str, Callable[[], Graph]]] = {
    "chain of 1,000": lambda: chain(1000),
    "layers, 100 x 10": lambda: layered(100, 10),
}
UNTIMED: Final = ExecutionConfig(measure=False)


def runs(runner: Runner[Any], mode: Mode = "sequential", **inputs: object) -> Callable[[], ExecutionMetrics]:
    """Give a function that runs, by default with the input of a graph."""
    given = inputs or {INPUT: 0}
    return lambda: runner.run(given, mode)


def looked_at(metrics: ExecutionMetrics) -> tuple[object, ...]:
    """Look at all that a run has to tell of its nodes; some is made only then."""
    return metrics.results, metrics.execution_order, metrics.node_times


# -- one node after the other ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def bench_values(report: Report, shape: str) -> None:
    """Run for the values alone, against plain calls that keep the same values by the same names."""
    graph = SHAPES[shape]()
    run, plain = runs(Runner(wired(graph), UNTIMED)), by_hand(graph)
    assert run().results == plain(0)
    report.figures.append(
        compared(f"{shape}: values", lambda: run().results, lambda: plain(0), limit=2.5, nodes=len(graph))
    )


@pytest.mark.parametrize("shape", SHAPES)
def bench_order_and_times(report: Report, shape: str) -> None:
    """Run for values, order and times of each node, and look at all of them."""
    graph = SHAPES[shape]()
    run, plain = runs(Runner(wired(graph))), by_hand(graph)
    assert len(run().node_times) == len(graph)
    report.figures.append(
        compared(f"{shape}: order, times", lambda: looked_at(run()), lambda: plain(0), limit=5, nodes=len(graph))
    )


def begun(dag: DAG) -> Run:
    """Give a run that a driver can drive, again and again."""
    return Runner(dag, UNTIMED)._begin({INPUT: 0}, None, None)[0]  # noqa: SLF001 - a run without its beginning and end


def without_mechanism(run: Run) -> Callable[[], list[Any]]:
    """Write out the loop of the engine as it would be if there were neither policies nor observers nor failures."""
    steps: list[tuple[Call, Any, Any, int]] = []
    for step in run.plan.steps:
        first, second = (*step.args, -1)[:2]
        steps.append((step.func, first, second, step.out))
    kept = list(run.slots)

    def loop() -> list[Any]:
        slots = kept
        for call, a, b, out in steps:
            if b >= 0:
                slots[out] = call(slots[a], slots[b])
            elif a >= 0:
                slots[out] = call(slots[a])
            else:
                slots[out] = call(slots)
        return slots

    return loop


def bench_unused_mechanism(report: Report) -> None:
    """Drive a run that has no policies and no observers, against a loop that knows of none."""
    run = begun(wired(layered(100, 10)))
    loop = without_mechanism(run)
    lean(run)
    assert run.slots == loop()
    report.figures.append(
        compared("policies and observers, none used", lambda: lean(run), loop, limit=1.02, nodes=1000)
    )


class Elsewhere:
    """A policy that applies to no node here."""

    layer = Layer.HOOK

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - what a policy is given
        """Wrap nothing."""
        return call


def bench_policy_that_does_not_apply(report: Report) -> None:
    """Run with a policy for other nodes, against the run without."""
    dag = wired(layered(100, 10))
    run, without = runs(Runner(dag, UNTIMED, policies=[Elsewhere()])), runs(Runner(dag, UNTIMED))
    report.figures.append(compared("a policy for other nodes", run, without, limit=1.02, nodes=1000))


def bench_retry_without_failure(report: Report) -> None:
    """Run with a retry policy around every node, none of which fails, against the run without."""
    from fastdag_typed.policies.retry import RetryStrategy

    dag = wired(layered(100, 10))
    run, without = runs(Runner(dag, UNTIMED, policies=[RetryStrategy()])), runs(Runner(dag, UNTIMED))
    report.figures.append(compared("retry policy, no failure", run, without, limit=1.1, nodes=1000))


def bench_machine(report: Report) -> None:
    """Run a state machine, against a loop over the same states that keeps the history."""
    limit = 10_000
    fsm, loop = counting(limit), machine_by_hand(limit)
    runner = Runner(fsm)
    results = runner.run({"begin": 0}).results
    assert (fsm.state_history, results) == loop()
    run = runs(runner, begin=0)
    report.figures.append(compared("state machine, 10,000 transitions", run, loop, limit=3, nodes=limit))


class Order(TypedDict):
    """A flat record."""

    number: int
    customer: str
    street: str
    city: str
    quantity: int
    price: float
    express: bool
    note: str | None


def net(order: Order) -> float:
    """Multiply."""
    return order["quantity"] * order["price"]


def taxed(amount: float) -> float:
    """Add the tax."""
    return amount * 1.2


def line(amount: float) -> str:
    """Write."""
    return f"{amount:.2f} EUR"


def bench_boundary(report: Report) -> None:
    """Run with a record from outside that is held against its type, against the run that takes it as it is."""
    dag = DAG("order")
    dag.node(net) >> dag.node(taxed) >> dag.node(line)
    order = Order(
        number=1, customer="A. B.", street="Long Street 1", city="C", quantity=3, price=9.5, express=False, note=None
    )
    run = runs(Runner(dag, ExecutionConfig(measure=False, validate="boundary")), order=order)
    without = runs(Runner(dag, ExecutionConfig(measure=False, validate="off")), order=order)
    assert run().value == without().value == "34.20 EUR"
    report.figures.append(compared("record of 8 fields checked, 3 nodes", run, without, limit=1.5))


# -- several at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def bench_threads_without_work(report: Report, shape: str) -> None:
    """Run nodes that do nothing in threads: what a node takes more than in sequence."""
    graph = SHAPES[shape]()
    runner = Runner(wired(graph), UNTIMED)
    run, in_sequence = runs(runner, "parallel"), runs(runner)
    assert run().results == in_sequence().results
    report.figures.append(compared(f"{shape}: threads", run, in_sequence, limit=3, nodes=len(graph), unit="µs"))


@pytest.mark.parametrize(("where", "function"), [("threads", sleeping), ("asyncio", awaiting)])
def bench_skewed(report: Report, where: str, function: Callable[[Job], Callable[..., object]]) -> None:
    """Run nodes that wait, some of them for long, against the sleeps on the critical path one after the other."""
    graph = skewed(20, 8)
    run = runs(Runner(wired(graph, function), UNTIMED, max_workers=8), "parallel")
    assert run().results == by_hand(graph)(0)
    sleeps = in_a_row(critical_path(graph))
    report.figures.append(compared(f"skewed sleeps, 20 x 8: {where}", run, sleeps, limit=1.05, rounds=5))


def busy(x: int) -> int:
    """Keep a processor busy for some time."""
    for number in range(1_500_000):
        x ^= number
    return x


def bench_processes(report: Report) -> None:
    """Run equal nodes that only count on two processes that are there already, against plain calls.

    What two processes can do here at all is what a bare pool does: two processors may be one core, or have other work.
    """
    graph = {f"n{i}": Job(busy, {"x": INPUT}) for i in range(8)}
    plain = by_hand(graph)
    with Runner(wired(graph), UNTIMED, max_workers=2) as runner, ProcessPoolExecutor(2) as pool:
        run = runs(runner, "processes")
        assert run().results == plain(0)
        subjects: dict[str, Timed] = {
            SUBJECT: run,
            CONTROL: lambda: plain(0),
            POOL: lambda: list(pool.map(busy, [0] * 8)),
        }
        times = Times(subjects, repeated(7))
    took, control = times.took(SUBJECT).fastest, times.took(CONTROL).fastest
    found, can = times.ratio(SUBJECT, CONTROL), times.ratio(POOL, CONTROL)
    report.figures.append(Figure("8 equal CPU-bound nodes: 2 processes", took, control, found, limit=0.55))
    report.lines.append(f"{POOL}, in the same rounds: {can.median:.3f} x, at its fastest {can.fastest:.3f} x")


# -- growth ----------------------------------------------------------------------------------------------------------

SMALL, LARGE = 1_000, 1_000_000
CONTROLS: Final = {"values": CONTROL, "order, times": CONTROL, "the loop alone": "the same loop"}


def bench_growth(report: Report) -> None:
    """Run a thousand times as many nodes: how much dearer each one is, beside how much dearer its control is.

    A dict of a million names no longer fits into the processor's caches, and entering them one by one costs several
    times as much for each, for whoever does it. So runs are held against a plain loop that keeps as many values by
    name, and the engine's loop, which enters nothing, against one that knows of no policies.
    """
    small, large = growing(SMALL, rounds=30), growing(LARGE, rounds=5)
    for what, control in CONTROLS.items():
        each, was = large.took(what).fastest / LARGE, small.took(what).fastest / SMALL
        ratios = zip(large.ratio(what, control), small.ratio(what, control), strict=True)
        grown = Found(*(one / other for one, other in ratios))
        report.figures.append(Figure(f"1,000 to 1,000,000 nodes: {what}", each, was, grown, limit=1.2))


def growing(size: int, *, rounds: int) -> Times:
    """Time a chain."""
    dag = chains.chain(size)
    run, timed, begun_run = runs(Runner(dag, UNTIMED)), runs(Runner(dag)), begun(dag)
    names = list(dag.nodes)

    def plain() -> dict[str, int]:
        kept: dict[str, int] = {}
        x = 0
        for name in names:
            kept[name] = x = increment(x)
        return kept

    assert run().results == plain()
    subjects: dict[str, Timed] = {
        CONTROL: plain,
        "values": lambda: run().results,
        "order, times": lambda: looked_at(timed()),
        "the same loop": without_mechanism(begun_run),
        "the loop alone": lambda: lean(begun_run),
    }
    return Times(subjects, repeated(rounds))
