"""How much memory nodes need, and waiting until it is there."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from ..exceptions import MemoryLimitError
from ..step import Layer, running
from .admission import Turn, Turns
from .gauge import ProcessGauge, growth

if TYPE_CHECKING:
    from contextvars import Token

    from ..exceptions import NodeTimeoutError
    from ..node import Node
    from ..step import Call, Emit, Step
    from .gauge import Gauge, Usage


@dataclass(frozen=True)
class Memory:
    """Declare how many mebibytes a call of the node needs while it runs; a ``ResourceManager`` obeys.

    Raises:
        ValueError: it is less than nothing.

    """

    megabytes: float

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        return Layer.ADMIT

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.megabytes >= 0:
            raise ValueError(f"a node needs 0 megabytes or more, not {self.megabytes!r}")

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Change nothing: this only declares."""
        return call


class ResourceManager:
    """Lets nodes begin only when the memory that they need is free; may be shared by several runners.

    As a policy (``Runner(wf, policies=[ResourceManager(4096)])``) it makes each call wait for its turn. Turns come in
    the order of asking, so one that needs much is not passed for ever by those that need little. What a call needs is
    what its node declares with ``Memory``; else what calls of the node took before; else ``default_mb``. Only what is
    declared can be too much: a guess is cut to the limit, so that such a node runs alone.

    What calls took is how much the process, and the workers for calls that are made there, grew while they ran. It is
    exact for a call that ran alone, and from then on only such calls count; for one in company it is what all of them
    took together, which is rather too much. Looking takes about 0.2 ms a call, and is left out for what is declared.

    A call also waits while others run and the machine has less free than it needs: so what was declared too low is
    noticed, though late. It is looked at when a call asks and when one ends. If none of ours runs, a call begins
    whatever is free, for nothing would ever wake it. What results keep after their call is not in the account.

    A call inside of one that was let in (a workflow in a node) asks for nothing: the outer one declares for both. A
    sync node on the thread of an event loop cannot wait without stopping those that it waits for: it begins beyond the
    limit, and that is logged.

    Args:
        memory_limit_mb: what all calls together may need, in mebibytes; ``None``: everything fits.
        default_mb: what a call needs of which nothing is known.
        gauge: tells what is free and used, by default psutil.

    Raises:
        ValueError: the limit is not more than 0.

    """

    layer: Layer = Layer.ADMIT

    def __init__(
        self, memory_limit_mb: int | None = None, *, default_mb: int = 100, gauge: Gauge | None = None
    ) -> None:
        if memory_limit_mb is not None and not memory_limit_mb > 0:
            raise ValueError(f"memory_limit_mb is more than 0, not {memory_limit_mb!r}")
        self.memory_limit_mb = memory_limit_mb
        self.default_mb = default_mb
        self._gauge = ProcessGauge() if gauge is None and memory_limit_mb is not None else gauge
        self.turns: Turns[_Call] = Turns(self._fits)
        self._measured: WeakKeyDictionary[Node[..., Any], tuple[int, bool]] = WeakKeyDictionary()

    def __repr__(self) -> str:
        """Render with what is used."""
        limit = "any" if self.memory_limit_mb is None else self.memory_limit_mb
        return f"<ResourceManager {self.current_memory_usage} of {limit} MB>"

    @property
    def current_memory_usage(self) -> int:
        """Mebibytes that the calls under way need together."""
        return self.turns.total

    @property
    def node_memory_usage(self) -> dict[str, int]:
        """Mebibytes that the calls under way of each node need together."""
        found: dict[str, int] = {}
        for call in self._calls():
            found[call.node.name] = found.get(call.node.name, 0) + call.amount
        return found

    def need(self, node: Node[..., Any], estimated_memory_mb: float | None = None) -> int:
        """Tell how many mebibytes a call of a node is taken to need: what is estimated here, else as above.

        Raises:
            MemoryLimitError: more than the limit.

        """
        declared = _declared(node)
        limit = self.memory_limit_mb
        if estimated_memory_mb is None and not declared:
            guess, _ = self._measured.get(node, (self.default_mb, False))
            return guess if limit is None else min(guess, limit)
        needed = ceil(max(declared) if estimated_memory_mb is None else Memory(estimated_memory_mb).megabytes)
        if limit is not None and needed > limit:
            raise MemoryLimitError(node, needed, limit)
        return needed

    async def acquire_resources(self, node: Node[..., Any], estimated_memory_mb: float | None = None) -> bool:
        """Wait until what a node needs fits, and take it until ``release_resources``; always give ``True``.

        Raises:
            MemoryLimitError: it can never fit.

        """
        await self.turns.enter_async(_Call(self, node, self.need(node, estimated_memory_mb), by_hand=True))
        return True

    async def release_resources(self, node: Node[..., Any]) -> None:
        """Give back what was last taken for a node; as ``release``."""
        self.release(node)

    def acquire(self, node: Node[..., Any], estimated_memory_mb: float | None = None) -> bool:
        """Do as ``acquire_resources``, in a thread.

        Raises:
            MemoryLimitError: it can never fit.
            RuntimeError: it does not fit now, and this thread runs an event loop, which must not wait.

        """
        if not self.turns.enter(_Call(self, node, self.need(node, estimated_memory_mb), by_hand=True)):
            raise RuntimeError(f'memory for "{node.name}" in an event loop: await acquire_resources(...) instead')
        return True

    def release(self, node: Node[..., Any]) -> None:
        """Give back what was last taken for a node by ``acquire`` or ``acquire_resources``.

        Raises:
            ValueError: nothing was.

        """
        found = next((call for call in reversed(self._calls()) if call.by_hand and call.node is node), None)
        if found is None:
            raise ValueError(f'Node "{node.name}" gives back memory, but none was acquired for it')
        self.turns.leave(found)

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Make the call wait until what it needs fits.

        Raises:
            MemoryLimitError: it can never fit; no node has run.

        """
        if self.memory_limit_mb is None:
            return call
        from .place import Placed

        node, elsewhere = step.node, isinstance(call, Placed)
        self.need(node)

        def run(*args: Any, **kwargs: Any) -> Any:
            if self in _within.get():
                return call(*args, **kwargs)
            with _Call(self, node, self.need(node), elsewhere=elsewhere):
                return call(*args, **kwargs)

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            if self in _within.get():
                return await call(*args, **kwargs)
            async with _Call(self, node, self.need(node), elsewhere=elsewhere):
                return await call(*args, **kwargs)

        return run_async if step.is_async else run

    def _calls(self) -> list[_Call]:
        return list(self.turns.held)

    def _fits(self, megabytes: int) -> bool:
        limit, gauge = self.memory_limit_mb, self._gauge
        if limit is None or gauge is None:
            return True
        return self.turns.total + megabytes <= limit and megabytes <= gauge.available()

    def used(self, node: Node[..., Any], *, elsewhere: bool) -> Usage | None:
        """Look how much there is in use, if what a node's call takes is to be found out."""
        gauge = self._gauge
        if gauge is None or _declared(node):
            return None
        scope = running.get() if elsewhere else None
        return gauge.used(scope.workers.pids if scope is not None else ())

    def note(self, node: Node[..., Any], taken: int, *, alone: bool) -> None:
        """Remember what a call took: the most of those that ran alone, before there is one the most of all."""
        known, exact = self._measured.get(node, (0, False))
        if alone or not exact:
            self._measured[node] = max(taken, known) if exact == alone else taken, alone


