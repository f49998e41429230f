"""``fastdag compile``: workflows as flat Python modules, and whether those are still up to date."""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..diagnostic import did_you_mean
from ..exceptions import CompileError, FastDagError
from .findings import refusal
from .target import is_path, locate, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdag_codegen import Options
    from fastdag_codegen.options import Choice

    from .target import Found


class View(NamedTuple):
    """What is only looked at: then nothing is written."""

    check: bool
    diff: bool
    explain: bool


class Job(NamedTuple):
    """One module to compile: to a file, or to the standard output (``-``); the rest is what a project says."""

    target: str
    output: str | None = None
    options: Options | None = None
    folder: Path | None = None


class Made(NamedTuple):
    """What a target was compiled to; ``before`` is what the file has now."""

    job: Job
    name: str
    file: Path | None
    before: str | None
    native: bool
    text: str
    choices: tuple[Choice, ...]

    @property
    def title(self) -> str:
        """How it is called in what is printed."""
        return self.name if self.file is None else str(self.file)


def compile_modules(
    targets: Sequence[str], outputs: Sequence[str], said: dict[str, Any], view: View, *, defaults: bool
) -> int:
    """Compile modules, then write all if none failed, or say what would change; give the exit code.

    Raises:
        click.UsageError: it is not clear what to write where, or a file cannot be read or written.
        FastDagError: the one target given cannot be compiled; else each that cannot is told.

    """
    jobs = _jobs(targets, outputs)
    alone = len(jobs) == 1
    made: list[Made] = []
    code = 0
    for job in jobs:
        try:
            made.append(_compiled(job, said, view, alone=alone, defaults=defaults))
        except (FastDagError, click.ClickException) as error:
            if alone and targets:
                raise
            failure = refusal(error) if isinstance(error, FastDagError) else error
            click.echo(f'Target "{job.target}" cannot be compiled:', err=True)
            failure.show()
            code = max(code, failure.exit_code)
    _refuse_one_file_for_two(made)
    if any(view):
        return max([code, *[_looked_at(one, view, alone=alone) for one in made]])
    if code:
        return code
    for one in made:
        _put(one)
    for one in made:
        _build(one)
    return 0


# -- what is to be done ----------------------------------------------------------------------------------------------


def _jobs(targets: Sequence[str], outputs: Sequence[str]) -> list[Job]:
    if targets:
        if outputs and len(outputs) != len(targets):
            count = f"there are {len(targets)}, and -o is given {len(outputs)} times"
            raise click.UsageError(f"-o FILE says for each TARGET where it goes: {count}")
        return [Job(target, outputs[index] if outputs else None) for index, target in enumerate(targets)]
    if outputs:
        raise click.UsageError("-o FILE says where a TARGET goes, and there is none")
    from fastdag_codegen.projects import find_project

    project = find_project(Path.cwd())
    if project is None or not project.modules:
        raise click.UsageError("Name a TARGET, or write tables [[tool.fastdag.compile]] into pyproject.toml")
    folder = project.folder

    def near(path: str) -> str:
        return path if folder == Path.cwd() or Path(path).is_absolute() else os.path.relpath(folder / path)

    def found(target: str) -> str:
        return near(target) if is_path(split(target)[0]) else target

    return [Job(found(one.target), near(one.output), one.options, folder) for one in project.modules]


