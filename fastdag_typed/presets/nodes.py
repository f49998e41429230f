"""Nodes with a version and a life: hooks, a cache or retries come as policies, and combine with any others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from ..node import Node
from ..policies.alone import Alone
from ..policies.cache import Cache
from ..policies.hooks import Hooks
from ..policies.lifecycle import NodeLifecycle
from ..policies.retry import RetryStrategy
from ..store.versions import NodeVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Unpack

    from ..context import Context
    from ..policies.lifecycle import LifecycleHook
    from ..signatures import Options

P = ParamSpec("P")
P0 = ParamSpec("P0")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class EnhancedNode(Node[P, R_co]):
    """A node with a version, metadata, and hooks around its calls.

    In a run it is initialized before its first call, and disposed of at the end. Executed by itself, it is initialized
    by ``initialize`` or the first ``execute``, and stays so until ``dispose``.

    Args:
        func: what it runs.
        name: by default the function's.
        version: a semantic version.
        hooks: called in this order.
        metadata: whatever should be known of the node.
        options: as of ``Node``: ``inputs``, ``outputs``, ``description``, ``policies``.

    Raises:
        ValueError: the version is none.

    """

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls,
            func: Callable[P0, Coroutine[Any, Any, R]],
            name: str | None = None,
            version: str = "1.0.0",
            hooks: Iterable[LifecycleHook] | None = None,
            metadata: dict[str, Any] | None = None,
            **options: Unpack[Options],
        ) -> EnhancedNode[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, R],
            name: str | None = None,
            version: str = "1.0.0",
            hooks: Iterable[LifecycleHook] | None = None,
            metadata: dict[str, Any] | None = None,
            **options: Unpack[Options],
        ) -> EnhancedNode[P0, R]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    def _setup_enhanced(
        self,
        func: Callable[..., Any],
        name: str | None = None,
        version: str = "1.0.0",
        hooks: Iterable[LifecycleHook] | None = None,
        metadata: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        NodeVersion(version)  # refuses what is none
        self.version = version
        self.metadata: dict[str, Any] = {} if metadata is None else metadata
        self.lifecycle_state = NodeLifecycle.CREATED
        self._hooks = Hooks(hooks or (), on_state=_come_to)
        self._setup(func, name, **options)
        self.policies = (self._hooks, *self.policies)

    if not TYPE_CHECKING:
        __init__ = _setup_enhanced

    @property
    def hooks(self) -> tuple[LifecycleHook, ...]:
        """The hooks, in the order in which they are called."""
        return self._hooks.hooks

    def add_hook(self, hook: LifecycleHook) -> None:
        """Add a hook, to be called after the others, from the next run on.

        Raises:
            TypeError: it is none.

        """
        self._rehook((*self.hooks, *Hooks([hook]).hooks))

    def remove_hook(self, hook: LifecycleHook) -> None:
        """Remove a hook; where it was initialized, it is still disposed of.

        Raises:
            ValueError: the node does not have it.

        """
        kept = [known for known in self.hooks if known is not hook]
        if len(kept) == len(self.hooks):
            raise ValueError(f'Node "{self.name}" does not have the hook {hook!r}')
        self._rehook(kept)

    def _rehook(self, hooks: Iterable[LifecycleHook]) -> None:
        self._hooks.hooks = tuple(hooks)
        for owner in self.owners:
            owner.changed()

    async def initialize(self, context: Context) -> None:
        """Initialize, if this has not been done since the last ``dispose``."""
        alone = self._by_itself()
        with alone.present(context):
            await self._hooks.initialize(alone.step)

    async def execute(self, context: Context, **kwargs: Any) -> Any:
        """Run the function as ``Node.execute`` does, but what lasts for a run lasts until ``dispose``."""
        return await self._by_itself().execute(context, kwargs)

    async def dispose(self, context: Context) -> None:
        """Dispose of what ``initialize`` and ``execute`` made.

        Raises:
            Exception: a hook failed, after all had their turn.
            ExceptionGroup: several did.

        """
        alone: Alone | None = self.__dict__.pop("_alone", None)
        errors = [] if alone is None else await alone.end(context)
        self.lifecycle_state = NodeLifecycle.DISPOSED
        if len(errors) > 1:
            raise ExceptionGroup(f'Node "{self.name}" was not disposed of', errors)
        if errors:
            raise errors[0]

    def _by_itself(self) -> Alone:
        found: Alone = self.__dict__.setdefault("_alone", Alone(self))  # at once, for there may be several threads
        return found

    def copy(self, name: str) -> EnhancedNode[P, R_co]:
        """Make an unwired node of the same function under another name, with hooks and a life of its own."""
        twin = cast("EnhancedNode[P, R_co]", super().copy(name))
        twin.__dict__.pop("_alone", None)
        twin.metadata = dict(self.metadata)
        twin.lifecycle_state = NodeLifecycle.CREATED
        hooks = twin._hooks = Hooks(self.hooks, on_state=_come_to)  # noqa: SLF001 - it is one of these
        twin.policies = tuple(hooks if policy is self._hooks else policy for policy in self.policies)
        return twin


def _come_to(node: Any, state: NodeLifecycle) -> None:
    node.lifecycle_state = state


class CachedNode(EnhancedNode[P, R_co]):
    """An ``EnhancedNode`` with a ``Cache`` that keeps values for ``cache_ttl`` seconds (``None``: for ever)."""

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls,
            func: Callable[P0, Coroutine[Any, Any, R]],
            name: str | None = None,
            version: str = "1.0.0",
            hooks: Iterable[LifecycleHook] | None = None,
            metadata: dict[str, Any] | None = None,
            *,
            cache_ttl: float | None = 3600,
            **options: Unpack[Options],
        ) -> CachedNode[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, R],
            name: str | None = None,
            version: str = "1.0.0",
            hooks: Iterable[LifecycleHook] | None = None,
            metadata: dict[str, Any] | None = None,
            *,
            cache_ttl: float | None = 3600,
            **options: Unpack[Options],
        ) -> CachedNode[P0, R]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    def _setup_cached(self, *args: Any, cache_ttl: float | None = 3600, **options: Any) -> None:
        self.cache = Cache(cache_ttl)
        self._setup_enhanced(*args, **_with(options, self.cache))

    if not TYPE_CHECKING:
        __init__ = _setup_cached

    @property
    def cache_ttl(self) -> float | None:
        """How long a value is kept, in seconds."""
        return self.cache.ttl

    def clear_cache(self) -> None:
        """Forget all values."""
        self.cache.clear()


class RetryableNode(EnhancedNode[P, R_co]):
    """An ``EnhancedNode`` with a ``RetryStrategy``.

    Retry ``n`` comes after ``retry_delay * retry_backoff ** (n - 1)`` seconds.
    """

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls,
            func: Callable[P0, Coroutine[Any, Any, R]],
            name: str | None = None,
            version: str = "1.0.0",
            hooks: Iterable[LifecycleHook] | None = None,
            metadata: dict[str, Any] | None = None,
            *,
            max_retries: int = 3,
            retry_delay: float = 1.0,
            retry_backoff: float = 2.0,
            retry_exceptions: type[Exception] | tuple[type[Exception], ...] = (Exception,),
            **options: Unpack[Options],
        ) -> RetryableNode[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, R],
            name: str | None = None,
            version: str = "1.0.0",
            hooks: Iterable[LifecycleHook] | None = None,
            metadata: dict[str, Any] | None = None,
            *,
            max_retries: int = 3,
            retry_delay: float = 1.0,
            retry_backoff: float = 2.0,
            retry_exceptions: type[Exception] | tuple[type[Exception], ...] = (Exception,),
            **options: Unpack[Options],
        ) -> RetryableNode[P0, R]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    def _setup_retryable(
        self,
        *args: Any,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        retry_backoff: float = 2.0,
        retry_exceptions: type[Exception] | tuple[type[Exception], ...] = (Exception,),
        **options: Any,
    ) -> None:
        self.strategy = RetryStrategy(max_retries, retry_backoff, delay=retry_delay, exceptions=retry_exceptions)
        self._setup_enhanced(*args, **_with(options, self.strategy))

    if not TYPE_CHECKING:
        __init__ = _setup_retryable

    @property
    def max_retries(self) -> int:
        """How many calls may follow the first one."""
        return self.strategy.max_retries

    @property
    def retry_delay(self) -> float:
        """The first wait, in seconds."""
        return self.strategy.delay

    @property
    def retry_backoff(self) -> float:
        """By how much each wait is longer than the one before."""
        return self.strategy.backoff_factor

    @property
    def retry_exceptions(self) -> tuple[type[Exception], ...]:
        """Which exceptions are retried."""
        return self.strategy.exceptions


def _with(options: dict[str, Any], policy: Any) -> dict[str, Any]:
    return {**options, "policies": (policy, *(options.get("policies") or ()))}
