"""What users give to policies to be called back may raise: that is a failure of the node, and nothing hangs on it."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest

from fastdag_typed import Runner, WorkflowExecutionError
from fastdag_typed.policies.breaker import CircuitBreakerStrategy
from fastdag_typed.policies.cache import Cache
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.hooks import Hooks
from fastdag_typed.policies.lifecycle import LifecycleHook
from fastdag_typed.policies.retry import RetryStrategy
from tests.faults.drivers import DRIVERS, Driver


@pytest.fixture(params=DRIVERS, ids=str)
def driver(request: pytest.FixtureRequest) -> Driver:
    return request.param  # type: ignore[no-any-return]


class BrokenError(Exception):
    """What callbacks raise."""


def broken(*args: Any, **kwargs: Any) -> NoReturn:
    raise BrokenError


async def broken_later(*args: Any, **kwargs: Any) -> NoReturn:
    await asyncio.sleep(0)
    raise BrokenError


class Hook(LifecycleHook):
    """A hook of which one method raises."""

    def __init__(self, name: str, call: Any) -> None:
        setattr(self, name, call)


def fails(x: int) -> NoReturn:
    raise ValueError(x)


def works(x: int) -> int:
    return x + 1


POLICIES: dict[str, tuple[Any, Any]] = {
    "fallback": (fails, lambda: FallbackStrategy(fallback_func=broken)),
    "async fallback": (fails, lambda: FallbackStrategy(fallback_func=broken_later)),
    "give up": (fails, lambda: RetryStrategy(delay=0, give_up=broken)),
    "sleep": (fails, lambda: RetryStrategy(delay=0, sleep=broken)),
    "async sleep": (fails, lambda: RetryStrategy(delay=0, sleep=broken_later)),
    "clock": (fails, lambda: CircuitBreakerStrategy(1, clock=broken)),
    "key": (works, lambda: Cache(key=broken)),
    "async key": (works, lambda: Cache(key=broken_later)),
    "before init": (works, lambda: Hooks([Hook("on_before_init", broken)])),
    "async before init": (works, lambda: Hooks([Hook("on_before_init", broken_later)])),
    "after init": (works, lambda: Hooks([Hook("on_after_init", broken)])),
    "before execute": (works, lambda: Hooks([Hook("on_before_execute", broken)])),
    "async before execute": (works, lambda: Hooks([Hook("on_before_execute", broken_later)])),
    "after execute": (works, lambda: Hooks([Hook("on_after_execute", broken)])),
    "async after execute": (works, lambda: Hooks([Hook("on_after_execute", broken_later)])),
    "state": (works, lambda: Hooks(on_state=broken)),
}


@pytest.mark.parametrize("kind", POLICIES)
def test_a_callback_that_raises_makes_its_node_fail_in_each_run(driver: Driver, kind: str) -> None:
    func, make = POLICIES[kind]
    runner = Runner(driver.workflow(func, policies=[make()]))
    for _ in range(2):  # nothing of the first is left that could be waited for
        with pytest.raises(WorkflowExecutionError, match="BrokenError") as caught:
            driver.run(runner)
        assert type(caught.value.__cause__) is BrokenError
        assert caught.value.node_name == "bad"
        assert runner.metrics.results == {"good": 1}
        assert runner.metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}
        assert runner.metrics.errors[0] == str(caught.value)


@pytest.mark.parametrize("call", [broken, broken_later])
def test_a_hook_that_raises_at_an_error_does_not_hide_the_error(driver: Driver, call: Any) -> None:
    runner = Runner(driver.workflow(fails, policies=[Hooks([Hook("on_error", call)])]))
    with pytest.raises(WorkflowExecutionError, match="ValueError: 1") as caught:
        driver.run(runner)
    assert type(caught.value.__cause__) is ValueError
    assert any("BrokenError" in note for note in caught.value.__cause__.__notes__)


@pytest.mark.parametrize("call", [broken, broken_later])
def test_a_hook_that_raises_at_the_end_of_the_run_is_listed_and_the_run_is_well(driver: Driver, call: Any) -> None:
    runner = Runner(driver.workflow(works, policies=[Hooks([Hook("on_dispose", call)])]))
    metrics = driver.run(runner)
    assert metrics.value == 2
    assert [line.partition(" (")[0] for line in metrics.errors] == ["Error outside of the nodes: BrokenError"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("name", ["on_before_init", "on_before_execute", "on_after_execute", "on_error", "on_dispose"])
def test_an_interrupt_in_a_hook_ends_the_run(driver: Driver, name: str, error: Any) -> None:
    def interrupt(*args: Any) -> NoReturn:
        raise error

    func = fails if name == "on_error" else works
    runner = Runner(driver.workflow(func, policies=[Hooks([Hook(name, interrupt)])]))
    with pytest.raises(error):
        driver.run(runner)
    assert runner.metrics.stop_reason == "interrupted"
    assert runner.metrics.results["good"] == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interrupt_at_the_end_of_a_run_leaves_nothing_undone_that_is_left_for_the_end(
    driver: Driver, error: Any
) -> None:
    disposed: list[str] = []

    class Disposing(LifecycleHook):
        def on_dispose(self, node: Any, context: Any) -> None:
            disposed.append(node.name)
            raise error

    runner = Runner(driver.workflow(works), policies=[Hooks([Disposing()])])
    with pytest.raises(error):
        driver.run(runner)
    assert disposed == ["never", "bad", "good"]
    assert runner.metrics.stop_reason == "interrupted"
