"""Compiled code does with functions and workflows that are made up what the interpreter does with them.

``FASTDAG_PROOF=20000`` in the environment makes a long run of it. Each case is a module made up, with inputs, that is
compared in two ways to compile and run it. They are the same cases each time, and others for each version of Python.
"""

from __future__ import annotations

import os
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.c_compiler import needs_c_compiler
from tests.compiler import wirings
from tests.compiler.reducing import reduced
from tests.compiler.trials import ALL_INLINED, AT_ONCE, NATIVE, OTHERS, Trial, Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.compiler.wirings import Made

CASES = int(os.environ.get("FASTDAG_PROOF", "320"))
SHARDS = max(4, CASES // 500)
VERSION = sys.version_info.minor
SEEDS = st.integers(0, 2**32 - 1)


def many(share: float) -> settings:
    """Take this share of the cases."""
    return settings(
        max_examples=max(1, int(CASES * share / SHARDS)),
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        phases=[Phase.generate],
    )


def ways(random: Random, made: Made) -> list[Way]:
    """Choose in which ways a module is tried."""
    others = [way for way in OTHERS if made.keeps or not way.half]
    at_once = [way for way in AT_ONCE if way.options.mode in made.modes]
    return [ALL_INLINED, random.choice(at_once if at_once and random.random() < 1 / 2 else others)]


def native(_random: Random, _made: Made) -> list[Way]:
    """Have a module built with mypyc."""
    return [NATIVE]


def holds(
    make: Callable[[Random], Made],
    seed: str,
    folder: Path,
    choose: Callable[[Random, Made], list[Way]] = ways,
) -> int:
    """Compare a module that is made up with what it is compiled to; say how often, or show a small one."""
    random = Random(seed)  # noqa: S311 - no secret
    made = make(random)
    trial = Trial(made.text, {}, folder)
    try:
        trial.inputs = wirings.inputs(random, made, trial.fresh().dag.plan())
        chosen = choose(random, made)
        found = trial.difference(chosen)
    finally:
        trial.end()
    if found:
        small = reduced(made.text, lambda text: bool(difference(text, trial.inputs, chosen, folder)))
        shown = difference(small, trial.inputs, chosen, folder)
        pytest.fail(f"{shown}\nof\n{small}\nwith {trial.inputs}\n\nfirst seen as\n{found}\nof\n{made.text}")
    return trial.compared


def difference(text: str, inputs: dict[str, str], chosen: list[Way], folder: Path) -> str:
    """Say how a smaller module differs; nothing if it is none."""
    trial = Trial(text, inputs, folder)
    try:
        names = {entry.name for entry in trial.fresh().dag.plan().inputs}
        trial.inputs = {name: value for name, value in inputs.items() if name in names}
        return trial.difference(chosen)
    except Exception:  # noqa: BLE001 - whatever a module that was cut down does
        return ""
    finally:
        trial.end()


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Count cases and comparisons for the summary."""
    counts = {"cases": 0, "comparisons": 0}
    record_property("compared", counts)

    def add(comparisons: int) -> None:
        counts["cases"] += 1
        counts["comparisons"] += comparisons

    return add


@pytest.mark.parametrize("shard", range(SHARDS))
@many(3 / 4)
@given(seed=SEEDS)
def test_a_compiled_graph_does_what_the_graph_does(
    seed: int, shard: int, folder: Path, count: Callable[[int], None]
) -> None:
    count(holds(wirings.graph, f"{VERSION}-{shard}-{seed}", folder))


@pytest.mark.parametrize("shard", range(SHARDS))
@many(1 / 4)
@given(seed=SEEDS)
def test_a_compiled_machine_does_what_the_machine_does(
    seed: int, shard: int, folder: Path, count: Callable[[int], None]
) -> None:
    count(holds(wirings.machine, f"{VERSION}-{shard}-{seed}", folder))


@needs_c_compiler
@pytest.mark.parametrize("shard", range(SHARDS))
@many(1 / 20)
@given(seed=SEEDS)
def test_native_code_does_what_the_workflow_does(
    seed: int, shard: int, folder: Path, count: Callable[[int], None]
) -> None:
    make = wirings.machine if seed % 5 == 0 else wirings.graph
    count(holds(make, f"{VERSION}-{shard}-{seed}", folder, native))