def _declared(node: Node[..., Any]) -> list[float]:
    return [policy.megabytes for policy in node.policies if isinstance(policy, Memory)]


class _Call(Turn):
    """One call of a node: let in, measured, and out again."""

    __slots__ = ("_alone", "_before", "_count", "_elsewhere", "_manager", "_token", "by_hand", "node")

    def __init__(
        self,
        manager: ResourceManager,
        node: Node[..., Any],
        megabytes: int,
        *,
        by_hand: bool = False,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(megabytes)
        self.node = node
        self.by_hand = by_hand
        self._manager = manager
        self._elsewhere = elsewhere
        self._token: Token[tuple[ResourceManager, ...]] | None = None
        self._before: Usage | None = None
        self._alone = False
        self._count = 0

    def __enter__(self) -> None:
        scope = running.get()
        deadline = None if scope is None else scope.deadline
        forget = None if scope is None else scope.at_stop(self._stop, begun=False)
        try:
            if not self._manager.turns.enter(self, deadline):
                self._go_beyond()
        except TimeoutError:
            raise self._too_late(deadline) from None
        finally:
            if forget is not None:
                forget()
        self._begin()

    async def __aenter__(self) -> None:
        scope = running.get()
        deadline = None if scope is None else scope.deadline
        try:
            await self._manager.turns.enter_async(self, deadline)
        except TimeoutError:
            raise self._too_late(deadline) from None
        self._begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        manager = self._manager
        try:
            if self._token is not None:
                _within.reset(self._token)
            if kind is None and self._before is not None:
                after = manager.used(self.node, elsewhere=self._elsewhere)
                alone = self._alone and manager.turns.count == self._count
                manager.note(self.node, growth(self._before, after or {}), alone=alone)
        finally:
            manager.turns.leave(self)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.__exit__(kind)

    def _begin(self) -> None:
        manager = self._manager
        try:
            self._alone, self._count = len(manager.turns.held) == 1, manager.turns.count
            self._before = manager.used(self.node, elsewhere=self._elsewhere)
            self._token = _within.set((*_within.get(), manager))
        except BaseException:
            manager.turns.leave(self)
            raise

    def _stop(self) -> None:
        self._manager.turns.stop(self)

    def _go_beyond(self) -> None:
        from logging import getLogger

        manager = self._manager
        manager.turns.hold(self)
        getLogger("fastdag_typed").warning(
            'Node "%s" begins with %d MB of memory in use, beyond the limit of %s MB: it is sync and runs in an event '
            "loop, where it cannot wait (make it async, or run in parallel mode)",
            self.node.name,
            manager.current_memory_usage,
            manager.memory_limit_mb,
        )

    def _too_late(self, deadline: float | None) -> NodeTimeoutError:
        from ..workers.jobs import Limit

        limit = Limit(self.node.name, self.node.where, deadline=deadline)
        return limit.passed(f"it waited for {self.amount} MB of memory")


_within: Final[ContextVar[tuple[ResourceManager, ...]]] = ContextVar("fastdag_within", default=())
"""The managers that let in the call that the present code is a part of."""
