"""Policies for random workflows: the library's own, and small ones that do what a user's could."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any

from fastdag_typed import Layer
from fastdag_typed.events import NodeRetried
from fastdag_typed.policies.breaker import CircuitBreakerStrategy
from fastdag_typed.policies.cache import Cache
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.hooks import Hooks
from fastdag_typed.policies.lifecycle import LifecycleHook
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.resources import ResourceManager
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.policies.timeout import Timeout
from fastdag_typed.step import rescue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastdag_typed.policies.gauge import Usage
    from fastdag_typed.step import Call, Emit, Policy, Step


class Shift:
    """Adds to what is a number, after every call."""

    def __init__(self, by: int, layer: Layer = Layer.HOOK) -> None:
        self.by = by
        self.layer = layer

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        def run(*args: Any, **kwargs: Any) -> Any:
            return self.shifted(call(*args, **kwargs))

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            return self.shifted(await call(*args, **kwargs))

        return run_async if step.is_async else run

    def shifted(self, value: Any) -> Any:
        return value + self.by if type(value) is int else value


class Again:
    """Calls a failed node again, at most so many times."""

    layer = Layer.RETRY

    def __init__(self, times: int) -> None:
        self.times = times

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        async def again(error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            for attempt in range(2, self.times + 2):
                emit(NodeRetried(step.name, attempt, error))
                try:
                    value = call(*args, **kwargs)
                    return await value if step.is_async else value
                except Exception as later:  # noqa: BLE001 - raised below
                    error = later
            raise error

        return rescue(step, call, again)


class Translate:
    """Raises another error in the place of a node's."""

    layer = Layer.FALLBACK

    def __init__(self, level: int) -> None:
        self.level = level

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        async def again(error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            raise LookupError(f"{type(error).__name__} on level {self.level}") from error

        return rescue(step, call, again)


class Absent:
    """Does not apply."""

    layer = Layer.OBSERVE

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        return call


class Shifting(LifecycleHook):
    """A hook that adds to inputs and results, and has an answer to some errors."""

    def __init__(self, by: int) -> None:
        self.by = by

    def on_before_execute(self, node: Any, context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        return {name: value + self.by if type(value) is int else value for name, value in inputs.items()}

    def on_after_execute(self, node: Any, context: Any, result: Any) -> Any:
        return result + self.by if type(result) is int else result

    def on_error(self, node: Any, context: Any, error: Exception) -> Any:
        return self.by if isinstance(error, KeyError | StopAsyncIteration) else None


class LaterShifting(LifecycleHook):
    """A hook whose methods are awaited."""

    def __init__(self, by: int) -> None:
        self.by = by

    async def on_before_init(self, node: Any, context: Any) -> None:
        await asyncio.sleep(0)

    async def on_after_execute(self, node: Any, context: Any, result: Any) -> Any:
        await asyncio.sleep(0)
        return result + self.by if type(result) is int else result


class Plenty:
    """A gauge of a machine that never lacks memory."""

    def used(self, workers: Sequence[int]) -> Usage:
        return {}

    def available(self) -> float:
        return 1e9


ONE_OF_A_KIND = {Layer.PLACE, Layer.TIMEOUT, Layer.RETRY, Layer.BREAKER, Layer.CACHE}
"""Layers of which a node's own policy goes before the runner's."""
AROUND = ["shift", "shift inside", "shift around", "again", "translate", "absent", "retry", "fallback", "breaker"]
AROUND += ["hooks", "async hooks", "time-out", "thread", "memory"]
"""Policies that a runner can have for all nodes."""


@cache
def policies_of() -> dict[str, Callable[[int], Policy]]:
    """Name what makes each policy, of a number that says how much of it there is."""
    return {
        "shift": Shift,
        "shift inside": lambda by: Shift(by, Layer.TIMEOUT),
        "shift around": lambda by: Shift(by, Layer.OBSERVE),
        "again": Again,
        "translate": Translate,
        "absent": lambda _: Absent(),
        "retry": lambda times: RetryStrategy(times, delay=0),
        "fallback": lambda value: FallbackStrategy(value, exceptions=(ValueError, StopIteration, ExceptionGroup)),
        "cache": lambda _: Cache(),
        "hooks": lambda by: Hooks([Shifting(by), LifecycleHook(), Shifting(by + 1)]),
        "async hooks": lambda by: Hooks([LaterShifting(by)]),
        "time-out": lambda _: Timeout(1000),
        "thread": lambda _: Place("thread"),
        "memory": lambda level: ResourceManager(100 * level, gauge=Plenty()),
        "breaker": lambda times: CircuitBreakerStrategy(times, timeout=1e6, clock=lambda: 0.0),
    }


def wrapped(step: Step, policies: Sequence[Policy], emit: Emit) -> Call:
    """Put the policies of a step and those of its runner around its function, one after the other."""
    call, own = step.func, step.node.policies
    taken = {policy.layer for policy in own} & ONE_OF_A_KIND
    further = [policy for policy in policies if policy.layer not in taken]
    for policy in sorted([*own, *further], key=lambda policy: policy.layer):
        call = policy.wrap(step, call, emit)
    return call
