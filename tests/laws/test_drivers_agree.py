"""Every driver does with random workflows what the rules say: the same values, states, errors, events and calls."""

from __future__ import annotations

import asyncio
import os
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastdag_typed import BranchError, Runner
from fastdag_typed.policies.validate import Validate
from fastdag_typed.run.config import ExecutionConfig
from tests.laws.bench import Bench, steady, told
from tests.laws.model import Model
from tests.laws.policies import AROUND, policies_of
from tests.laws.recipes import Planned, Style, build, workflows
from tests.laws.ways import WAYS, Seen, Watch, Way, observe

if TYPE_CHECKING:
    from fastdag_typed import DAG
    from fastdag_typed.step import Policy

CASES = int(os.environ.get("FASTDAG_LAWS", "500"))
SEEDS = st.integers(0, 2**32 - 1)


class Case(NamedTuple):
    """A workflow, and how it is run."""

    planned: tuple[Planned, ...]
    config: dict[str, Any]
    policies: tuple[tuple[str, int], ...]
    observed: bool
    runs: int


def cases(seed: int, strategy: str, *, failing: bool) -> Case:
    random = Random(seed)  # noqa: S311 - no secret
    style = Style(
        size=random.choice([3, 8, 12]),
        failing=random.choice([0.1, 0.3]) if failing else 0.0,
        policies=random.choice([0.0, 0.0, 0.3, 0.8]),
        can_be_async=random.random() < 0.5,
    )
    config = {
        "measure": random.random() < 0.7,
        "max_workers": random.choice([1, 2, 3, 8]),
        "error_strategy": strategy,
        "validate": random.choice(["boundary", "all", "off"]),
    }
    around = [(random.choice(AROUND), random.randint(1, 3)) for _ in range(random.choice([0, 0, 0, 1, 2]))]
    return Case(workflows(random, style), config, tuple(around), random.random() < 0.3, random.choice([1, 2]))


