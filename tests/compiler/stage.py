"""What the functions that tests make up play with: a log, objects that say when they go, context managers."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

T = TypeVar("T")

LOG: list[str] = []
LONGEST = 5000
ADDRESS = re.compile(r" at 0x[0-9a-f]+", re.IGNORECASE)
"""Where something happens to lie in memory."""


def enter(text: str) -> None:
    """Enter a text into the log."""
    LOG.append(ADDRESS.sub("", text))


def note(value: T) -> T:
    """Enter a value into the log, and give it back."""
    if len(LOG) > LONGEST:
        raise RuntimeError("the log is full")
    enter(repr(value))
    return value


def plus(a: Any, b: Any = 1) -> Any:
    """Add; its parameters are named as variables often are."""
    return a + b


class Oops(Exception):  # noqa: N818 - short, because it stands in many made-up lines
    """An error of the users' own."""


class Thing:
    """A value that can be changed, and that enters its end into the log."""

    __match_args__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    @recursive_repr()
    def __repr__(self) -> str:
        return f"Thing({self.value!r})"

    def __del__(self) -> None:
        enter(f"gone {self.value!r}")

    def __enter__(self) -> Self:
        enter(f"enter {self.value!r}")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool | None:
        enter(f"exit {self.value!r} {kind and kind.__name__}")
        return None

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> bool | None:
        await asyncio.sleep(0)
        return self.__exit__(kind)


class Quiet(Thing):
    """A manager that lets no error through."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        enter(f"quiet {kind and kind.__name__}")
        return True


@contextmanager
def managed(value: T) -> Generator[T]:
    """Enter begin and end of a block into the log."""
    enter(f"begin {value!r}")
    try:
        yield value
    except KeyError as error:
        raise Oops("managed") from error
    finally:
        enter("end")


async def later(value: T) -> T:
    """Give a value when the others have had their turn."""
    await asyncio.sleep(0)
    return value


async def ticks(count: int) -> AsyncIterator[int]:
    """Count a few times, with a pause before each."""
    for number in range(count % 4):
        await asyncio.sleep(0)
        yield number
