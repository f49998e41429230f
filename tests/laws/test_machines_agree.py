"""Every driver does with random state machines what the rules say: the same values, states, errors and history."""

from __future__ import annotations

import asyncio
import os
from random import Random
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastdag_typed import BranchError, FSMContext, Runner
from fastdag_typed.policies.validate import Validate
from fastdag_typed.run.config import ExecutionConfig
from tests.laws.bench import Bench, told
from tests.laws.machines import Machine, Model, build, inputs_of, machines
from tests.laws.policies import AROUND, policies_of
from tests.laws.ways import WAYS, Seen, Watch, Way, observe

CASES = int(os.environ.get("FASTDAG_LAWS", "500"))


class Rig:
    """A machine made anew for one driver, with a runner that is kept for several runs."""

    def __init__(self, seed: int, strategy: str, *, failing: bool) -> None:
        random = Random(seed)  # noqa: S311 - no secret
        self.made: Machine = machines(
            random,
            failing=random.choice([0.1, 0.4]) if failing else 0.0,
            policies=random.choice([0.0, 0.0, 0.5]),
            can_be_async=random.random() < 0.5,
        )
        self.bench = Bench()
        self.fsm = build(self.made, self.bench)
        around = [(random.choice(AROUND), random.randint(1, 3)) for _ in range(random.choice([0, 0, 0, 1, 2]))]
        self.policies = [policies_of()[kind](level) for kind, level in around]
        self.config = ExecutionConfig(
            measure=random.random() < 0.7,
            error_strategy=strategy,
            validate=random.choice(["boundary", "all", "off"]),  # type: ignore[arg-type]
        )
        observers = [Watch()] if random.random() < 0.3 else []
        self.runner = Runner(self.fsm, self.config, policies=self.policies, observers=observers)

    def __repr__(self) -> str:
        return f"{self.made} {self.config} {self.policies}"

    def seen(self, way: Way) -> tuple[Seen, list[Any]]:
        self.bench.clear()
        found = observe(self.runner, inputs_of(self.made), way)
        return found, history(found.metrics.workflow.context)

    def model(self) -> Model:
        self.bench.clear()
        policies = [*self.policies]
        if self.config.validate != "off":
            policies.append(Validate(self.config.validate, self.fsm.plan()))
        model = Model(self.fsm, self.made, policies, self.config.error_strategy)
        asyncio.run(model.go())
        return model


def history(context: Any) -> list[Any]:
    assert isinstance(context, FSMContext)
    entered = [context.state_history, context.cycle_count, context.current_state]
    return [*entered, dict(context.results), context.cycle_results]


@settings(max_examples=CASES)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["stop", "continue", "skip"]), st.booleans())
def test_a_machine_does_what_the_rules_say(seed: int, strategy: str, failing: bool) -> None:
    note(Rig(seed, strategy, failing=failing))
    modelled, rig = Rig(seed, strategy, failing=failing), Rig(seed, strategy, failing=failing)
    for _ in range(2):
        model = modelled.model()
        seen, found = rig.seen(WAYS[0])
        metrics = seen.metrics
        assert found == history(model.context)
        assert rig.bench.log == modelled.bench.log
        assert metrics.execution_order == model.order
        assert metrics.stop_reason == model.reason
        raises = model.failure is not None and strategy != "skip"
        raises = raises or (model.reason == "max_cycles" and rig.made.reaction == "raise")
        assert (seen.error is not None) == raises
        assert metrics.value == (None if raises else model.value)
        statuses: dict[str, Any] = dict.fromkeys(rig.fsm.nodes, "pending") | dict.fromkeys(model.order, "done")
        if model.failure is not None:
            name, failure = model.failure
            statuses[name] = "failed"
            assert [line.split('"')[1] for line in metrics.errors] == [name]
            if strategy != "skip":
                assert seen.error[2:4] == (name, [])
                assert seen.error[4][0] is type(failure)
                assert type(failure) is BranchError or seen.error[4] == told(failure)
        assert metrics.statuses == statuses
        assert seen.facts["attempts"] == model.attempts


@settings(max_examples=CASES)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["stop", "continue", "skip"]))
def test_every_driver_does_with_a_machine_what_a_sequential_run_does(seed: int, strategy: str) -> None:
    right = Rig(seed, strategy, failing=True)
    note(right)
    expected = [(*right.seen(WAYS[0]), list(right.bench.log)) for _ in range(2)]
    for way in WAYS[1:]:
        rig = Rig(seed, strategy, failing=True)
        for reference, told_before, log in expected:
            seen, found = rig.seen(way)
            assert seen.facts == reference.facts
            assert found == told_before
            assert rig.bench.log == log
            assert seen.metrics.execution_order == reference.metrics.execution_order
