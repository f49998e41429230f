"""A workflow that fails in a body that is inlined."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

import weakref

from fastdag_typed import DAG


class Thing:
    """A value that can be watched."""


made: list[weakref.ref[Thing]] = []
failing = DAG("failing")


@failing.node
def make() -> Thing:
    found = Thing()
    made.append(weakref.ref(found))
    return found


@failing.node
def fail(thing: Thing) -> int:
    number = len(made)
    raise ValueError(number)


make >> fail
