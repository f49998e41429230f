"""The bodies of users' functions in the flat code: which steps are inlined, and how their variables are called."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

from fastdag_typed.checks import doubts
from fastdag_typed.dag import SubWorkflow
from fastdag_typed.exceptions import CompileError

from .bindings import Traced
from .inline import Refusal, read
from .names import comment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdag_typed.plan import Plan
    from fastdag_typed.step import Step

    from .bindings import Bindings
    from .inline import Body, Sink
    from .names import Namespace
    from .options import Options
    from .sources import Function

_SMALL: Final = 12
"""At level 1 bodies of so many lines are inlined: next to what a longer one does a call costs nothing."""


def find(step: Step, plan: Plan, function: Function, options: Options) -> Body | str:
    """Find the body that is inlined for a step, or say why it is called."""
    if options.level == 0:
        return "-O0 calls every node"
    if isinstance(step.func, SubWorkflow):
        return "it is a workflow"
    if step.node.policies:
        return f"it has policies: {', '.join(type(policy).__name__ for policy in step.node.policies)}"
    if step.index in doubts(plan):
        return "its inputs are checked at run time"
    body = read(step.func, function.source)
    if isinstance(body, Refusal):
        return comment(body.reason)
    if body.is_async != step.is_async:
        return "what it returns is awaited"
    return body


def plain(target: str, declared: str) -> Sink:
    """Write a return as an assignment, the first with the type of the variable, if it is known."""
    names = chain([f"{target}: {declared}" if declared else target], repeat(target))
    return lambda returned: [f"{next(names)} = {returned.text}"]


def inlined(
    body: Body, step: Step, values: Sequence[str], bindings: Bindings, names: Namespace, options: Options, sink: Sink
) -> tuple[list[str], Traced] | str:
    """Write the body of a step's function, with a mark of the line that each is from; or say why it is called."""
    count = len(step.args)
    given = dict(zip(body.parameters, values[:count], strict=False))
    given.update(zip([name for name, _ in step.kwargs], values[count:], strict=True))
    try:
        written = body.write(_Names(bindings, names, step.name, options), given, sink)
    except (ValueError, CompileError) as error:
        return comment(str(error))
    if options.level == 1 and len(body.pieces) > _SMALL:
        return f"its body has {len(body.pieces)} lines, which -O2 inlines"
    lines = [text for line in written.lines for text in (f"#@ line {line.line}", line.text)]
    return [*lines, "#@ end"], Traced(origin=f"{body.module}:{body.func.__qualname__}", names=written.names)


class _Names:
    """Hands out the names that the body of one node needs."""

    def __init__(self, bindings: Bindings, names: Namespace, node: str, options: Options) -> None:
        self._bindings = bindings
        self._names = names
        self._node = node
        self.late_globals = options.late_globals

    def local(self, wish: str, /) -> str:
        """Give a fresh variable."""
        return self._names.local(f"{self._node}_{wish}")

    def module(self, name: str, /) -> str:
        """Give the alias of a module."""
        return self._bindings.alias(name)

    def home(self, module: str, name: str, /) -> str:
        """Give a name of the module that it is from."""
        return f"{self._bindings.alias(module)}.{name}"

    def bound(self, wish: str, expression: str, value: object, /) -> str:  # noqa: ARG002 - it is reached when loaded
        """Bind what an expression gives at the top of the module."""
        return self._bindings.bind(wish, expression, "Final[Any]")
