"""A policy for one node of a workflow only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..step import Call, Emit, Layer, Policy, Step


@dataclass(frozen=True)
class OnNode:
    """A policy among those of a runner that is for the node of this name only."""

    name: str
    policy: Policy

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        return self.policy.layer

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        """Wrap the call of that node."""
        return self.policy.wrap(step, call, emit) if step.name == self.name else call
