"""Functions to inline: a module of them that can be imported, made of text."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Write a module and import it."""
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def write(text: str, name: str = "") -> ModuleType:
        name = name or f"inlined_{tmp_path.name}_{len(made)}"
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        made.append(name)
        invalidate_caches()
        return import_module(name)

    yield write
    for name in made:
        sys.modules.pop(name, None)
