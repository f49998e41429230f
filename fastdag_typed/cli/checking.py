"""``fastdag check``: every finding about a workflow, and what it is made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..checks import unchecked
from ..hints import show
from ..ports import EMPTY
from ..validation import examine
from .findings import Findings
from .target import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostic import Diagnostic
    from ..workflow import Workflow


def check(targets: Sequence[str], allow: Sequence[str], *, strict: bool, as_json: bool) -> int:
    """Print the findings about each target; give the exit code."""
    rows: list[dict[str, Any]] = []
    failed = False
    for target in targets:
        trace = summary = ""
        workflow = None
        try:
            workflow = find(target, allow)
        except Findings as failure:
            found: Sequence[Diagnostic] = failure.diagnostics
            trace, name = failure.trace, target
        else:
            found = examine(workflow).diagnostics
            name, summary = workflow.name, summarize(workflow)
        errors = sum(one.severity == "error" for one in found)
        failed = failed or errors > 0 or (strict and bool(found))
        if as_json:
            rows.extend(_row(target, one) for one in found)
            continue
        for one in found:
            click.echo(str(one))
        for note in blind_spots(workflow) if workflow is not None and not errors else ():
            click.echo(note)
        click.echo(trace, err=True, nl=False)
        click.echo(f"{name}: {_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}{summary}")
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    return int(failed)


def summarize(workflow: Workflow) -> str:
    """Say of how much a workflow consists and which inputs are open, if it is valid."""
    edges = sum(1 for _ in workflow.edges)
    text = f"; {_count(len(workflow.nodes), 'node')}, {_count(edges, 'edge')}"
    if not examine(workflow).is_valid:
        return text
    inputs: dict[str, str] = {}
    for entry in workflow.plan().inputs:
        kind = "" if entry.port.type is EMPTY else f": {show(entry.port.type)}"
        inputs.setdefault(entry.name, f"{entry.name}{kind}{'' if entry.default is EMPTY else ' (optional)'}")
    return f"{text}; open inputs: {', '.join(inputs.values()) or 'none'}"


def blind_spots(workflow: Workflow) -> list[str]:
    """Say what a run will not be able to check of the types of ports, where it has to check them."""
    found = unchecked(workflow.plan())
    return [f'note: a run checks input port "{one.port}" of "{one.node}" in part: {one.what}' for one in found]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _row(target: str, found: Diagnostic) -> dict[str, Any]:
    return {
        "target": target,
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "hint": found.hint,
        "file": found.where and found.where.file,
        "line": found.where and found.where.line,
        "node": found.node,
        "port": found.port,
    }