class Rig:
    """A workflow made anew for one driver, with a runner that is kept for several runs."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.bench = Bench()
        self.dag: DAG = build(case.planned, self.bench)
        self.policies: list[Policy] = [policies_of()[kind](level) for kind, level in case.policies]
        self.inputs = {entry.name: 5 for entry in self.dag.plan().required}

    def runner(self) -> Runner[Any]:
        config = ExecutionConfig(**self.case.config)
        observers = [Watch()] if self.case.observed else []
        return Runner(self.dag, config, policies=self.policies, observers=observers)

    def model(self) -> Model:
        self.bench.clear()
        validate, plan = self.case.config["validate"], self.dag.plan()
        around = [*self.policies, *([] if validate == "off" else [Validate(validate, plan)])]
        model = Model(self.dag, self.case.planned, self.inputs, around, self.case.config["error_strategy"])
        asyncio.run(model.go())
        return model


def runs_of(case: Case, way: Way) -> list[tuple[Seen, Bench]]:
    rig = Rig(case)
    runner = rig.runner()
    found: list[tuple[Seen, Bench]] = []
    for _ in range(case.runs):
        rig.bench.clear()
        seen = observe(runner, rig.inputs, way)
        found.append((seen, Bench(list(rig.bench.log), dict(rig.bench.calls))))
    return found


def check_order(planned: tuple[Planned, ...], bench: Bench, prefix: str = "n") -> None:
    """No call begins before all calls of the nodes it comes after have ended."""
    first = {path: place for place, (what, path, _) in reversed([*enumerate(bench.log)]) if what == "begin"}
    last = {path: place for place, (what, path, _) in enumerate(bench.log) if what == "end"}
    for number, one in enumerate(planned):
        inside = [times for path, times in bench.calls.items() if path.startswith(f"{prefix}{number}.")]
        if one.kind == "inner" and max(inside, default=0) == 1:
            check_order(one.inner, bench, f"{prefix}{number}.")
        for wire in (*one.edges, *one.after):
            before, after = f"{prefix}{wire.source}", f"{prefix}{number}"
            assert before not in last or after not in first or last[before] < first[after]


@settings(max_examples=CASES)
@given(SEEDS, st.sampled_from(["stop", "continue", "skip"]), st.booleans())
def test_a_run_does_what_the_rules_say(seed: int, strategy: str, failing: bool) -> None:
    case = cases(seed, strategy, failing=failing)
    note(case)
    modelled, rig = Rig(case), Rig(case)
    runner = rig.runner()
    for _ in range(case.runs):
        model = modelled.model()
        rig.bench.clear()
        seen = observe(runner, rig.inputs, WAYS[0])
        metrics = seen.metrics
        assert metrics.statuses == model.statuses
        assert list(metrics.results.items()) == list(model.results.items())
        assert metrics.value == model.value
        assert rig.bench.log == modelled.bench.log
        assert seen.facts["attempts"] == model.attempts
        assert (seen.error is None) == (not model.failures or strategy == "skip")
        if seen.error is not None:
            name, failure = next(iter(model.failures.items()))
            assert seen.error[2:4] == (name, [])
            assert seen.error[4][0] is type(failure)
            if type(failure) is not BranchError and failure.args != (name,):  # else in the library's own words
                assert seen.error[4] == told(failure)
        assert [line.split('"')[1] for line in metrics.errors] == list(model.failures)
        assert metrics.execution_order == [
            name for name, status in metrics.statuses.items() if status in ("done", "failed")
        ]


@settings(max_examples=CASES)
@given(SEEDS, st.sampled_from(["stop", "continue", "skip"]))
def test_every_driver_does_what_a_sequential_run_does(seed: int, strategy: str) -> None:
    case = cases(seed, strategy, failing=True)
    note(case)
    expected = runs_of(case, WAYS[0])
    stops = strategy == "stop" and any(seen.metrics.errors for seen, _ in expected)
    for way in WAYS[1 : 3 if stops else None]:  # what else runs before the others stop is a matter of chance
        for (seen, bench), (right, calls) in zip(runs_of(case, way), expected, strict=True):
            assert seen.facts == right.facts
            if way.mode == "sequential":
                assert list(seen.metrics.results) == list(right.metrics.results)
                assert seen.metrics.execution_order == right.metrics.execution_order
                assert bench.log == calls.log
            else:
                assert sorted(bench.begun()) == sorted(calls.begun())
                check_order(case.planned, bench)


@settings(max_examples=CASES)
@given(SEEDS)
def test_a_parallel_run_that_stops_has_done_a_part_of_the_run_that_goes_on(seed: int) -> None:
    case = cases(seed, "stop", failing=True)._replace(runs=1)
    note(case)
    whole, calls = runs_of(case._replace(config={**case.config, "error_strategy": "skip"}), WAYS[0])[0]
    lines = {line.split('"')[1]: steady(line) for line in whole.metrics.errors}
    retried = {path.partition(".")[0] for path, times in calls.calls.items() if times > 1}
    for way in WAYS[3:]:
        seen, bench = runs_of(case, way)[0]
        metrics = seen.metrics
        check_order(case.planned, bench)
        assert set(bench.begun()) <= set(calls.begun())
        assert metrics.results.items() <= whole.metrics.results.items()
        failed = [name for name in metrics.workflow.plan().names if metrics.statuses[name] == "failed"]
        assert bool(failed) == bool(lines) == (seen.error is not None)
        assert set(failed) <= set(lines) | retried  # what waits for a retry when the run stops waits no more
        for name, status in metrics.statuses.items():
            assert status in ("pending", "failed", whole.metrics.statuses[name])
            assert (status == "done") == (name in metrics.results)
        if failed:
            assert seen.error[1:3] == (steady(metrics.errors[0]), failed[0])
            assert metrics.value is None
            assert metrics.stop_reason == "failed"
            assert [line.split('"')[1] for line in metrics.errors] == failed
            for line, name in zip(metrics.errors, failed, strict=True):
                assert name in retried or steady(line) == lines[name]


@settings(max_examples=CASES)
@given(SEEDS, st.sampled_from(["continue", "skip"]), st.sampled_from(WAYS))
def test_a_run_in_which_nothing_fails_is_the_same_with_every_error_strategy(seed: int, strategy: str, way: Way) -> None:
    case = cases(seed, "stop", failing=False)
    lossy = case._replace(config={**case.config, "error_strategy": strategy})
    for (seen, bench), (right, calls) in zip(runs_of(lossy, way), runs_of(case, way), strict=True):
        if right.error is None:
            assert seen.facts == right.facts
            assert sorted(bench.begun()) == sorted(calls.begun())
