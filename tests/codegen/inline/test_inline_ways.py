"""Whatever returns, breaks and fails: a body takes the same steps as its function."""

from __future__ import annotations

import importlib
from random import Random
from types import FunctionType
from typing import TYPE_CHECKING

import pytest

from fastdag_codegen import inline
from tests.codegen.inline.flat import source
from tests.codegen.inline.ways import Maker, same_ways

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

MADE = 60
HEAD = "name = test = step = None\nError = ValueError\n\n\n"


@pytest.mark.parametrize("seed", range(5))
def test_made_up_functions_take_the_same_steps(module: Callable[..., ModuleType], seed: int) -> None:
    maker = Maker(Random(seed))  # noqa: S311 - no secret
    made = module(HEAD + "\n\n\n".join(maker.function(f"f{number}") for number in range(MADE)))
    kept = 0
    for number in range(MADE):
        func = getattr(made, f"f{number}")
        found = inline.read(func, source(func))
        if isinstance(found, inline.Body):
            kept += same_ways(func)
        else:
            assert found.rule in {"return", "depth"}, found
    assert kept > MADE / 2


@pytest.mark.parametrize("name", ["textwrap", "statistics", "shutil", "difflib", "fractions", "calendar", "string"])
def test_functions_of_the_standard_library_take_the_same_steps(name: str) -> None:
    real = importlib.import_module(name)
    for func in vars(real).values():
        if isinstance(func, FunctionType) and func.__module__ == name:
            found = inline.read(func, source(func))
            if isinstance(found, inline.Body):
                assert same_ways(func)
            else:
                assert found.rule not in {"internal", "names", "syntax", "depth"}, found
