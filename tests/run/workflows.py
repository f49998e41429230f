"""Workflows that several test files run."""

from __future__ import annotations

import asyncio

from fastdag_typed import DAG


def diamond(log: list[str]) -> DAG:
    dag = DAG("diamond")

    @dag.node
    def start(x: int) -> int:
        log.append("start")
        return x

    @dag.node
    def left(x: int) -> int:
        log.append("left")
        return x + 1

    @dag.node
    def right(x: int) -> int:
        log.append("right")
        return x * 10

    @dag.node
    def end(a: int, b: int) -> int:
        log.append("end")
        return a + b

    start >> [left, right] >> end
    return dag


def async_dag() -> DAG:
    dag = DAG("d")

    @dag.node
    async def fetch(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    @dag.node
    def after(x: int) -> int:
        return x * 2

    fetch >> after
    return dag
