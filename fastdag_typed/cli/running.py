"""``fastdag run``: inputs in, the final value out; how the run went on request."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import click

from ..exceptions import InputError, StaleModuleWarning, WorkflowExecutionError
from ..run.compiled import cannot
from ..run.runner import Runner
from .findings import node_failure
from .inputs import gather, refusal
from .target import locate
from .values import readable, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..observe.progress import Progress
    from ..run.config import ExecutionConfig
    from ..run.metrics import ExecutionMetrics
    from ..workflow import Workflow

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it: 128 and the number of the signal."""


@dataclass(frozen=True)
class Output:
    """What of a run is printed."""

    timings: bool
    as_json: bool
    results: bool
    quiet: bool


def run(
    target: str,
    allow: Sequence[str],
    inputs: tuple[str | None, Sequence[str]],
    config: ExecutionConfig,
    output: Output,
) -> int:
    """Run a workflow and print what was asked for; give the exit code.

    Raises:
        click.UsageError: the inputs are not those of the workflow.
        Findings: a module or a node raised.

    """
    found = locate(target, allow)
    workflow = found.workflow
    plan = workflow.plan()
    values = gather(plan, *inputs)
    progress = None
    if found.compiled is not None:
        what = "reads no clock" if output.timings else cannot(config)
        if what:
            raise click.UsageError(f"Compiled code {what}: run the workflow itself, {found.name}")
        runner = _compiled(workflow, found.compiled)
    else:
        progress = None if output.quiet else _progress(workflow)
        runner = Runner(workflow, config, observers=[progress] if progress else [])
    code = 0
    try:
        with runner:
            runner.run(values)
    except InputError as error:
        raise refusal(plan, values, error) from None
    except WorkflowExecutionError as error:
        code = _failed(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        if progress:
            progress.close()
    if code == INTERRUPTED:
        click.echo(interrupted(runner.metrics), err=True)
    if config.error_strategy != "stop":
        for line in runner.metrics.errors[code:]:  # the first is told already, if the run failed
            click.echo(line, err=True)
    _put(workflow, runner.metrics, output, failed=code != 0)
    return code


def _put(workflow: Workflow, metrics: ExecutionMetrics, output: Output, *, failed: bool) -> None:
    if output.as_json:
        click.echo(to_json(document(workflow, metrics, results=output.results)))
        return
    if output.results:
        for name, value in metrics.results.items():
            click.echo(f"{name}: {readable(value)}")
    elif not failed and not output.quiet:
        click.echo(readable(metrics.value))
    if output.timings:
        click.echo(table(metrics), err=True)


def _compiled(workflow: Workflow, file: Path) -> Runner:
    """Make the runner of a compiled module; if that one is stale, it runs the workflow and says so."""
    with catch_warnings(record=True) as caught:
        simplefilter("always", StaleModuleWarning)
        runner = Runner(workflow, compiled=file)
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    return runner


def _progress(workflow: Workflow) -> Progress | None:
    """Make the progress line, only where somebody can see it."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    from ..observe.progress import Progress

    return Progress(sys.stderr, counted=workflow.kind == "DAG")


def _failed(error: WorkflowExecutionError) -> int:
    found = node_failure(error)
    found.show()
    return found.exit_code


def interrupted(metrics: ExecutionMetrics) -> str:
    """Say how far an interrupted run came."""
    states = metrics.statuses
    done = [name for name, status in states.items() if status == "done"]
    inside = [f'"{name}"' for name, status in states.items() if status in ("failed", "running")]
    where = f" in {', '.join(inside)}" if inside else ""
    return f"Interrupted{where}; {len(done)} of {len(states)} nodes were done{': ' if done else ''}{', '.join(done)}"


def document(workflow: Workflow, metrics: ExecutionMetrics, *, results: bool) -> dict[str, Any]:
    """Collect what a program may want to know of a run; times are in seconds."""
    total = metrics.total_time
    nodes = {
        name: {
            "status": node.status,
            "order": node.order,
            "start": node.start,
            "duration": node.duration,
            "share": node.duration / total if total else 0.0,
            "attempts": node.attempts,
            "branch": node.branch,
        }
        for name, node in metrics.executions.items()
    }
    found = {
        "workflow": workflow.name,
        "value": metrics.value,
        "stop_reason": metrics.stop_reason,
        "total_time": total,
        "errors": metrics.errors,
        "nodes": nodes,
    }
    return {**found, "results": metrics.results} if results else found


def table(metrics: ExecutionMetrics) -> str:
    """Lay out how each node ran, in the order of their beginning; ``share`` is that of the run's time."""
    rows = [("node", "order", "status", "start ms", "duration ms", "attempts", "share")]
    ran = sorted(metrics.executions.items(), key=lambda item: (not item[1].attempts, item[1].start))
    for name, node in ran:
        if node.status in ("pending", "skipped"):
            rows.append((name, "", node.status, "", "", "", ""))
            continue
        share = f"{node.duration / metrics.total_time:.1%}" if metrics.total_time else ""
        times = f"{node.start * 1000:.3f}", f"{node.duration * 1000:.3f}"
        rows.append((name, str(node.order), node.status, *times, str(node.attempts), share))
    rows.append(("total", "", metrics.stop_reason, "", f"{metrics.total_time * 1000:.3f}", "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        f"{name:<{widths[0]}}  {order:>{widths[1]}}  {status:<{widths[2]}}  "
        + "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[3:], strict=True))
        for name, order, status, *cells in rows
    ]
    return "\n".join(line.rstrip() for line in aligned)
