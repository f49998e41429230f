"""Nodes that are declared pure: values that are known, computed alike, or not needed."""

from __future__ import annotations

from fastdag_typed import DAG

pure = DAG("pure")


@pure.node(pure=True)
def power(base: int, exponent: int) -> int:
    return base**exponent


@pure.node(pure=True)
def normalized(text: str) -> str:
    return text.strip().lower()


@pure.node(pure=True)
def length(text: str) -> int:
    return len(text)


@pure.node(pure=True)
def words(text: str) -> list[str]:
    return text.split()


@pure.node
def told(first: int, second: int, limit: int) -> str:
    return f"{first} {second} {limit}"


@pure.compose
def flow(text: str) -> str:
    limit = power(2, 5)
    clean = normalized(text)
    words(clean)
    return told(length(clean), length(clean), limit)
