"""Keeping what a node's calls gave, for calls with the same arguments."""

from __future__ import annotations

from math import inf
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from cachetools import LRUCache, TTLCache

from ..diagnostic import did_you_mean
from ..exceptions import CacheError
from ..step import Layer, drive
from .arguments import Arguments
from .callbacks import settled
from .content import Digest, Unkeyed, snapshot
from .flights import Flight

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..node import Node
    from ..step import Call, Emit, Step

Key = tuple[int, tuple[tuple[str, bytes], ...]]
"""The address of the function, and for each argument its name and the digest of its content."""


class CacheStats(NamedTuple):
    """How many calls were given a kept value, how many were made, and how many of these gave nothing to be kept."""

    hits: int
    misses: int
    unkept: int
    size: int


class _Kept(NamedTuple):
    copy: Callable[[], Any]
    since: float
    held: list[object]
    """What must not go, or its address could become that of something else while the key tells it apart by it."""


class _Ticket(NamedTuple):
    """The right to make a call for all who want it."""

    step: Step
    key: Key
    held: list[object]
    flight: Flight[_Kept]


class _Values(TTLCache[Key, _Kept]):
    """The values, and why others are gone."""

    def __init__(self, size: int, ttl: float | None, clock: Callable[[], float]) -> None:
        super().__init__(size, inf if ttl is None else ttl, clock)
        self.gone: LRUCache[Key, str] = LRUCache(size)

    def expire(self, time: float | None = None) -> list[tuple[Key, _Kept]]:
        """Remove what is too old."""
        expired = list(super().expire(time))
        for key, _ in expired:
            self.gone[key] = f"what was kept of it is older than {self.ttl:g} s"
        return expired

    def popitem(self) -> tuple[Key, _Kept]:
        """Remove what was not asked for longest."""
        key, kept = super().popitem()
        self.gone[key] = f"what was kept of it had to make room for others (max_size={self.maxsize:g})"
        return key, kept

    def keep(self, key: Key, kept: _Kept) -> None:
        """Enter a value."""
        self.gone.pop(key, None)
        self[key] = kept


