"""Failures are collected, graded, and handed to who handles their kind."""

from __future__ import annotations

import asyncio
import pickle
import time
from typing import Any

import pytest

from fastdag_typed import DAG, Context, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import FastDagError
from fastdag_typed.policies.errors import ErrorSeverity, severity_of
from fastdag_typed.policies.handler import ErrorHandler
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import Layer

MODES: list[Any] = ["sequential", "parallel"]


class TooHotError(ConnectionError):
    """A type of the user's own."""


def flow(error: BaseException, *policies: Any, is_async: bool = False) -> DAG:
    def bad(x: int) -> int:
        raise error

    async def bad_later(x: int) -> int:
        raise error

    dag = DAG("flow")
    dag.add_node(Node(bad_later if is_async else bad, "bad", policies=policies))
    return dag


def handler_of(**handlers: Any) -> ErrorHandler:
    """A handler that gives for each type by name the value that is named."""
    found = ErrorHandler()
    for name, value in handlers.items():
        found.register_handler(name, lambda error, node, context, value=value: value)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("handler_is_async", [False, True])
def test_what_the_handler_of_a_type_returns_is_the_value(mode: Any, is_async: bool, handler_is_async: bool) -> None:
    given: list[Any] = []

    def handle(error: Exception, node: Any, context: Any) -> str:
        given.extend((error, node, context))
        return "handled"

    async def handle_later(error: Exception, node: Any, context: Any) -> str:
        await asyncio.sleep(0)
        return handle(error, node, context)

    handler = ErrorHandler()
    handler.register_handler("ValueError", handle_later if handler_is_async else handle)
    failure, context = ValueError("bad"), Context()
    dag = flow(failure, handler, is_async=is_async)
    metrics = Runner(dag).run({"x": 1}, mode, context=context)
    assert metrics.value == "handled"
    assert given == [failure, dag.nodes["bad"], context]
    assert given[2] is context
    assert [error.message for error in handler.errors] == ["bad"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_without_a_handler_the_failure_is_noted_and_stays_one(mode: Any, is_async: bool) -> None:
    began, failure, handler = time.time(), TooHotError("90 degrees"), ErrorHandler()
    policies = [handler, RetryStrategy(1, delay=0)]
    with pytest.raises(WorkflowExecutionError, match="TooHotError: 90 degrees") as caught:
        flow(failure, *policies, is_async=is_async).run(mode=mode, x=1)
    assert caught.value.__cause__ is failure
    [error] = handler.errors
    assert (error.node_name, error.error_type, error.message) == ("bad", "TooHotError", "90 degrees")
    assert error.severity is ErrorSeverity.WARNING
    assert began <= error.timestamp <= time.time()
    assert (error.retry_count, error.max_retries) == (1, 1)
    assert "TooHotError: 90 degrees" in (error.traceback or "")


def test_the_handler_of_the_nearest_type_is_called() -> None:
    everything = {"Exception": "any", "OSError": "os", "ConnectionError": "connection"}
    assert flow(TooHotError(), handler_of(**everything)).run(x=1) == "connection"
    assert flow(TooHotError(), handler_of(**everything, TooHotError="hot")).run(x=1) == "hot"
    assert flow(FileNotFoundError(), handler_of(**everything)).run(x=1) == "os"
    assert flow(ValueError(), handler_of(**everything)).run(x=1) == "any"


def test_handlers_are_registered_by_type_by_name_or_by_full_name() -> None:
    class ConnectionError(Exception):  # noqa: A001 - two types of one name
        pass

    handler = ErrorHandler()
    handler.register_handler(ConnectionError, lambda *_: "ours")
    assert flow(ConnectionError(), handler).run(x=1) == "ours"
    with pytest.raises(WorkflowExecutionError):
        flow(TooHotError(), handler).run(x=1)
    handler.register_handler("builtins.ConnectionError", lambda *_: "theirs")
    assert flow(TooHotError(), handler).run(x=1) == "theirs"
    handler.register_handler("ConnectionError", lambda *_: "either")
    assert flow(ConnectionError(), handler).run(x=1) == "ours"
    assert flow(TooHotError(), handler).run(x=1) == "either"


def test_the_global_handler_is_for_what_has_none_of_its_own() -> None:
    handler = handler_of(KeyError="key")
    handler.set_global_handler(lambda error, node, context: f"{node.name}: {error}")
    assert flow(KeyError(), handler).run(x=1) == "key"
    assert flow(ValueError("bad"), handler).run(x=1) == "bad: bad"
    handler.set_global_handler(None)
    with pytest.raises(WorkflowExecutionError):
        flow(ValueError("bad"), handler).run(x=1)
    assert [error.error_type for error in handler.errors] == ["KeyError", "ValueError", "ValueError"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_raises_replaces_the_failure_with_it_as_context(is_async: bool) -> None:
    def translate(error: Exception, node: Any, context: Any) -> None:
        raise FastDagError(f"{node.name} is broken")

    handler, failure = ErrorHandler(), ValueError("bad")
    handler.register_handler(ValueError, translate)
    with pytest.raises(WorkflowExecutionError, match="FastDagError: bad is broken") as caught:
        flow(failure, handler, is_async=is_async).run(x=1)
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__context__ is failure


def test_a_failure_inside_a_nested_workflow_is_handled_by_what_caused_it() -> None:
    inner = flow(TooHotError("hot"))
    for handler, value in (
        (handler_of(ConnectionError="cause", WorkflowExecutionError="wrapper"), "cause"),
        (handler_of(Exception="any", WorkflowExecutionError="wrapper"), "wrapper"),
        (handler_of(Exception="any"), "any"),
    ):
        outer = DAG("outer")
        outer.add_workflow("inner", inner).policies = (handler,)
        assert outer.run(x=1) == value
        assert [(error.node_name, error.severity) for error in handler.errors] == [("inner", ErrorSeverity.WARNING)]


@pytest.mark.parametrize("mode", MODES)
def test_what_ends_the_program_is_neither_noted_nor_handled(mode: Any) -> None:
    handler = handler_of(Exception="any", KeyboardInterrupt="key", BaseException="base")
    with pytest.raises(KeyboardInterrupt):
        flow(KeyboardInterrupt(), handler).run(mode=mode, x=1)
    assert handler.errors == []


def test_one_handler_serves_all_nodes_of_a_runner() -> None:
    dag = DAG("two")
    for name in ("a", "b"):
        dag.add_node(flow(ValueError(name)).nodes["bad"].copy(name))
    handler = handler_of(ValueError=0)
    assert Runner(dag, policies=[handler]).run({"x": 1}, "parallel").results == {"a": 0, "b": 0}
    assert sorted((error.node_name, error.message) for error in handler.errors) == [("a", "a"), ("b", "b")]
    assert handler.layer is Layer.FALLBACK


@pytest.mark.parametrize(
    ("error", "severity"),
    [
        (ValueError(), ErrorSeverity.ERROR),
        (UnicodeError(), ErrorSeverity.ERROR),
        (TypeError(), ErrorSeverity.ERROR),
        (KeyError(), ErrorSeverity.ERROR),
        (ConnectionError(), ErrorSeverity.WARNING),
        (ZeroDivisionError(), ErrorSeverity.WARNING),
        (MemoryError(), ErrorSeverity.CRITICAL),
        (KeyboardInterrupt(), ErrorSeverity.CRITICAL),
        (SystemExit(), ErrorSeverity.CRITICAL),
    ],
)
def test_a_failure_is_graded_by_its_type(error: BaseException, severity: ErrorSeverity) -> None:
    assert severity_of(error) is severity
    wrapper = WorkflowExecutionError("inner")
    wrapper.__cause__ = error
    assert severity_of(wrapper) is severity


def test_what_was_noted_keeps_nothing_of_the_run_alive() -> None:
    handler = ErrorHandler()
    with pytest.raises(WorkflowExecutionError):
        flow(ValueError("bad"), handler).run(x=1)
    [error] = handler.errors
    assert error.exception is error.repeat is None
    assert pickle.loads(pickle.dumps(error)) == error  # noqa: S301 - what was pickled here


@pytest.mark.asyncio
async def test_used_directly_it_notes_handles_or_raises_again() -> None:
    handler, dag = ErrorHandler(), flow(ValueError())
    node, failure = dag.nodes["bad"], ValueError("bad")
    with pytest.raises(ValueError, match="bad") as caught:
        await handler.handle_error(failure, node, Context())
    assert caught.value is failure

    async def handle(error: Exception, node: Any, context: Any) -> str:
        await asyncio.sleep(0)
        return f"{node.name} handled"

    handler.register_handler("ValueError", handle)
    assert await handler.handle_error(failure, node, Context()) == "bad handled"
    assert [error.error_type for error in handler.errors] == ["ValueError", "ValueError"]


def test_what_cannot_handle_is_refused() -> None:
    handler = ErrorHandler()
    with pytest.raises(TypeError, match="a handler is called with the error, and 'print' cannot be called"):
        handler.register_handler("ValueError", "print")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be called"):
        handler.set_global_handler(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="errors to handle are subclasses of Exception or their names, not <class"):
        handler.register_handler(KeyboardInterrupt, print)  # type: ignore[arg-type]
