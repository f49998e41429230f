"""The command line: check, run, compile and show a workflow.

This module declares the commands and imports nothing else, so that help and completion are quick.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from .. import __version__
from ..exceptions import FastDagError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..workflow import ErrorStrategy, Mode
    from .showing import Form


class Program(click.Group):
    """The program; errors of the library become messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            code = super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            code = 130
        except FastDagError as error:
            from .findings import refusal

            raise refusal(error) from None
        ctx.exit(code or 0)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="fastdag")
def fastdag() -> None:
    """Check, run, compile and show workflows.

    A TARGET is package.module:workflow or file.py:workflow (without ":workflow" it is the only one there), a
    compiled module, or a workflow document in YAML or JSON. Modules are looked for in the working directory first.

    Exit codes: 0 all is well, 1 something is wrong with the workflow or its run, 2 the command line is wrong, 130
    interrupted.

    \b
    Completion in the shell, for example in ~/.bashrc or ~/.zshrc:
      eval "$(_FASTDAG_COMPLETE=bash_source fastdag)"
      eval "$(_FASTDAG_COMPLETE=zsh_source fastdag)"
    and in ~/.config/fish/completions/fastdag.fish:
      _FASTDAG_COMPLETE=fish_source fastdag | source
    """  # noqa: D301 - click wants the control character itself


_SECONDS = click.FloatRange(min=0, min_open=True)
_target = click.argument("target", type=click.Path())  # a path, so that shells complete files
_allow = click.option(
    "--allow",
    multiple=True,
    metavar="MODULE",
    help="A module that a workflow document may take functions from, or package.* for all in it.",
)


@fastdag.command("check")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True, type=click.Path())
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the findings.")
@_allow
def _check(targets: Sequence[str], allow: Sequence[str], *, strict: bool, as_json: bool) -> int:
    """Say everything that is wrong with workflows.

    For a valid one, its size and its open inputs are printed, too.
    """
    from .checking import check

    return check(targets, allow, strict=strict, as_json=as_json)


@fastdag.command("run")
@_target
@click.option("--input", "pairs", multiple=True, metavar="NAME=VALUE", help="An input; see below how it is written.")
@click.option("--inputs", "file", type=click.Path(), metavar="FILE", help="Inputs as a YAML or JSON mapping.")
@click.option(
    "--mode", type=click.Choice(["sequential", "parallel", "processes"]), default="sequential", show_default=True
)
@click.option("--max-workers", type=click.IntRange(min=1), metavar="N", help="How many nodes may run at once.")
@click.option("--timeout", type=_SECONDS, metavar="SECONDS", help="How long the run may take.")
@click.option("--node-timeout", type=_SECONDS, metavar="SECONDS", help="How long one call of a node may take.")
@click.option(
    "--on-error",
    type=click.Choice(["stop", "continue", "skip"]),
    default="stop",
    show_default=True,
    help="After a node failed: stop; run what does not need it, then fail; or the same and do not fail.",
)
@click.option("--timings", is_flag=True, help="Print how long each node took, to the standard error stream.")
@click.option("--results", is_flag=True, help="Print the result of every node.")
@click.option("--json", "as_json", is_flag=True, help="Print the value and how the run went as JSON.")
@click.option("--quiet", is_flag=True, help="Print neither the final value nor the progress.")
@_allow
def _run(
    target: str,
    allow: Sequence[str],
    pairs: Sequence[str],
    file: str | None,
    mode: Mode,
    max_workers: int | None,
    timeout: float | None,
    node_timeout: float | None,
    on_error: ErrorStrategy,
    **output: bool,
) -> int:
    """Run a workflow and print its final value.

    An input is the name of an open port, or node.port to address one node; "fastdag check" lists them. Its VALUE is
    read by the type of the port: text and paths as they are, numbers, true and false, dates in ISO 8601, members of an
    enum by name, null for None, and lists, mappings and records as JSON. For a port without a type it is JSON if it
    can be read as such, else text.

    With --json, records become objects, sets and tuples lists, dates, paths and bytes (in base64) text, and any other
    value {"type": ..., "repr": ...}.
    """
    from ..run.config import ExecutionConfig
    from .running import Output, run

    config = ExecutionConfig(
        mode=mode, timeout_seconds=node_timeout, run_timeout_seconds=timeout, error_strategy=on_error
    )
    if max_workers is not None:
        config.max_workers = max_workers
    return run(target, allow, (file, pairs), config, Output(**output))


@fastdag.command("compile")
@click.argument("targets", metavar="[TARGET]...", nargs=-1, type=click.Path())
@click.option(
    *("-o", "--output", "outputs"),
    multiple=True,
    type=click.Path(),
    metavar="FILE",
    help="Where to write, one for each TARGET; - for the standard output, which is the default.",
)
@click.option("--mode", type=click.Choice(["sequential", "threads", "asyncio"]), help="How the nodes run.")
@click.option(
    *("-O", "level"),
    type=click.Choice(["0", "1", "2"]),
    help="0: each node is called; 1: short functions are inlined, where that is certain to be the same; 2: long ones, "
    "too, and what pure nodes give is folded, shared, or left out.",
)
@click.option("--instrument", is_flag=True, default=None, help="Have the time of each node taken, and observers told.")
@click.option("--keep", multiple=True, metavar="NODE", help="A node whose result is returned; by default all.")
@click.option("--late-globals", is_flag=True, default=None, help="Look up what modules import at each use.")
@click.option("--native", is_flag=True, default=None, help="Build an extension beside FILE, too; it needs mypyc.")
@click.option("--defaults", is_flag=True, help="Forget how FILE was compiled before.")
@click.option("--check", is_flag=True, help="Say what has changed since FILE was compiled.")
@click.option("--diff", is_flag=True, help="Show what would change in FILE.")
@click.option("--explain", is_flag=True, help="Show which nodes are inlined, and why the others are not.")
def _compile(
    targets: Sequence[str],
    outputs: Sequence[str],
    level: str | None,
    keep: Sequence[str],
    *,
    defaults: bool,
    check: bool,
    diff: bool,
    explain: bool,
    **options: Any,
) -> int:
    """Compile workflows to flat Python modules.

    A TARGET that is a compiled module is compiled again, in its place. What is not said of how it is compiled is as it
    was before. All targets are compiled before any file is written.

    Without TARGET the modules are those of the project, in pyproject.toml here or in a folder above:

    \b
      [[tool.fastdag.compile]]
      target = "package.module:workflow"
      output = "package/flat.py"
      mode = "threads"            # this and what follows only if it is not as by default
      level = 2
      instrument = true
      keep = ["node"]
      late-globals = true
      native = true

    With --check, --diff and --explain nothing is written. With the first two the exit code is 1 if a module is stale.
    """  # noqa: D301 - click wants the control character itself
    from .compiling import View, compile_modules

    chosen = {**options, "level": level and int(level), "keep": keep or None}
    said = {name: value for name, value in chosen.items() if value is not None}
    return compile_modules(targets, outputs, said, View(check, diff, explain), defaults=defaults)


@fastdag.command("show")
@_target
@click.option("--format", "form", type=click.Choice(["mermaid", "dot", "svg", "png"]), help="By default as FILE ends.")
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Where to write; by default standard output.")
@_allow
def _show(target: str, allow: Sequence[str], form: Form | None, output: str | None) -> None:
    """Draw a workflow; SVG and PNG need Graphviz."""
    from .showing import show

    show(target, allow, form, output)


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; ``args`` are those of the process by default."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a result is printed whatever characters it has
    fastdag.main(args, prog_name="fastdag")


__all__ = ["fastdag", "main"]