def _compiled(job: Job, said: dict[str, Any], view: View, *, alone: bool, defaults: bool) -> Made:
    found = locate(job.target, folder=job.folder)
    if found.name is None:
        raise click.UsageError(f'"{job.target}" is a document, but what is compiled is package.module:workflow')
    file = found.compiled if job.output is None else None if job.output == "-" else Path(job.output)
    if file is None and (view.check or view.diff):
        option = "--check" if view.check else "--diff"
        raise click.UsageError(f"{option} compares with a compiled module: name it with -o FILE")
    if file is None and not (alone or view.explain):
        raise click.UsageError("several targets go to a file each: name them with -o FILE, one for each TARGET")
    before = None if file is None else _before(file)
    if view.check and before is None and job.options is None:
        hint = did_you_mean(str(file), map(str, Path(job.output or "").parent.glob("*.py")), what="files there")
        raise click.UsageError(f'"{file}" cannot be read: No such file or directory ({hint})')
    from fastdag_codegen import Options, compilation

    options = replace(Options() if defaults else job.options or _known(found, file, before), **said)
    if file is None and options.native and not any(view):
        raise click.UsageError("--native builds an extension beside the module: name that with -o FILE")
    compiled = compilation(found.workflow.plan(), target=found.name, options=options, before=before)
    return Made(job, found.name, file, before, options.native, *compiled)


def _before(file: Path) -> str | None:
    """Read the compiled module that is there, if any; nothing else is overwritten."""
    from fastdag_codegen.files import read, target_of

    if not file.exists():
        return None
    if not file.is_file():
        raise click.UsageError(f'"{file}" is not a file')
    try:
        text = read(file)
        target_of(text, file)
    except CompileError as error:
        raise click.UsageError(str(error)) from None
    return text


def _known(found: Found, file: Path | None, before: str | None) -> Options:
    """Find how the workflow was compiled before: to the module that is the target, or to the one that is replaced."""
    from fastdag_codegen import Options
    from fastdag_codegen.files import options_of, read, target_of

    if found.compiled is not None:
        return options_of(read(found.compiled), found.compiled)
    if file is not None and before is not None and target_of(before, file) == found.name:
        return options_of(before, file)
    return Options()


def _refuse_one_file_for_two(made: Sequence[Made]) -> None:
    goes: dict[Path, Made] = {}
    for one in made:
        other = one if one.file is None else goes.setdefault(one.file.resolve(), one)
        if other is not one:
            raise click.UsageError(f'Both "{other.name}" and "{one.name}" are to be compiled to "{one.file}"')


# -- what comes of it ------------------------------------------------------------------------------------------------


def _looked_at(made: Made, view: View, *, alone: bool) -> int:
    """Print what was asked for; give the exit code."""
    from fastdag_codegen import differences
    from fastdag_codegen.explain import explain, summarize

    if view.explain:
        click.echo(f"{'' if alone else f'{made.title}: '}{summarize(made.choices)}")
        click.echo(explain(made.choices))
    if not (view.check or view.diff):
        return 0
    stale = ["there is no such file"] if made.before is None else differences(made.before, made.text)
    if view.check:
        for change in stale:
            click.echo(f"{made.file} is stale: {change}")
        if not stale:
            click.echo(f"{made.file} is up to date")
    if view.diff:
        old = (made.before or "").splitlines(keepends=True)
        new = made.text.splitlines(keepends=True)
        name = made.file.as_posix() if made.file else ""
        for line in unified_diff(old, new, name if made.before else "/dev/null", name):
            click.echo(line, nl=False)
    return int(bool(stale))


def _put(made: Made) -> None:
    """Write a module; say so where the command line does not name the file."""
    from fastdag_codegen import write
    from fastdag_codegen.explain import summarize

    if made.file is None:
        click.echo(made.text, nl=False)
        return
    try:
        write(made.text, made.file)
    except OSError as error:
        raise click.UsageError(f'"{made.file}" cannot be written: {error.strerror}') from None
    if made.job.output is None or made.job.options is not None:
        same = made.before == made.text
        click.echo(f"{made.file} is up to date" if same else f"{made.file}: {made.name}, {summarize(made.choices)}")


def _build(made: Made) -> None:
    """Build the extension beside a module that is to have one."""
    if made.file is None or not made.native:
        return
    from fastdag_codegen.native import build

    try:
        build(made.file)
    except OSError as error:
        raise click.UsageError(f'The extension beside "{made.file}" cannot be written: {error.strerror}') from None
