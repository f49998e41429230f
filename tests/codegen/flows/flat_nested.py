"""Workflows as nodes: a graph used twice, a machine, a context, metadata."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

import flat_machine

from fastdag_typed import DAG, ConditionalReturn, Context

inner = DAG("inner", metadata={"unit": "m"})


@inner.node
def scale(x: float, factor: float = 2.0) -> float:
    return x * factor


@inner.condition
def is_far(distance: float, limit: float = 100.0) -> ConditionalReturn[float]:
    return ConditionalReturn(distance > limit, distance)


@inner.node
def label(distance: float, context: Context) -> str:
    return f"{distance} {context.metadata['unit']}, {sorted(context.results)}"


scale >> is_far
is_far.on_true >> label

outer = DAG("outer")


@outer.node
def begin(number: int) -> float:
    return float(number)


near = outer.add_workflow("near", inner)
far = outer.add_workflow("far", inner)
collatz = outer.add_workflow("collatz", flat_machine.machine)


@outer.node
def whole(value: float) -> int:
    return int(value)


@outer.node
def tell(near: object, far: object, collatz: str, context: Context) -> list[object]:
    return [near, far, collatz, sorted(context.results)]


begin.connect_to(near, input_name="x")
begin >> whole
begin.connect_to(far, input_name="x")
whole.connect_to(collatz, input_name="number")
near.connect_to(tell, input_name="near")
far.connect_to(tell, input_name="far")
collatz.connect_to(tell, input_name="collatz")
