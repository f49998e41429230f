"""Context managers of the standard library that let every exception through."""

from __future__ import annotations

import ast
import contextlib
import decimal
import io
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Final

from .hazards import known

if TYPE_CHECKING:
    from .reading import Subject
    from .trees import Scoping

_CALLED: Final[tuple[Any, ...]] = (
    *(open, io.open, io.StringIO, io.BytesIO, memoryview),
    *(contextlib.closing, contextlib.nullcontext, contextlib.redirect_stdout, contextlib.redirect_stderr),
    *(tempfile.TemporaryDirectory, tempfile.NamedTemporaryFile, tempfile.TemporaryFile),
    *(threading.Lock, threading.RLock, threading.Condition, threading.Semaphore, decimal.localcontext),
)
_KINDS: Final = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore)


def lets_errors_through(subject: Subject, scoping: Scoping, node: ast.expr) -> bool:
    """Tell whether the manager that an expression gives certainly swallows no exception."""
    if isinstance(node, ast.Call):
        function = known(subject, scoping, node.func)
        return any(function is one for one in _CALLED)
    return type(known(subject, scoping, node)) in _KINDS
