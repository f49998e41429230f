"""Inlines one function into a function of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdag_codegen import inline
from fastdag_codegen.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Names:
    """The names of a module that one body is written into."""

    def __init__(self, *, late_globals: bool = False) -> None:
        self.late_globals = late_globals
        self.values: dict[str, Any] = {"Any": Any, "after": bool}
        self.bindings: list[str] = []
        self._taken: set[str] = set()

    def local(self, wish: str) -> str:
        return self._take(f"node_{wish}")

    def module(self, name: str) -> str:
        alias = f"_{name.replace('.', '_')}"
        self.values[alias] = sys.modules[name]
        return alias

    def home(self, module: str, name: str) -> str:
        self.values[f"_home_{name}"] = getattr(sys.modules[module], name)
        return f"_home_{name}"

    def bound(self, wish: str, expression: str, value: Any) -> str:
        assert eval(expression, self.values) is value  # noqa: S307 - the text is our own
        self.bindings.append(expression)
        name = self._take(f"_bound_{wish}")
        self.values[name] = value
        return name

    def _take(self, wish: str) -> str:
        name, number = wish, 0
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name


class Flat(NamedTuple):
    """A function with the body of another one in it."""

    call: Callable[..., Any]
    text: str
    body: inline.Body
    inlined: inline.Inlined
    names: Names


def source(func: Any) -> Source:
    module = sys.modules[func.__module__]
    return Source(module.__name__, str(module.__file__))


def body(func: Any) -> inline.Body:
    found = inline.read(func, source(func))
    assert isinstance(found, inline.Body), found
    return found


def refusal(func: Any) -> inline.Refusal:
    found = inline.read(func, source(func))
    assert isinstance(found, inline.Refusal), f"{func} is inlined"
    return found


def inlined(func: Any, given: Mapping[str, str] | None = None, *, late_globals: bool = False) -> Flat:
    """Write ``flat(arg_x, arg_y, ...)``, with the body of the function in it.

    Args:
        func: the function.
        given: expressions of the arguments; without, each parameter has a variable.
        late_globals: see ``inline.Names``.
    """
    found = body(func)
    names = Names(late_globals=late_globals)
    given = {name: f"arg_{name}" for name in found.parameters} if given is None else given
    written = found.write(names, given, lambda one: [f"returned = {one.text}"])
    word = "async def" if found.is_async else "def"
    lines = [f"    {line.text}" for line in written.lines]
    parameters = ", ".join(f"arg_{name}=None" for name in found.parameters)
    text = "\n".join([f"{word} flat({parameters}):", *lines, "    after()", "    return returned", ""])
    exec(compile(text, "<flat>", "exec", dont_inherit=True), names.values)  # noqa: S102 - the text is our own
    return Flat(names.values["flat"], text, found, written, names)
