"""A compiled module reads the fields of a union of records as the runner does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

from fastdag_typed import DAG, Node, Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from fastdag_typed import Workflow


class Told(TypedDict):
    p: int


@dataclass
class Made:
    p: int


def read(kind: str) -> Told | Made:
    return {"p": 1} if kind == "told" else Made(2)


def add(p: int) -> int:
    return p + 1


@pytest.mark.parametrize(("kind", "value"), [("told", 2), ("made", 3)])
def test_a_field_is_read_by_key_or_as_an_attribute(
    made: Callable[[Workflow], str], flat: Callable[[str], ModuleType], kind: str, value: Any
) -> None:
    dag = DAG("d")
    dag.chain(dag.add_node(Node(read)), dag.add_node(Node(add)))
    module: Any = flat(made(dag))
    assert module.run(kind=kind)["add"] == value
    assert Runner(dag).run({"kind": kind}).results["add"] == value
