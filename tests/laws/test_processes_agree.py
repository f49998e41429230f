"""Nodes that run in other processes give what they give here: the same values, states, errors and attempts."""

from __future__ import annotations

import os
from random import Random
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastdag_typed import DAG, Node, Runner
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.policies.timeout import Timeout
from fastdag_typed.run.config import ExecutionConfig
from tests.laws.elsewhere import build, workflows
from tests.laws.policies import Shift
from tests.laws.ways import WAYS, Watch, Way, observe

CASES = max(1, int(os.environ.get("FASTDAG_LAWS", "500")) // 10)
KINDS = [
    (Way("processes", "run"), ()),
    (Way("processes", "run_async"), ()),
    (Way("sequential", "run"), (Place("process", strict=False),)),
    (Way("parallel", "run_async"), (Place("process", strict=False), Timeout(1000))),
]


def check(seed: int, strategy: Any) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    policies: list[Any] = [RetryStrategy(1, delay=0), FallbackStrategy(3), Shift(2), Timeout(1000)]
    made = workflows(random, policies)
    around = tuple(random.sample(policies, random.choice([0, 0, 1])))
    config = ExecutionConfig(error_strategy=strategy, measure=random.random() < 0.5)
    observed = random.random() < 0.3

    def facts(way: Way, further: tuple[Any, ...]) -> dict[str, Any]:
        observers = [Watch()] if observed else []
        return observe(Runner(build(made), config, policies=(*around, *further), observers=observers), {}, way).facts

    note((made, around, config))
    expected = facts(WAYS[0], ())
    for way, further in KINDS:
        assert facts(way, further) == expected


def test_nodes_in_processes_give_what_they_give_here() -> None:
    law = settings(max_examples=CASES)(given(st.integers(0, 2**32 - 1), st.sampled_from(["continue", "skip"]))(check))
    outer = DAG("all in one, because then all share its processes")
    outer.add_node(Node(law, "law"))
    with Runner(outer) as runner:
        runner.run()
        assert runner._workers is not None
        assert runner._workers.pids
