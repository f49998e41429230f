"""What is not kept dies after its last use: of a long chain of large values two are alive at a time."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from fastdag_codegen import load, write
from fastdag_codegen.options import Options
from tests.compiler.trials import Trial, Way

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 8 * 2**20
STEPS = 30
CHAIN = f"""\
from fastdag_typed import DAG, Node

dag = DAG("chain")


def start(size):
    return bytearray(size)


def step(value):
    copied = bytearray(value)
    copied[0] = (copied[0] + 1) % 256
    return copied


last = dag.add_node(Node(start, "start"))
for number in range({STEPS - 1}):
    last = last >> dag.add_node(Node(step, f"step_{{number}}"))
"""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_chain_that_keeps_its_last_value_takes_the_memory_of_two(level: int, folder: Path) -> None:
    last = f"step_{STEPS - 2}"
    options = Options(level, keep=(last,))  # type: ignore[arg-type]  # one of those that there are
    trial = Trial(CHAIN, {}, folder)
    place = folder / "flat_chain.py"
    write(trial.compiled(Way(options))[0], place)
    flat = load(place)
    tracemalloc.start()
    try:
        results = flat.run(size=SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        trial.end()
    assert list(results) == [last]
    assert results[last][0] == STEPS - 1
    assert peak < 2.2 * SIZE
