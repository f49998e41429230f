"""What a function raises in a process is raised here, with its causes, and says where it was raised there."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed.exceptions import PlacementError, RemoteError
from fastdag_typed.workers import Workers
from tests.workers import functions

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(1) as one:
        yield one


def failure(workers: Workers, how: str) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - what it is, is looked at
        workers.call(functions.fail, (how,), name="fail")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        ValueError("text", 1),
        KeyError("key"),
        OSError(2, "No such file", "name"),
        StopIteration("value"),
        SystemExit(3),
        KeyboardInterrupt("by hand"),
        GeneratorExit(),
        asyncio.CancelledError("cancelled"),
        ExceptionGroup("group", [ValueError(1), TypeError(2)]),
        BaseExceptionGroup("base group", [KeyboardInterrupt(), ValueError(1)]),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "why"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_comes_back_as_itself_and_the_process_goes_on(workers: Workers, error: BaseException) -> None:
    pid = workers.call(functions.pid, name="pid")
    with pytest.raises(type(error)) as caught:
        workers.call(functions.throw, (error,), name="throw")
    assert repr(caught.value) == repr(error)
    assert workers.call(functions.pid, name="pid") == pid


@pytest.mark.parametrize("error", [ValueError(1), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_async_function_raises_the_same(workers: Workers, error: BaseException) -> None:
    with pytest.raises(type(error)):
        workers.call(functions.throw_async, (error,), name="throw")


def test_attributes_come_back(workers: Workers) -> None:
    error = failure(workers, "rich")
    assert isinstance(error, functions.RichError)
    assert (str(error), error.code) == ("rich", 42)


def test_the_place_in_the_process_can_be_read(workers: Workers) -> None:
    shown = "".join(traceback.format_exception(failure(workers, "cause")))
    assert shown.count("Raised in worker process") == 2  # the exception, and its cause
    assert "in _first" in shown
    assert "in fail" in shown
    assert "inside.py" not in shown


def test_cause_context_and_notes_come_back(workers: Workers) -> None:
    error = failure(workers, "cause")
    assert isinstance(error.__cause__, KeyError)
    assert error.__cause__.args == ("first",)
    error = failure(workers, "context")
    assert error.__cause__ is None
    assert isinstance(error.__context__, KeyError)
    assert not error.__suppress_context__
    assert failure(workers, "suppressed").__suppress_context__
    assert failure(workers, "notes").__notes__[0] == "a note"


def test_members_of_a_group_keep_their_causes(workers: Workers) -> None:
    error = failure(workers, "group")
    assert isinstance(error, ExceptionGroup)
    assert [type(member.__cause__) for member in error.exceptions] == [KeyError, KeyError]


@pytest.mark.parametrize(
    ("how", "name", "text"), [("lost", "LostError", "keys in the sea"), ("local", "LocalError", "only here")]
)
def test_an_exception_that_does_not_pickle_is_named(workers: Workers, how: str, name: str, text: str) -> None:
    error = failure(workers, how)
    assert isinstance(error, RemoteError)
    assert error.type_name.endswith(name)
    assert f"{name}: {text} (the exception itself does not pickle)" in str(error)


def test_a_cause_that_does_not_pickle_is_named(workers: Workers) -> None:
    error = failure(workers, "lost cause")
    assert type(error) is ValueError
    assert isinstance(error.__cause__, RemoteError)


def test_a_group_with_a_member_that_does_not_pickle_keeps_the_others(workers: Workers) -> None:
    error = failure(workers, "lost in a group")
    assert isinstance(error, ExceptionGroup)
    assert [type(member) for member in error.exceptions] == [ValueError, RemoteError]


def test_causes_in_a_circle_and_long_chains_come_to_an_end(workers: Workers) -> None:
    error = failure(workers, "circle")
    assert str(error.__cause__) == "other"
    seen: list[Any] = [failure(workers, "chain")]
    while seen[-1].__cause__ is not None:
        seen.append(seen[-1].__cause__)
    assert [link.args[0] for link in seen] == [*range(1999, 1999 - len(seen), -1)]
    assert len(seen) >= 20


@pytest.mark.parametrize("func", [functions.lambda_of, functions.give])
def test_a_result_that_does_not_pickle_is_an_error_of_the_node(workers: Workers, func: Any) -> None:
    value: Any = 1 if func is functions.lambda_of else functions.Unreadable()
    words = "cannot be sent back from worker process" if func is functions.lambda_of else "cannot be loaded in"
    with pytest.raises(PlacementError, match=f'Node "given".*{words}') as caught:
        workers.call(func, (value,), name="given")
    assert caught.value.node_name == "given"
    assert caught.value.__cause__ is not None
    assert workers.call(functions.give, (1,), name="give") == 1


def test_a_result_that_cannot_be_read_here_is_an_error_of_the_node(workers: Workers) -> None:
    with pytest.raises(
        PlacementError, match='Node "odd": what it returned cannot be read here: RuntimeError: only there'
    ):
        workers.call(functions.only_there, name="odd")
    assert workers.call(functions.give, (1,), name="give") == 1
