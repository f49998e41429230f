"""Values by their content: a digest that tells them apart, and copies that stay as they were."""

from __future__ import annotations

import copy
import pickle
from copyreg import dispatch_table
from functools import partial
from hashlib import blake2b
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from ..returns import ConditionalReturn, FSMReturn, SelectReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PLAIN: Final = frozenset((type(None), bool, int, float, complex, str, bytes, type(...)))
"""Types whose values never change and are told apart by their ``repr``, also from those of the other types."""


class Unkeyed(TypeError):  # noqa: N818 - no failure: such a value is only not compared
    """A value has no content that could be compared; the message says why."""


class Digest:
    """Digests values by content, so that different values never have the same digest.

    Type counts (``1``, ``True`` and ``1.0`` differ), and so does the order of a dict, which a function can see; that of
    a set does not. Other objects are what their ``__reduce_ex__`` says, as for pickle. Classes, and functions without
    variables of their own, are themselves; ``held`` keeps these alive, for they are told apart by their addresses.
    """

    def __init__(self) -> None:
        self.held: list[object] = []
        self._known: dict[int, bytes | None] = {}
        self._kept: list[object] = []  # an address is that of one object only as long as it lives

    def of(self, value: Any) -> bytes:
        """Digest a value.

        Raises:
            Unkeyed: it has no content of its own, or contains itself.

        """
        kind = type(value)
        if kind in _PLAIN:
            return kind.__name__.encode() + b":" + _written(kind, value)
        address = id(value)
        if address not in self._known:
            self._known[address] = None
            self._kept.append(value)
            self._known[address] = self._content(kind, value)
        known = self._known[address]
        if known is None:
            raise Unkeyed(f"a {kind.__name__} contains itself")
        return known

    def _content(self, kind: type, value: Any) -> bytes:
        if kind is list or kind is tuple:
            return _flat(kind, value) or _joined(kind.__name__, map(self.of, value))
        if kind is dict:
            flat = _flat(kind, (*value, *value.values()))
            return flat or _joined("dict", [self.of(part) for item in value.items() for part in item])
        if kind is set or kind is frozenset:
            return _joined(kind.__name__, sorted(map(self.of, value)))
        if kind is bytearray:
            return _joined("bytearray", [bytes(value)])
        if isinstance(value, type) or kind is object:
            return self._itself(value)
        if isinstance(value, FunctionType):
            if value.__closure__ or value.__dict__:
                raise Unkeyed(f"function {value.__qualname__} uses variables around it, which may change")
            return self._itself(value)
        return self._reduced(kind, value)

    def _itself(self, value: object) -> bytes:
        self.held.append(value)
        return _joined("itself", [str(id(value)).encode()])

    def _reduced(self, kind: type, value: Any) -> bytes:
        reduce = dispatch_table.get(kind)
        try:
            parts: Any = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception as error:
            raise Unkeyed(f"a {kind.__name__} has no content that can be compared: {error}") from error
        if isinstance(parts, str):  # the name of a global: there is only one such object
            return self._itself(value)
        made, args, *further = parts
        state, items, pairs = (*further, None, None, None)[:3]
        contents = [None if some is None else list(some) for some in (items, pairs)]
        return _joined("object", [self.of(part) for part in (kind, made, args, state, *contents)])


def _written(kind: type, value: Any) -> bytes:
    if kind is bytes:
        return bytes(value)
    return (hex(value) if kind is int else repr(value)).encode()


def _flat(kind: type, parts: Sequence[Any]) -> bytes | None:
    """Digest many plain values at once, which is many times faster; ``None`` if there are others among them."""
    if not _PLAIN.issuperset(map(type, parts)):
        return None
    try:
        return _joined(f"{kind.__name__} of plain", [repr(parts).encode()])
    except ValueError:  # an int of more digits than Python writes
        return None


def _joined(tag: str, parts: Iterable[bytes]) -> bytes:
    digest = blake2b(tag.encode(), digest_size=32)
    for part in parts:
        digest.update(b":%d:" % len(part))
        digest.update(part)
    return b"\0" + digest.digest()


def snapshot(value: Any) -> Callable[[], Any]:
    """Keep a value as it is now; each call of what is given gives a copy of it.

    By pickle, which is fast, else by ``copy.deepcopy``, for classes that are defined inside of functions.

    Raises:
        TypeError: it cannot be copied.

    """
    if isinstance(value, ConditionalReturn | SelectReturn | FSMReturn):
        chosen, inner = copy.copy(value), snapshot(value.value)
        return lambda: _steering(chosen, inner())
    if type(value) in _PLAIN or isinstance(value, type) or type(value) is object:
        return lambda: value
    try:
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        pickle.loads(data)  # noqa: S301 - written just now; some values can be written and not be read
    except Exception:  # noqa: BLE001 - what pickle raises depends on the value
        try:
            kept = copy.deepcopy(value)
        except Exception as error:
            raise TypeError(f"a {type(value).__name__} cannot be copied: {error}") from error
        return partial(copy.deepcopy, kept)
    return partial(pickle.loads, data)


def _steering(value: Any, inner: Any) -> Any:
    twin = copy.copy(value)  # the nodes that it names stay those that they are
    twin.value = inner
    return twin
