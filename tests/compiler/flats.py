"""A function as the one node of a workflow, compiled: what the calls of real functions are replayed with."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from fastdag_codegen import inline
from fastdag_codegen.memory import compile_in_memory
from fastdag_codegen.options import Options
from fastdag_codegen.sources import Source
from fastdag_typed import DAG, Node
from fastdag_typed.exceptions import FastDagError

if TYPE_CHECKING:
    from types import FunctionType, ModuleType

_NODE = "node"


class Flat:
    """Answers calls of a function by a compiled module; raises what the module raises."""

    def __init__(self, function: FunctionType, module: ModuleType) -> None:
        self.signature = inspect.signature(function)
        self.module = module

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = self.signature.bind(*args, **kwargs).arguments
        return self.module.run(**{self.module.INPUTS[name]: value for name, value in given.items()})[_NODE]


def flat_of(function: FunctionType) -> Flat | str:
    """Make what answers calls of a function by its inlined body, or tell why it is called."""
    dag = DAG("one function")
    try:
        dag.add_node(Node(function, _NODE))
        made = compile_in_memory(dag, Options(2))
    except FastDagError as error:
        return f"it is no node: {type(error).__name__}"
    [choice] = made.choices
    if choice.how == "inlined":
        takes_all = made.module.INPUTS.keys() == inspect.signature(function).parameters.keys()
        return Flat(function, made.module) if takes_all else "a parameter is the context of the run"
    module = sys.modules[function.__module__]
    found = inline.read(function, Source(module.__name__, str(module.__file__)))
    return f"rule {found.rule}" if isinstance(found, inline.Refusal) else choice.reason
