"""Workflows within compiled workflows know the runs around them."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, get_args

import pytest

from fastdag_codegen.options import Level, Mode, Options
from fastdag_typed import Runner

TARGET = "flat_around:outer"


@pytest.mark.parametrize("level", get_args(Level))
@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_workflow_within_another_sees_the_results_around_it(flat: Any, level: Level, mode: Mode) -> None:
    workflow = import_module("flat_around").outer
    expected = Runner(workflow).run({"x": 1}).results
    _, seen = expected["end"]
    assert seen == [{"at": "outer", "aside": 0, "first": 2, "way": expected["way"]}]
    assert expected["way"] == [{"at": "middle", "double": 4}, {"at": "outer", "aside": 0, "first": 2}]
    module = flat(TARGET, Options(level, mode))
    assert module.run(1) == expected
    assert Runner(module).run({"x": 1}).results == expected
    made = workflow.compile(level=level, mode=mode)
    assert made(x=1) == expected
    assert asyncio.run(made.run_async(x=1)) == expected


def test_what_is_seen_from_within_is_not_dropped(flat: Any) -> None:
    module = flat(TARGET, Options(2, keep=("end",)))
    assert module.run(1) == {"end": Runner(import_module("flat_around").outer).run({"x": 1}).results["end"]}
