"""A node that returns one of several kinds of records is taken apart as it is at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import pytest

from fastdag_typed import DAG, WorkflowValidationError


class Told(TypedDict):
    p: int


@dataclass
class Made:
    p: bool
    keys: str = ""


class Listed(NamedTuple):
    p: int


def workflow() -> DAG:
    dag = DAG("d")

    @dag.node
    def read(kind: str) -> Told | Made | Listed:
        if kind == "told":
            return {"p": 1}
        return Made(p=True) if kind == "made" else Listed(3)

    @dag.node
    def add(p: int) -> int:
        return p + 1

    read >> add
    return dag


@pytest.mark.parametrize(("kind", "value"), [("told", 2), ("made", 2), ("listed", 4)])
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_field_is_read_by_key_or_as_an_attribute(kind: str, value: int, mode: str) -> None:
    assert workflow().run({"kind": kind}, mode=mode) == value


def test_a_field_may_be_named() -> None:
    dag = workflow()
    read, add = dag.nodes["read"], dag.nodes["add"]
    dag.disconnect(read, add)
    read.output("p") >> add
    assert dag.run(kind="made") == 2


def test_a_composed_function_may_take_it_either_way() -> None:
    dag = workflow()
    read, add = dag.nodes["read"], dag.nodes["add"]
    other = DAG("other")

    @other.compose
    def flow(kind: str):
        found = read(kind)
        return add(found.p), add(p=found["p"])

    assert other.run(kind="told") == (2, 2)
    assert other.run(kind="listed") == (4, 4)


def test_a_record_that_may_be_missing_is_not_taken_apart() -> None:
    dag = DAG("d")

    @dag.node
    def read(kind: str) -> Told | None:
        return {"p": 1} if kind else None

    @dag.node
    def add(p: int) -> int:
        return p + 1

    read >> add
    with pytest.raises(WorkflowValidationError, match=r'"read" returns "Told \| None", but input port "p" of "add"'):
        dag.plan()
