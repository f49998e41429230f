"""Values on their way to a node: their size, their types, their text."""

from __future__ import annotations

import copy
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, get_args

from ..checks import arguments_of, checker, short
from ..checks.violations import of_edge, of_input
from ..exceptions import SecurityError
from ..step import Layer
from ..wiring import place_of
from .policy import Code, SecurityPolicy

if TYPE_CHECKING:
    from ..edge import Edge
    from ..ports import Port
    from ..step import Call, Emit, Step
    from ..unit import Unit


class InputValidator:
    """Holds what comes to a node against a ``SecurityPolicy`` and the types of its ports, and cleans its text.

    It is called directly, or put among the policies of a node or a runner. Text loses its null bytes, and is cut where
    it is longer than the policy allows, with a warning in the log; so is text inside of lists, tuples, sets,
    dictionaries and dataclasses, of which the node then gets a copy. Text is never refused for what it says, unless the
    port is marked as ``Code``.
    """

    def __init__(self, policy: SecurityPolicy | None = None) -> None:
        self.policy = policy or SecurityPolicy()

    def validate_node_input(self, node: Unit, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Check inputs by name, and give them cleaned.

        Raises:
            SecurityError: one is too large, or is a path or code that the policy does not allow.
            PortTypeError: one is not of the type of its port.

        """
        return {name: self._validated(node, _port(node, name), name, value, None) for name, value in inputs.items()}

    @property
    def layer(self) -> Layer:
        """Outside of retries: what is wrong with a value stays wrong."""
        return Layer.VALIDATE

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Have every argument of a step's call checked and cleaned."""
        rows = arguments_of(step)
        if not rows:
            return call

        def cleaned(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
            given = list(args)
            for key, port, edge in rows:
                if isinstance(key, int):
                    given[key] = self._validated(step.node, port, port.name, given[key], edge)
                else:
                    kwargs[key] = self._validated(step.node, port, key, kwargs[key], edge)
            return given

        def checked(*args: Any, **kwargs: Any) -> Any:
            return call(*cleaned(args, kwargs), **kwargs)

        async def checked_later(*args: Any, **kwargs: Any) -> Any:
            return await call(*cleaned(args, kwargs), **kwargs)

        return checked_later if step.is_async else checked

    def _validated(self, node: Unit, port: Port | None, name: str, value: Any, edge: Edge | None) -> Any:
        dirty = self._survey(node, name, value)
        if port is not None and value is not port.default:
            found = checker(port.type).find(value)
            if found is not None and edge is None:
                raise of_input(name, node, port, value, found)
            if found is not None and edge is not None and not (node.node_type == "any" and value is None):
                raise of_edge(node, port, value, found, edge.source.name, edge.source.where)
        if dirty:
            value = _rebuilt(value, self._clean, {})
        if port is not None and _is_code(port.type):
            for text in _parts(value):
                self._refuse(node, name, text, self.policy.refuses_code(text) if isinstance(text, str) else None)
        return value

    def _survey(self, node: Unit, name: str, value: Any) -> bool:
        """Look at all parts of a value; tell whether there is text to be cleaned."""
        policy, size, dirty = self.policy, 0, False
        for part in _parts(value):
            size += _size(part)
            if size > policy.max_input_size_bytes:
                why = f"is larger than the {policy.max_input_size_bytes} bytes that the policy allows"
                self._refuse(node, name, value, why)
            if isinstance(part, str):
                dirty = dirty or len(part) > policy.max_string_length or "\0" in part
            elif isinstance(part, PurePath):
                self._refuse(node, name, part, policy.refuses_path(part))
        return dirty

    def _refuse(self, node: Unit, name: str, value: Any, why: str | None) -> None:
        if why is not None:
            message = f'Input "{name}" of node "{node.name}" {why}: {short(value)}'
            raise SecurityError(message, node_name=node.name, port=name, where=node.where)

    def _clean(self, text: str) -> str:
        limit = self.policy.max_string_length
        if len(text) > limit:
            from logging import getLogger

            getLogger("fastdag_typed").warning("Text of %d characters is cut to %d", len(text), limit)
        return text[:limit].replace("\0", "")


def size_of(value: Any) -> int:
    """Measure a value together with all that it contains, each part once, in bytes."""
    return sum(map(_size, _parts(value)))


def _size(value: Any) -> int:
    """Measure a value alone; an array may not count what it shows of another."""
    own, shown = sys.getsizeof(value, 64), getattr(value, "nbytes", 0)
    return max(own, shown) if isinstance(shown, int) else own


def _parts(value: Any) -> Iterator[Any]:
    """Give a value and all that it contains, each once, however deep or round it is."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, Mapping):
            todo.extend(part.keys())
            todo.extend(part.values())
        elif isinstance(part, _COLLECTIONS):
            todo.extend(part)
        elif not isinstance(part, _CLOSED):
            todo.extend(_attributes(part))


_COLLECTIONS: Final = (list, tuple, set, frozenset, deque)
_CLOSED: Final = (str, bytes, bytearray, int, float, complex, type(None), type, ModuleType, FunctionType)
"""What contains nothing, or what contains the whole program."""


def _attributes(value: Any) -> Iterable[Any]:
    yield from getattr(value, "__dict__", {}).values()
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield getattr(value, name)


def _rebuilt(value: Any, clean: Callable[[str], str], done: dict[int, Any]) -> Any:
    """Copy a value with its text cleaned; ``done`` are the copies of what can contain itself."""
    if id(value) in done:
        return done[id(value)]
    kind = type(value)
    if kind is str:
        return clean(value)
    if kind is list:
        items = done[id(value)] = []
        items.extend(_rebuilt(one, clean, done) for one in value)
        return items
    if kind is dict:
        table = done[id(value)] = {}
        for key, one in value.items():
            table[_rebuilt(key, clean, done)] = _rebuilt(one, clean, done)
        return table
    if kind in (tuple, set, frozenset) or hasattr(kind, "_make"):
        return getattr(kind, "_make", kind)(_rebuilt(one, clean, done) for one in value)
    if is_dataclass(kind):
        twin = done[id(value)] = copy.copy(value)
        for field in fields(kind):
            if hasattr(value, field.name):
                object.__setattr__(twin, field.name, _rebuilt(getattr(value, field.name), clean, done))
        return twin
    return value


def _is_code(hint: Any) -> bool:
    """Tell whether a type, or a part of it, is marked as code."""
    notes = getattr(hint, "__metadata__", ())
    if any(note is Code or isinstance(note, Code) for note in notes):
        return True
    return any(map(_is_code, get_args(hint))) if not notes else _is_code(hint.__origin__)


def _port(node: Unit, name: str) -> Port | None:
    """Find the port that takes an input of a name."""
    kind = "args" if place_of(name) is not None else "kwargs"
    ports = node.ports
    named = next((port for port in ports if port.name == name and not port.variadic), None)
    return named or next((port for port in ports if port.kind == kind), None)
