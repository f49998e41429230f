"""Typed dataflow: write functions, wire them, have the wiring proved, run it or compile it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .context import Context, FSMContext, NodeExecution, Results
from .dag import DAG
from .diagnostic import Diagnostic, Location
from .edge import Edge
from .exceptions import (
    BranchError,
    CompileError,
    FastDagError,
    InputError,
    PlaceholderError,
    SerializationError,
    StaleModuleWarning,
    TargetError,
    WiringError,
    WorkflowExecutionError,
    WorkflowValidationError,
)
from .fsm import FSM
from .node import Condition, Node, Select, State
from .ports import Port
from .returns import UNSET, ConditionalReturn, FSMReturn, SelectReturn
from .workflow import Workflow, WorkflowBase

if TYPE_CHECKING:
    from .events import Event
    from .plan import Plan
    from .run.metrics import ExecutionMetrics
    from .run.runner import Runner
    from .show.visualizer import Visualizer
    from .step import Layer, Observer, Policy, Step
    from .store.records import (
        StoredError,
        from_dict,
        from_json,
        from_row,
        from_yaml,
        to_dict,
        to_json,
        to_row,
        to_yaml,
    )
    from .store.workflows import WorkflowSerializer
    from .validation import ValidationResult, validate_workflow

_LATER: Final = {
    "Event": "events",
    "ExecutionMetrics": "run.metrics",
    "Layer": "step",
    "Observer": "step",
    "Plan": "plan",
    "Policy": "step",
    "Runner": "run.runner",
    "Step": "step",
    "StoredError": "store.records",
    "ValidationResult": "validation",
    "Visualizer": "show.visualizer",
    "WorkflowSerializer": "store.workflows",
    "from_dict": "store.records",
    "from_json": "store.records",
    "from_row": "store.records",
    "from_yaml": "store.records",
    "to_dict": "store.records",
    "to_json": "store.records",
    "to_row": "store.records",
    "to_yaml": "store.records",
    "validate_workflow": "validation",
}
"""Names whose modules are imported when first asked for, so that authoring alone stays light."""

__version__ = "0.1.0"

__all__ = [
    "DAG",
    "FSM",
    "UNSET",
    "BranchError",
    "CompileError",
    "Condition",
    "ConditionalReturn",
    "Context",
    "Diagnostic",
    "Edge",
    "Event",
    "ExecutionMetrics",
    "FSMContext",
    "FSMReturn",
    "FastDagError",
    "InputError",
    "Layer",
    "Location",
    "Node",
    "NodeExecution",
    "Observer",
    "PlaceholderError",
    "Plan",
    "Policy",
    "Port",
    "Results",
    "Runner",
    "Select",
    "SelectReturn",
    "SerializationError",
    "StaleModuleWarning",
    "State",
    "Step",
    "StoredError",
    "TargetError",
    "ValidationResult",
    "Visualizer",
    "WiringError",
    "Workflow",
    "WorkflowBase",
    "WorkflowExecutionError",
    "WorkflowSerializer",
    "WorkflowValidationError",
    "__version__",
    "from_dict",
    "from_json",
    "from_row",
    "from_yaml",
    "to_dict",
    "to_json",
    "to_row",
    "to_yaml",
    "validate_workflow",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for."""
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, also those not imported yet."""
    return sorted(__all__)
