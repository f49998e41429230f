"""The inputs of ``fastdag run``: ``name=value`` by the type of the port, and whole documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ..diagnostic import did_you_mean
from ..exceptions import InputError, SerializationError
from ..hints import show
from ..ports import EMPTY
from .values import read_data, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..plan import Plan


def gather(plan: Plan, document: str | None, pairs: Sequence[str]) -> dict[str, Any]:
    """Read the inputs of a run; ``name=value`` goes before the document.

    Raises:
        click.UsageError: an input is unknown, given twice, or no value of its port's type.

    """
    found: dict[str, Any] = {}
    for name, data in _document(document).items() if document else ():
        found.update(_read(plan, name, data, read_data))
    seen: set[str] = set()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise click.UsageError(f'--input takes name=value, not "{pair}"')
        if name in seen:
            raise click.UsageError(f'Input "{name}" is given twice')
        seen.add(name)
        found.update(_read(plan, name, text, read_text))
    return found


def _read(plan: Plan, name: str, given: Any, read: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """Read one input for each of the ports that it feeds; where their types differ, each gets a value of its own."""
    entries = plan.inputs_by_name.get(name)
    if entries is None and name in plan.unused:
        return {name: given}
    if entries is None:
        hint = did_you_mean(name, {entry.name for entry in plan.inputs} | plan.unused, what="open inputs")
        raise click.UsageError(f'Unknown input "{name}" ({hint})')
    values: list[Any] = []
    for entry in entries:
        try:
            values.append(read(given, entry.port.type))
        except ValueError as error:
            what = f'Input "{name}" of node "{entry.node}" expects "{show(entry.port.type)}"'
            raise click.UsageError(f"{what}, but is given {given!r}: {error}") from None
    if all(entry.port.type == entries[0].port.type for entry in entries):
        return {name: values[0]}
    return {f"{entry.node}.{entry.port.name}": value for entry, value in zip(entries, values, strict=True)}


def _document(file: str) -> dict[str, Any]:
    from ..store.plain import load_json
    from ..store.yamltext import load_yaml

    try:
        text = Path(file).read_bytes()
        data: Any = load_json(text) if file.endswith(".json") else load_yaml(text).data
    except OSError as error:
        raise click.UsageError(f'"{file}" cannot be read: {error.strerror}') from None
    except SerializationError as error:
        raise click.UsageError(f"{file}: {error}") from None
    if not isinstance(data, dict):
        raise click.UsageError(f"{file}: the inputs are a mapping from names to values, not a {type(data).__name__}")
    return cast("dict[str, Any]", data)


def refusal(plan: Plan, given: Mapping[str, Any], error: InputError) -> click.UsageError:
    """Say what is wrong with the inputs of a run, and how it is put right on the command line."""
    missing = {(entry.node, entry.port.name): entry for entry in plan.required if entry.name not in given}
    lines: list[str] = []
    for found in error.diagnostics:
        entry = missing.get((found.node or "", found.port or ""))
        if entry is None:
            lines.append(f"\n  {found.text}")
        else:
            kind = "" if entry.port.type is EMPTY else f", a value of type {show(entry.port.type)}"
            lines.append(f"\n  {replace(found, hint=f'give it as --input {entry.name}=VALUE{kind}').text}")
    return click.UsageError(f'Workflow "{plan.name}" cannot run with these inputs:{"".join(lines)}')
