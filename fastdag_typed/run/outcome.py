"""How a run went: the error that it raises, and its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..exceptions import RunTimeoutError, WorkflowExecutionError
from ..plan import slot_of
from ..step import Decision, Skipped
from .bind import getter
from .metrics import ExecutionMetrics
from .run import is_fatal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..diagnostic import Location
    from .run import Run


def failure_of(run: Run, error: BaseException | None) -> BaseException | None:
    """Choose what the run raises: of several failed nodes the first in the plan's order."""
    if error is not None and not isinstance(error, Exception):
        return error  # Ctrl-C, exit, cancellation: not a failure of a node
    if not run.failures:
        return error or _cycles_exceeded(run)
    if error is None and run.config.error_strategy == "skip" and not any(map(is_fatal, run.failures.values())):
        return None
    index = weightiest(run.failures)
    original = run.failures[index]
    if not isinstance(original, Exception):
        return original
    node = run.plan.steps[index].node
    failure = WorkflowExecutionError(describe(node.name, node.where, original), node_name=node.name, where=node.where)
    failure.__cause__ = original
    return failure


def weightiest(failures: Mapping[int, BaseException]) -> int:
    """Choose among failures by the number of their nodes: one that ends any run, else the first."""
    fatal = [index for index, failure in failures.items() if is_fatal(failure)]
    return min(fatal, key=lambda at: (isinstance(failures[at], Exception), at), default=min(failures))


def describe(name: str, where: Location | None, error: BaseException) -> str:
    """Say which node failed, where it is defined, and how."""
    place = f" ({where})" if where else ""
    return f'Error in node "{name}"{place}: {_shown(error)}'


def outside(error: BaseException) -> str:
    """Say what went wrong before, between or after the nodes."""
    return f"Error outside of the nodes: {_shown(error)}"


def _shown(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as fault:  # noqa: BLE001 - an exception's own fault must not hide it
        text = f"<its text raises {type(fault).__name__}>"
    own = (note for note in getattr(error, "__notes__", ()) if not getattr(note, "says_where", False))
    notes = "".join(f" ({note})" for note in own if "\n" not in str(note))
    return f"{type(error).__name__}{f': {text}' if text else ''}{notes}"


def stop_reason(error: BaseException) -> str:
    """Say in a word why a run that raises has ended."""
    if isinstance(error.__cause__, RunTimeoutError):
        return "timeout"
    return "failed" if isinstance(error, Exception) else "interrupted"


def _cycles_exceeded(run: Run) -> WorkflowExecutionError | None:
    facts = run.plan.machine
    if facts is None or run.stop_reason != "max_cycles":
        return None
    last = getattr(run.context, "current_state", None)
    return cycles_exceeded(run.plan.name, last, facts.max_cycles, facts.on_max_cycles)


def cycles_exceeded(
    name: str, last: str | None, limit: int, on_max_cycles: Literal["stop", "raise"]
) -> WorkflowExecutionError | None:
    """Make the error of a state machine that did not stop itself, or only log a warning."""
    message = f'State machine "{name}" stopped in state "{last}" after max_cycles={limit} cycles'
    if on_max_cycles == "raise":
        return WorkflowExecutionError(message, node_name=last)
    from logging import getLogger

    getLogger("fastdag_typed").warning("%s", message)
    return None


def metrics_of(run: Run, ended: float, failure: BaseException | None) -> ExecutionMetrics:
    """Close the record of a run that ended at a time and raises ``failure``, and make its metrics."""
    record, plan = run.record, run.plan
    for step in plan.steps if plan.guarded else ():
        if step.decision >= 0 and isinstance(decision := run.slots[step.decision], Decision):
            record.branches[step.name] = decision.branch
    run.catch_up()
    record.closed = True
    order, names = record.order(), plan.names
    executed = list(names[: len(order)]) if isinstance(order, range) else [names[i] for i in order]
    reason = run.stop_reason
    if failure is not None and reason != "max_cycles":
        reason = stop_reason(failure)
    steps = plan.steps
    metrics = ExecutionMetrics(
        total_time=ended - record.began,
        nodes_executed=len(executed) - len(run.failures),
        errors=[describe(names[i], steps[i].node.where, run.failures[i]) for i in sorted(run.failures)],
        execution_order=executed,
        stop_reason=reason,
        results=run.context.results,
        value=None if failure is not None else _value(run),
        executions=run.context.execution_info,
    )
    if run.compiled is None or run.compiled.watched:  # other compiled code reads no clock
        metrics.measured_by(record)
    return metrics


def _value(run: Run) -> Any:
    """Read the final value; what was skipped is ``None``, and left out of a dict."""
    returns, slots = run.plan.returns, run.slots
    missing = run.program.graph.skippable
    if missing:
        missing = frozenset(
            slot for _, read in returns.items if (slot := slot_of(read)) in missing and type(slots[slot]) is Skipped
        )
    if returns.form == "dict":
        return {name: getter(read)(slots) for name, read in returns.items if slot_of(read) not in missing}
    values = [None if slot_of(read) in missing else getter(read)(slots) for _, read in returns.items]
    if returns.form == "one":
        return values[0]
    return tuple(values) if returns.form == "tuple" else values
