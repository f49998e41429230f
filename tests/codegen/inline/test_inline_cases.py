"""A body does what its function does: value, failure, side effects, what becomes of arguments, when things end."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from tests.codegen.inline import cases
from tests.codegen.inline.flat import inlined

if TYPE_CHECKING:
    from collections.abc import Callable


def described(error: BaseException | None, depth: int = 3) -> Any:
    """Give all of an error that users see."""
    if error is None or depth == 0:
        return None
    chain = [described(one, depth - 1) for one in (error.__cause__, error.__context__)]
    return (type(error), str(error), repr(error.args), error.__suppress_context__, *chain)


def outcome(call: Callable[..., Any], text: str) -> list[Any]:
    """Run a call; tell what came of it, and of its arguments."""
    args, kwargs = eval(f"(lambda *a, **k: (a, k))({text})", vars(cases))  # noqa: S307 - the text is our own
    default: Any = cases.a_mutable_default.__defaults__
    default[0].clear()
    cases.LOG.clear()
    cases.STATE["calls"] = 0
    found: list[Any] = []
    try:
        result = call(*args, **kwargs)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        cases.LOG.append("after")
        found.append(repr(result))
    except Exception as error:  # noqa: BLE001 - compared
        found.append(described(error))
        found.append(list(cases.LOG))  # what ends with the error depends on who keeps it
        error.__traceback__ = None
    else:
        found.append(list(cases.LOG))
    return [*found, repr(args), repr(kwargs), dict(cases.STATE), repr(default)]


def caller(func: Callable[..., Any], given: list[str]) -> Callable[..., Any]:
    """Make a function that calls it, and holds the arguments as the flat one does."""
    word, wait = ("async def", "await ") if inspect.iscoroutinefunction(func) else ("def", "")
    names = inspect.signature(func).parameters
    by_place = {name for name in given if names[name].kind is inspect.Parameter.POSITIONAL_ONLY}
    passed = ", ".join(f"arg_{name}" if name in by_place else f"{name}=arg_{name}" for name in given)
    parameters = ", ".join(f"arg_{name}=None" for name in names)
    text = f"{word} call({parameters}):\n    returned = {wait}func({passed})\n    after()\n    return returned\n"
    values: dict[str, Any] = {"func": func, "after": lambda: cases.LOG.append("returned")}
    exec(compile(text, "<call>", "exec", dont_inherit=True), values)  # noqa: S102 - the text is our own
    found: Callable[..., Any] = values["call"]
    return found


@pytest.mark.parametrize(("func", "text"), cases.CASES, ids=[f"{func.__name__}({text})" for func, text in cases.CASES])
def test_a_body_does_what_its_function_does(func: Callable[..., Any], text: str) -> None:
    bound = eval(f"(lambda *a, **k: (a, k))({text})", vars(cases))  # noqa: S307 - the text is our own
    given = list(inspect.signature(func).bind(*bound[0], **bound[1]).arguments)
    del bound
    renamed = text
    for name in given:
        renamed = renamed.replace(f"{name}=", f"arg_{name}=")
    flat = inlined(func, {name: f"arg_{name}" for name in given})
    flat.names.values["after"] = lambda: cases.LOG.append("returned")
    assert outcome(flat.call, renamed) == outcome(caller(func, given), renamed), flat.text
