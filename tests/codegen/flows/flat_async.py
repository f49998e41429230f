"""Async nodes, among them a condition and a nested workflow."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

import asyncio

from fastdag_typed import DAG, ConditionalReturn

pages = DAG("pages")


@pages.node
async def parse(text: str) -> list[str]:
    await asyncio.sleep(0)
    return text.split()


@pages.node
def count(words: list[str]) -> int:
    return len(words)


parse >> count

site = DAG("site")


@site.node
async def fetch(url: str) -> str:
    await asyncio.sleep(0)
    return f"page at {url}"


@site.condition
async def is_long(text: str) -> ConditionalReturn[str]:
    await asyncio.sleep(0)
    return ConditionalReturn(len(text) > 12)


words = site.add_workflow("words", pages)

fetch >> is_long
is_long.on_true >> words
