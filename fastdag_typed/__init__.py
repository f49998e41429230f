"""Typed dataflow: write functions, wire them, have the wiring proved, run it or compile it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .context import Context, FSMContext, NodeExecution, Results
from .dag import DAG
from .diagnostic import Diagnostic, Location
from .edge import Edge
from .exceptions import (
    BranchError,
    CacheError,
    CircuitOpenError,
    CompileError,
    FastDagError,
    InputError,
    IsolationError,
    MemoryLimitError,
    NodeTimeoutError,
    OptionError,
    PlaceholderError,
    PlacementError,
    PortTypeError,
    RemoteError,
    RunTimeoutError,
    SchemaError,
    SecurityError,
    SerializationError,
    StaleModuleWarning,
    TargetError,
    UnknownNodeError,
    WiringError,
    WorkerError,
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
    from .policies.breaker import CircuitBreakerStrategy
    from .policies.cache import Cache, CacheStats
    from .policies.errors import ErrorSeverity, WorkflowError
    from .policies.fallback import FallbackStrategy
    from .policies.handler import ErrorHandler
    from .policies.hooks import Hooks
    from .policies.isolate import IsolatedContext
    from .policies.lifecycle import LifecycleHook, LoggingHook, NodeLifecycle, ValidationHook
    from .policies.place import Place
    from .policies.recovery import RecoveryStrategy
    from .policies.resources import Memory, ResourceManager
    from .policies.retry import RetryStrategy
    from .policies.timeout import Timeout
    from .presets.nodes import CachedNode, EnhancedNode, RetryableNode
    from .presets.runners import EnhancedRunner
    from .run.config import ExecutionConfig
    from .run.executor import ParallelExecutor
    from .run.memory import CompiledWorkflow
    from .run.metrics import ExecutionMetrics
    from .run.runner import Runner
    from .run.shape import DAGAnalysis
    from .security.policy import Code, SecurityPolicy
    from .security.validator import InputValidator
    from .show.visualizer import Visualizer
    from .step import Layer, Observer, Policy, Step
    from .store.contexts import SerializableContext
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
    from .store.values import NotStored
    from .store.versions import NodeVersion, VersionedNodeRegistry
    from .store.workflows import WorkflowSerializer
    from .tuning.benchmarking import BenchmarkResult, BenchmarkRunner
    from .tuning.optimizer import ExecutionOptimizer, ExecutionPlan, PerformanceOptimizer
    from .tuning.requirements import PerformanceRequirements
    from .validation import ValidationResult, validate_workflow

_LATER: Final = {
    "BenchmarkResult": "tuning.benchmarking",
    "BenchmarkRunner": "tuning.benchmarking",
    "Cache": "policies.cache",
    "CacheStats": "policies.cache",
    "CachedNode": "presets.nodes",
    "CircuitBreakerStrategy": "policies.breaker",
    "Code": "security.policy",
    "CompiledWorkflow": "run.memory",
    "DAGAnalysis": "run.shape",
    "EnhancedNode": "presets.nodes",
    "EnhancedRunner": "presets.runners",
    "ErrorHandler": "policies.handler",
    "ErrorSeverity": "policies.errors",
    "Event": "events",
    "ExecutionConfig": "run.config",
    "ExecutionMetrics": "run.metrics",
    "ExecutionOptimizer": "tuning.optimizer",
    "ExecutionPlan": "tuning.optimizer",
    "FallbackStrategy": "policies.fallback",
    "Hooks": "policies.hooks",
    "InputValidator": "security.validator",
    "IsolatedContext": "policies.isolate",
    "Layer": "step",
    "LifecycleHook": "policies.lifecycle",
    "LoggingHook": "policies.lifecycle",
    "Memory": "policies.resources",
    "NodeLifecycle": "policies.lifecycle",
    "NodeVersion": "store.versions",
    "NotStored": "store.values",
    "Observer": "step",
    "ParallelExecutor": "run.executor",
    "PerformanceOptimizer": "tuning.optimizer",
    "PerformanceRequirements": "tuning.requirements",
    "Place": "policies.place",
    "Plan": "plan",
    "Policy": "step",
    "RecoveryStrategy": "policies.recovery",
    "ResourceManager": "policies.resources",
    "RetryStrategy": "policies.retry",
    "RetryableNode": "presets.nodes",
    "Runner": "run.runner",
    "SecurityPolicy": "security.policy",
    "SerializableContext": "store.contexts",
    "Step": "step",
    "StoredError": "store.records",
    "Timeout": "policies.timeout",
    "ValidationHook": "policies.lifecycle",
    "ValidationResult": "validation",
    "VersionedNodeRegistry": "store.versions",
    "Visualizer": "show.visualizer",
    "WorkflowError": "policies.errors",
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
    "BenchmarkResult",
    "BenchmarkRunner",
    "BranchError",
    "Cache",
    "CacheError",
    "CacheStats",
    "CachedNode",
    "CircuitBreakerStrategy",
    "CircuitOpenError",
    "Code",
    "CompileError",
    "CompiledWorkflow",
    "Condition",
    "ConditionalReturn",
    "Context",
    "DAGAnalysis",
    "Diagnostic",
    "Edge",
    "EnhancedNode",
    "EnhancedRunner",
    "ErrorHandler",
    "ErrorSeverity",
    "Event",
    "ExecutionConfig",
    "ExecutionMetrics",
    "ExecutionOptimizer",
    "ExecutionPlan",
    "FSMContext",
    "FSMReturn",
    "FallbackStrategy",
    "FastDagError",
    "Hooks",
    "InputError",
    "InputValidator",
    "IsolatedContext",
    "IsolationError",
    "Layer",
    "LifecycleHook",
    "Location",
    "LoggingHook",
    "Memory",
    "MemoryLimitError",
    "Node",
    "NodeExecution",
    "NodeLifecycle",
    "NodeTimeoutError",
    "NodeVersion",
    "NotStored",
    "Observer",
    "OptionError",
    "ParallelExecutor",
    "PerformanceOptimizer",
    "PerformanceRequirements",
    "Place",
    "PlaceholderError",
    "PlacementError",
    "Plan",
    "Policy",
    "Port",
    "PortTypeError",
    "RecoveryStrategy",
    "RemoteError",
    "ResourceManager",
    "Results",
    "RetryStrategy",
    "RetryableNode",
    "RunTimeoutError",
    "Runner",
    "SchemaError",
    "SecurityError",
    "SecurityPolicy",
    "Select",
    "SelectReturn",
    "SerializableContext",
    "SerializationError",
    "StaleModuleWarning",
    "State",
    "Step",
    "StoredError",
    "TargetError",
    "Timeout",
    "UnknownNodeError",
    "ValidationHook",
    "ValidationResult",
    "VersionedNodeRegistry",
    "Visualizer",
    "WiringError",
    "WorkerError",
    "Workflow",
    "WorkflowBase",
    "WorkflowError",
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