class Cache:
    """Keeps what calls of nodes gave; a call with the same arguments is given it again, and is not made.

    Arguments are the same if their content is, type and order included (see ``Digest``). A call with an argument that
    has no content of its own is made and not kept; that is logged once for each node, and ``why`` tells it. Nodes may
    share a cache: the function counts, too. What it reads besides its arguments does not.

    Of calls at the same time one is made, and the others wait for it; if it fails, the next one is made. Errors are not
    kept. Who calls is given what the function gave, and later callers a copy of it as it was then: what one of them
    changes, no other sees. What cannot be copied is not kept.

    Args:
        ttl: how long a value is kept, in seconds; ``None``: for ever.
        max_size: how many values are kept; the one not asked for longest goes first.
        key: called with the arguments of a call (sync or async), gives what they are to be told apart by.
        copy: ``False``: all callers are given the same object; for what nobody changes, or cannot be copied.
        clock: tells the time in seconds.

    Raises:
        ValueError: ``ttl`` or ``max_size`` is not more than 0.

    """

    layer: Layer = Layer.CACHE

    def __init__(
        self,
        ttl: float | None = 3600.0,
        max_size: int = 1024,
        *,
        key: Callable[..., Any] | None = None,
        copy: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        for name, number in (("ttl", ttl), ("max_size", max_size)):
            if number is not None and not number > 0:
                raise ValueError(f"{name} is more than 0, not {number!r}")
        self.ttl = ttl
        self.max_size = max_size
        self.key = key
        self.copy = copy
        self._clock = clock
        self._values = _Values(max_size, ttl, clock)
        self._flights: dict[Key, Flight[_Kept]] = {}
        self._looks: WeakKeyDictionary[Node[..., Any], tuple[Key | None, str]] = WeakKeyDictionary()
        self._told: WeakSet[Node[..., Any]] = WeakSet()
        # Reentrant: the garbage collector may close the coroutine of a call, which ends its flight, in the midst of it.
        self._lock = RLock()
        self._hits = self._misses = self._unkept = 0

    def __repr__(self) -> str:
        """Render with its limits."""
        return f"Cache(ttl={self.ttl}, max_size={self.max_size})"

    @property
    def stats(self) -> CacheStats:
        """How often the cache was of use."""
        with self._lock:
            self._values.expire()
            return CacheStats(self._hits, self._misses, self._unkept, len(self._values))

    def why(self, node: Node[..., Any] | str) -> str:
        """Say why the last call of a node was made or not: a line that begins with ``hit``, ``miss`` or ``unkept``.

        Raises:
            KeyError: the node has not been called with this cache.

        """
        with self._lock:
            reasons = {known: reason for known, (_, reason) in self._looks.items()}
        found = next((reason for known, reason in reasons.items() if node in (known, known.name)), None)
        if found is None:
            name = node if isinstance(node, str) else node.name
            hint = did_you_mean(name, {known.name for known in reasons}, what="nodes")
            raise KeyError(f'Node "{name}" was not called with this cache ({hint})')
        return found

    def clear(self) -> None:
        """Forget all values, also of calls that are under way; the counts stay."""
        with self._lock:
            self._values.clear()
            self._values.gone.clear()
            self._flights.clear()
            self._looks.clear()

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Look for a kept value before the call.

        Raises:
            CacheError: the node takes the context, and no ``key`` says what of it counts.

        """
        context = step.node.signature.context
        if context is not None and self.key is None:
            place = f" ({step.node.where})" if step.node.where else ""
            raise CacheError(
                f'Node "{step.name}"{place} takes the context, which is never the same, so that nothing kept would '
                f"be found again (say what its calls are to be told apart by: Cache(key=lambda {context}, ...: ...); "
                "or make what it reads from the context an input)",
                node_name=step.name,
            )
        arguments = Arguments(step.node.signature)

        def run(*args: Any, **kwargs: Any) -> Any:
            found = drive(self._look(step, arguments, args, kwargs))
            if isinstance(found, _Kept):
                return found.copy()
            try:
                value = call(*args, **kwargs)
            except BaseException:
                self._land(found)
                raise
            self._keep(found, value)
            return value

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            found = await self._look(step, arguments, args, kwargs)
            if isinstance(found, _Kept):
                return found.copy()
            try:
                value = await call(*args, **kwargs)
            except BaseException:
                self._land(found)
                raise
            self._keep(found, value)
            return value

        return run_async if step.is_async else run

    async def _look(
        self, step: Step, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Kept | _Ticket | None:
        """Give the value of a call, or a ticket to make it, or nothing if what it gives cannot be kept."""
        try:
            key, held = await self._key(step, arguments, args, kwargs)
        except Unkeyed as reason:
            with self._lock:
                self._misses += 1
            self._leave_unkept(step, None, str(reason))
            return None
        while True:
            with self._lock:
                self._values.expire()
                kept = self._values.get(key)
                if kept is not None:
                    return self._hit(step, key, kept, f"hit: made {self._clock() - kept.since:.3g} s ago")
                flight = self._flights.get(key)
                if flight is None or flight.stands_still(step):
                    return self._miss(step, key, held)
            kept = await flight.wait(step)
            if kept is not None:
                with self._lock:
                    return self._hit(step, key, kept, "hit: it was just being made")

    async def _key(
        self, step: Step, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Key, list[object]]:
        if self.key is None:
            named = arguments.named(args, kwargs)
        else:
            named = {"key": await settled(step, self.key(*args, **kwargs))}
        digest = Digest()
        parts: list[tuple[str, bytes]] = []
        for name in sorted(named):
            try:
                parts.append((name, digest.of(named[name])))
            except (Unkeyed, RecursionError) as error:
                raise Unkeyed(f"{_titled(name, self)} cannot be compared: {error}") from None
        digest.held.append(step.func)
        return (id(step.func), tuple(parts)), digest.held

    def _hit(self, step: Step, key: Key, kept: _Kept, reason: str) -> _Kept:
        self._hits += 1
        self._looks[step.node] = key, reason
        return kept

    def _miss(self, step: Step, key: Key, held: list[object]) -> _Ticket:
        self._misses += 1
        last, _ = self._looks.get(step.node, (None, ""))
        self._looks[step.node] = key, f"miss: {self._values.gone.get(key) or self._compared(key, last)}"
        flight = self._flights[key] = Flight(step)
        return _Ticket(step, key, held, flight)

    def _compared(self, key: Key, last: Key | None) -> str:
        if last is None:
            return "there is no earlier call to compare with"
        if last == key:
            return "the last call with these arguments left nothing"
        before = dict(last[1])
        changed = [_titled(name, self) for name, digest in key[1] if before.get(name) != digest]
        return f"no call with these arguments is known; since the last call {', '.join(changed)} changed"

    def _keep(self, ticket: _Ticket | None, value: Any) -> None:
        if ticket is None:
            return
        kept: _Kept | None = None
        try:
            kept = _Kept(snapshot(value) if self.copy else lambda: value, self._clock(), ticket.held)
        except TypeError as error:
            self._leave_unkept(
                ticket.step, ticket.key, f"its value cannot be kept: {error} (Cache(copy=False) shares it)"
            )
        finally:
            self._land(ticket, kept)

    def _land(self, ticket: _Ticket | None, kept: _Kept | None = None) -> None:
        if ticket is None:
            return
        with self._lock:
            if self._flights.get(ticket.key) is ticket.flight:  # else cleared since
                del self._flights[ticket.key]
                if kept is not None:
                    self._values.keep(ticket.key, kept)
        ticket.flight.land(kept)

    def _leave_unkept(self, step: Step, key: Key | None, reason: str) -> None:
        with self._lock:
            self._unkept += 1
            told = step.node in self._told
            self._told.add(step.node)
            self._looks[step.node] = key, f"unkept: {reason}"
        if not told:
            from logging import getLogger

            getLogger("fastdag_typed").warning('A call of node "%s" is not cached: %s', step.name, reason)


def _titled(name: str, cache: Cache) -> str:
    return f'argument "{name}"' if cache.key is None else "the key"
