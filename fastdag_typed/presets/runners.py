"""Runners that choose policies for their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..diagnostic import did_you_mean
from ..policies.handler import ErrorHandler
from ..policies.on_node import OnNode
from ..returns import name_of
from ..run.runner import Runner
from ..wiring import caller, refuse
from ..workflow import InputsT_contra, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from ..node import Node
    from ..step import Policy


class EnhancedRunner(Runner[InputsT_contra]):
    """Runs a workflow with a handler of errors, and strategies for what becomes of single nodes that fail.

    A node can have a strategy at each layer: its retries are inside its circuit breaker, and both inside its fallback.
    The handler of errors is asked what is left then. Everything else is as with ``Runner``.

    Args:
        workflow: what to run.
        error_handler: collects and handles failures; by default one that only collects.
        policies: what is put around every node's call.
        options: as for ``Runner``.

    """

    def __init__(
        self,
        workflow: Workflow[Any, InputsT_contra] | ModuleType,
        error_handler: ErrorHandler | None = None,
        *,
        policies: Iterable[Policy] = (),
        **options: Any,
    ) -> None:
        self.error_handler = ErrorHandler() if error_handler is None else error_handler
        self.recovery_strategies: dict[str, tuple[Policy, ...]] = {}
        self._for_all = tuple(policies)
        super().__init__(workflow, policies=(*self._for_all, self.error_handler), **options)

    def set_recovery_strategy(self, node_name: str | Node[..., Any], strategy: Policy) -> None:
        """Choose what becomes of a node that fails, in place of what was chosen before at the same layer.

        Raises:
            WiringError: the workflow has no such node.

        """
        name = name_of(node_name)
        known = self.workflow.nodes
        if name not in known or node_name not in (name, known[name]):
            message = f'Workflow "{self.workflow.name}" has no node "{name}" to recover'
            another = f'the node called "{name}" here is another one'
            hint = another if name in known else did_you_mean(name, known, what="nodes")
            raise refuse("fastdag-name", message, caller(), hint, name)
        others = (other for other in self.recovery_strategies.get(name, ()) if other.layer is not strategy.layer)
        self.recovery_strategies[name] = tuple(sorted((*others, strategy), key=lambda policy: policy.layer))
        chosen = (OnNode(name, each) for name, several in self.recovery_strategies.items() for each in several)
        self.policies = (*self._for_all, *chosen, self.error_handler)
