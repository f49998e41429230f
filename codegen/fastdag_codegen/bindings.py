"""What a compiled module has at its top: imports, and the very objects of the users' code under names of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed.exceptions import CompileError
from fastdag_typed.node import Node

from .names import Namespace, string
from .sources import Sources, is_hidden, is_importable
from .types import Types

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastdag_typed.plan import Plan
    from fastdag_typed.step import Step

    from .options import Choice


WORKFLOW: Final = "_workflow"
"""The name that a module in memory finds its workflow under."""
_SUPPORT: Final = "fastdag_typed.run.compiled"


class Global(NamedTuple):
    """One name that is bound when the module is loaded."""

    name: str
    annotation: str
    value: str


class Traced(NamedTuple):
    """The function that the errors of a step are traced to: the name it is bound under, or where its body is from.

    ``origin`` is ``module:qualname`` of an inlined function, ``names`` are its variables here and there.
    """

    function: str = "None"
    origin: str = ""
    names: tuple[tuple[str, str], ...] = ()
    reason: str = ""


class Mark(NamedTuple):
    """One row of the table from lines to nodes; ``name`` in quotes."""

    name: str
    variable: str = ""
    traced: Traced = Traced()

    @property
    def function(self) -> str:
        """How the module names its function."""
        return string(self.traced.origin) if self.traced.origin else self.traced.function


class Bindings:
    """Collects what the functions of one module need to have imported and bound."""

    def __init__(self) -> None:
        self.namespace = Namespace()
        self.types = Types(self.namespace)
        self.sources = Sources()
        self.globals: list[Global] = []
        self.marks: list[Mark] = []
        self.nodes: dict[str, str] = {}
        self.choices: list[Choice] = []
        self.skips = False
        """Whether the module has a marker for what is skipped."""
        self.unchecked = False
        """Whether there are bodies in it that type checkers do not look at where they are."""
        self.in_memory = False
        """Whether the workflow itself is put into the namespace, so that all is reached from there."""
        self._aliases: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._load = ""
        self._bound: dict[str, str] = {}
        self._needed: dict[str, set[str]] = {}

    @property
    def imports(self) -> list[str]:
        """The import statements that run when the module is loaded, sorted."""
        modules = [f"import {name} as {alias}" for name, alias in self._aliases.items() if name not in self._hidden]
        names = [f"from {module} import {', '.join(sorted(names))}" for module, names in self._needed.items()]
        hidden = [f"{self._aliases[name]}: Any = {self._load}({string(name)})" for name in self._hidden]
        return sorted(modules) + sorted(names) + sorted(hidden)

    def alias(self, module: str) -> str:
        """Import a module; give the name it has here."""
        known = self._aliases.get(module)
        if known is None:
            if module == "__main__" or not is_importable(module):
                raise CompileError(
                    f'Module "{module}" cannot be imported by that name, so a compiled module cannot call its '
                    "functions: move them into a module that can"
                )
            wish = "fastdag" if module == _SUPPORT else module.rpartition(".")[2]
            known = self._aliases[module] = self.namespace.of_module(wish)
            if is_hidden(module):
                self._hidden.add(module)
                self._load = f"{self.standard('importlib')}.import_module"
        return known

    def standard(self, module: str) -> str:
        """Import a module of the standard library; give the name it has here."""
        known = self._aliases.get(module)
        if known is None:
            known = self._aliases[module] = self.namespace.of_module(module)
        return known

    def need(self, module: str, name: str) -> str:
        """Import a name of the library."""
        self._needed.setdefault(f"fastdag_typed.{module}", set()).add(name)
        return name

    def helper(self, name: str) -> str:
        """Give the name of a function that supports compiled modules."""
        return f"{self.alias(_SUPPORT)}.{name}"

    def bind(self, wish: str, value: str, annotation: str = "Final") -> str:
        """Bind a value at the top of the module, once; give its name."""
        known = self._bound.get(value)
        if known is None:
            known = self._bound[value] = self.namespace.of_module(wish)
            self.globals.append(Global(known, annotation, value))
        return known

    def function(self, step: Step, place: Place) -> str:
        """Bind the very function of a step; give its name."""
        func = step.func
        module = None if self.in_memory else getattr(func, "__module__", None)
        if module == "__main__":
            raise CompileError(
                f'Node "{step.name}" is a function of the script that runs now, which a compiled module cannot import: '
                "move it into a module"
            )
        path = _path(module, func) if isinstance(module, str) else None
        if path:
            self.sources.of_module(str(module))
        value = f"{self.alias(str(module))}.{path}" if path else f"{place.text()}.nodes[{string(step.name)}].func"
        return self.bind(step.name, value, "Final[Callable[..., Any]]")


class Place:
    """How a compiled module reaches a workflow: by an expression that is bound only if it is needed."""

    def __init__(self, find: Callable[[], str]) -> None:
        self._find = find

    def text(self) -> str:
        """Give the expression."""
        return self._find()

    def inner(self, bindings: Bindings, node: str) -> Place:
        """Say how a workflow that is a node of this one is reached."""

        def find() -> str:
            value = f"{bindings.helper('inner')}({self.text()}, {string(node)})"
            return bindings.bind(f"{node}_workflow", value)

        return Place(find)


def _path(module: str, func: Any) -> str | None:
    """Find the way from a module to a function of it, or to the node that was made of it."""
    if module.partition(".")[0] in sys.stdlib_module_names or not is_importable(module):
        return None  # where the standard library keeps a function differs between versions
    path = getattr(func, "__qualname__", "")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        if not (part.isascii() and part.isidentifier()):
            return None
        found = getattr(found, part, None)
    if found is func:
        return str(path)
    return f"{path}.func" if isinstance(found, Node) and found.func is func else None


def reach(bindings: Bindings, plan: Plan, target: str) -> Place:
    """Say how the workflow that a target names is reached; without a target it is put into the namespace.

    Raises:
        CompileError: the target is no ``module:attribute``, or does not lead to the workflow of the plan.
    """
    if not target:
        bindings.in_memory = True
        name = bindings.namespace.take(WORKFLOW)
        return Place(lambda: name)
    module, _, attribute = target.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if not all(part.isascii() and part.isidentifier() for part in parts):
        raise CompileError(f'"{target}" is no target to compile: write package.module:workflow')
    alias = bindings.alias(module)
    bindings.sources.of_module(module)
    found: Any = sys.modules.get(module)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    nodes = getattr(found, "nodes", {})
    if any(nodes.get(step.name) is not step.node for step in plan.steps):
        raise CompileError(f'"{target}" is not the workflow "{plan.name}" that is to be compiled')
    return Place(lambda: f"{alias}.{attribute}")
