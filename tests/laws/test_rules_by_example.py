"""Rules that random workflows showed to be easily broken, one small workflow for each."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from fastdag_typed import DAG, FSM, Context, FSMReturn, Node, Runner, WorkflowExecutionError
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.retry import RetryStrategy

MODES: list[Any] = ["sequential", "parallel"]


def fails() -> NoReturn:
    raise ValueError("wrong")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strategy", ["continue", "skip"])
def test_a_node_after_a_failed_one_is_skipped_though_a_join_between_them_ran(mode: Any, strategy: Any) -> None:
    dag = DAG("d")
    bad, good = dag.add_node(Node(fails, "bad")), dag.add_node(Node(lambda: 1, "good"))

    @dag.any
    def join(a: Any, b: Any) -> Any:
        return a, b

    @dag.node
    def last(x: Any) -> Any:
        return x

    bad >> join
    good >> join
    join >> last
    last.after(bad)
    runner = Runner(dag, error_strategy=strategy)
    if strategy == "skip":
        runner.run(mode=mode)
    else:
        with pytest.raises(WorkflowExecutionError):
            runner.run(mode=mode)
    assert runner.metrics.results == {"good": 1, "join": (None, 1)}
    assert runner.metrics.statuses == {"bad": "failed", "good": "done", "join": "done", "last": "skipped"}


@pytest.mark.parametrize("mode", MODES)
def test_while_the_run_goes_on_nodes_see_which_have_failed_and_which_were_skipped(mode: Any) -> None:
    dag = DAG("d")
    bad, good = dag.add_node(Node(fails, "bad")), dag.add_node(Node(lambda: 1, "good"))

    @dag.node
    def needs(x: Any) -> Any:
        return x

    @dag.any
    def join(a: Any, b: Any, c: Any, context: Context) -> Any:
        return {name: context.execution_info[name].status for name in ("bad", "good", "needs", "join")}

    bad >> needs
    for node in (bad, good, needs):
        node >> join
    metrics = Runner(dag, error_strategy="skip").run(mode=mode)
    assert metrics.results["join"] == {"bad": "failed", "good": "done", "needs": "skipped", "join": "running"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observed", [False, True])
def test_policies_see_the_stop_iteration_that_a_sync_node_raises_and_not_what_python_makes_of_it_in_coroutines(
    mode: Any, observed: bool
) -> None:
    def bad() -> NoReturn:
        raise StopIteration(1)

    policies = [RetryStrategy(1, delay=0), FallbackStrategy(7, exceptions=StopIteration)]
    dag = DAG("d")
    dag.add_node(Node(bad, policies=policies))
    observers = [lambda event: None] if observed else []
    assert Runner(dag, observers=observers).run(mode=mode).value == 7


@pytest.mark.parametrize("strategy", ["stop", "continue", "skip"])
def test_a_state_that_goes_nowhere_has_failed_as_one_that_raises(strategy: Any) -> None:
    fsm = FSM("f")

    @fsm.state(is_initial=True)
    def first() -> FSMReturn[int]:
        return FSMReturn("second", 1)

    @fsm.state
    def second(x: int) -> FSMReturn[int]:
        return FSMReturn("nowhere", x)

    runner = Runner(fsm, error_strategy=strategy)
    if strategy == "skip":
        assert runner.run().value == 1
    else:
        with pytest.raises(WorkflowExecutionError, match='"nowhere", which is not a state'):
            runner.run()
    assert runner.metrics.statuses == {"first": "done", "second": "failed"}
    assert runner.metrics.stop_reason == "failed"
    assert len(runner.metrics.errors) == 1


@pytest.mark.parametrize("mode", MODES)
def test_what_comes_after_a_skipped_condition_is_skipped_as_if_it_were_of_one_of_its_branches(mode: Any) -> None:
    dag = DAG("d")

    @dag.condition
    def outer() -> bool:
        return False

    @dag.condition
    def inner(x: Any) -> bool:
        return True

    @dag.node
    def plain(x: Any) -> int:
        return 1

    @dag.node
    def after_plain() -> int:
        return 2

    @dag.node
    def after_condition() -> int:
        return 3

    outer.on_true >> inner
    outer.on_true >> plain
    after_plain.after(plain)
    after_condition.after(inner)
    assert Runner(dag).run(mode=mode).results == {"outer": None, "after_plain": 2}
