"""Calls of functions that are recorded, and replayed on copies of the arguments: as they are, and compiled."""

from __future__ import annotations

import builtins
import copy
import functools
import gc
import inspect
import io
import itertools
import sys
import types
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed import WorkflowExecutionError
from fastdag_typed.exceptions import InputError
from tests.compiler.portraits import Portrait
from tests.compiler.stage import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 24
"""So many calls of a function are replayed."""

_COPY: Final = copy.deepcopy
_BIGGEST: Final = 20_000
_SHOWN: Final = 100
_FIRST: Final = 50
"""So much is compared of an iterator that is returned."""


class Mismatch(NamedTuple):
    """A call that the inlined body does not answer as the function does."""

    function: str
    call: str
    expected: str
    got: str


class Recorder:
    """Stands in the place of functions; replays their calls and keeps count."""

    def __init__(self) -> None:
        self.busy = False
        self._names: dict[str, frozenset[str]] = {}
        self.called: set[str] = set()
        self.replayed: Counter[str] = Counter()
        self.unsteady: set[str] = set()
        self.unfit: Counter[str] = Counter()
        self._mismatches: list[Mismatch] = []

    @property
    def mismatches(self) -> list[Mismatch]:
        """The calls that are answered otherwise, of functions that answer twice the same."""
        return [one for one in self._mismatches if one.function not in self.unsteady]

    def around(self, function: types.FunctionType, flat: Callable[..., Any] | None) -> Callable[..., Any]:
        """Make what stands in the place of a function; ``flat`` is what its calls are compared with, if anything is."""
        name = f"{function.__module__}.{function.__qualname__}"
        signature = inspect.signature(function)
        self._names.setdefault(function.__module__, frozenset(function.__globals__))

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.busy:
                return function(*args, **kwargs)
            self.called.add(name)
            copies: list[Any] = []
            wanted = flat is not None and self.replayed[name] < MOST and self.unfit[name] < MOST
            if wanted and fits(signature, (args, kwargs)) and not self._is_patched(function):
                copies = self._copies(name, args, kwargs)
            try:
                return function(*args, **kwargs)
            finally:
                if copies and flat is not None:
                    self._compare(name, function, flat, copies)

        return call

    def _is_patched(self, function: types.FunctionType) -> bool:
        """Tell whether a test has put something of its own in the place of what a function knows by name."""
        names = self._names[function.__module__]
        return any(
            type(value).__module__ == "unittest.mock" or (name not in names and hasattr(builtins, name))
            for name, value in function.__globals__.items()
        )

    def _copies(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Copy arguments three times; give nothing if they cannot be copied, or are very large."""
        self.busy = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                copies = [_COPY((args, kwargs)) for _ in range(3)]
            small = len(Portrait().of(copies[0])) <= _BIGGEST
        except Exception:  # noqa: BLE001 - whatever users' objects raise when they are copied
            small, copies = False, []
        finally:
            self.busy = False
        self.unfit[name] += not small
        return copies if small else []

    def _compare(self, name: str, function: Callable[..., Any], flat: Callable[..., Any], copies: list[Any]) -> None:
        self.busy = True
        try:
            shown = Portrait().of(copies[0])
            expected = outcome(function, copies[0])
            again = outcome(function, copies[1])
            if expected != again:
                self.unsteady.add(name)
                return
            got = outcome(flat, copies[2])
            self.replayed[name] += 1
            if got != expected and len(self._mismatches) < _SHOWN:
                self._mismatches.append(Mismatch(name, shown[:400], expected[:600], got[:600]))
        except InputError:  # tests give what the annotations forbid
            self.unfit[name] += 1
        finally:
            self.busy = False


def fits(signature: inspect.Signature, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> bool:
    """Tell whether there is a body to run: the call itself may fail, which is not the body's concern."""
    try:
        signature.bind(*arguments[0], **arguments[1])
    except TypeError:
        return False
    return True


def outcome(function: Callable[..., Any], arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> str:
    """Call a function; draw what comes of it, what it prints, and what it makes of its arguments."""
    args, kwargs = arguments
    out, err = io.StringIO(), io.StringIO()
    portrait = Portrait()
    with warnings.catch_warnings(record=True) as warned, redirect_stdout(out), redirect_stderr(err):
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
            if isinstance(value, Iterator):
                value = [type(value), *itertools.islice(value, _FIRST)]
            facts = portrait.of(value)
        except RecursionError:
            facts = "recursion"
        except InputError:
            raise
        except WorkflowExecutionError as error:
            cause = error.__cause__
            facts = "recursion" if isinstance(cause, RecursionError) else portrait.error(cause)
        except Exception as error:  # noqa: BLE001 - it is compared
            facts = portrait.error(error.with_traceback(None))
        told = [str(one.message) for one in warned]
        text = "\n".join((facts, portrait.of(args), portrait.of(kwargs), out.getvalue(), err.getvalue(), str(told)))
    return ADDRESS.sub("", text)


def plain_functions(module: types.ModuleType) -> Iterator[tuple[str, types.FunctionType]]:
    """List the functions that a module defines at its top, without coroutines."""
    for name, value in list(vars(module).items()):
        if not isinstance(value, types.FunctionType) or inspect.iscoroutinefunction(value):
            continue
        if value.__module__ == module.__name__ and value.__name__ == name:
            yield name, value


def stand_in(originals: dict[Any, Any]) -> None:
    """Put what records calls in the place of functions, wherever modules name them."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if names is None or module.__name__.startswith(("tests.compiler", "fastdag", "copy", "copyreg")):
            continue
        for name, value in list(names.items()):
            if isinstance(value, types.FunctionType) and value in originals:
                names[name] = originals[value]
    gc.collect()
