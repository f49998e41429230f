"""How a workflow is run."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from ..diagnostic import did_you_mean
from ..step import running
from ..workflow import ErrorStrategy, Mode

Validate = Literal["boundary", "all", "off"]


@dataclass
class ExecutionConfig:
    """How a workflow is run; what is not said costs nothing.

    Args:
        mode: ``sequential``; ``parallel``: async nodes on the event loop and the others in threads; ``processes``: the
            others in processes.
        max_workers: how many nodes may run at once; by default 4 more than there are processors, at most 32. There are
            never more processes than processors.
        use_process_pool: in parallel mode, nodes that are heavy by ``DAGAnalysis`` run in processes.
        memory_limit_mb: nodes wait to begin until what they need fits, with what runs, into this many mebibytes.
        timeout_seconds: how long one call of a node may take.
        retry_on_failure: whether retry policies are obeyed.
        enable_checkpointing: refused: there are no checkpoints yet.
        checkpoint_interval: nodes between two checkpoints.
        run_timeout_seconds: how long the run may take.
        error_strategy: after a node failed, ``stop``: nothing more begins, and the run raises; ``continue``: all that
            does not need the failed node runs, then the run raises; ``skip``: the same, and the run does not raise.
        validate: which values are held against the types of ports: ``boundary`` those that come from outside or could
            not be proved when the workflow was built, ``all``, or ``off``. A run that is started in another one, and is
            given no configuration, has that of the run around.
        measure: whether times of nodes are taken.

    Raises:
        ValueError: one of them makes no sense.

    """

    mode: Mode = "sequential"
    max_workers: int = field(default_factory=lambda: min(32, (os.cpu_count() or 1) + 4))
    use_process_pool: bool = False
    memory_limit_mb: int | None = None
    timeout_seconds: float | None = None
    retry_on_failure: bool = True
    enable_checkpointing: bool = False
    checkpoint_interval: int = 10
    run_timeout_seconds: float | None = None
    error_strategy: ErrorStrategy = "stop"
    validate: Validate = "boundary"
    measure: bool = True

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        check_choice("mode", self.mode, Mode)
        check_choice("error_strategy", self.error_strategy, ErrorStrategy)
        check_choice("validate", self.validate, Validate)
        if self.max_workers < 1:
            raise ValueError(f"max_workers is at least 1, not {self.max_workers}")
        for name in ("memory_limit_mb", "timeout_seconds", "run_timeout_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is more than 0, not {value!r}")
        if self.enable_checkpointing:
            raise ValueError("enable_checkpointing: this version keeps no checkpoints of a run")


def around() -> ExecutionConfig | None:
    """Give the configuration of the run that this code is a part of, if it is a part of one."""
    config: ExecutionConfig | None = getattr(running.get(), "config", None)  # a node executed by itself has none
    return config


_DISTRIBUTED: Final = "this version runs on one machine"


def check_choice(name: str, value: object, choices: object) -> None:
    """Refuse a value that is none of the choices.

    Raises:
        ValueError: it is none of them.

    """
    known = get_args(choices)
    if value in known:
        return
    hint = _DISTRIBUTED if value == "distributed" else did_you_mean(str(value), known, what=f"{name}s")
    *most, last = (f'"{choice}"' for choice in known)
    raise ValueError(f"{name} is {', '.join(most)} or {last}, not {value!r} ({hint})")
