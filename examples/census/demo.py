"""The whole way of a workflow, on the census: types, checks, a run, a compiled run, pictures.

``python -m examples.census.demo [folder]`` measures a folder (by default the standard library) and writes everything
into ``out``. It stops with an error at the first step that fails.
"""

import gc
import importlib.util
import subprocess
import sys
from pathlib import Path
from shutil import which
from time import process_time
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from fastdag_typed import FastDagError, Visualizer

from .flow import STANDARD_LIBRARY, dag

if TYPE_CHECKING:
    from .model import Written

HERE: Final = Path(__file__).parent
OUT: Final = Path("out")
TARGET: Final = f"{__package__}.flow:dag"
MYPY_SETTINGS: Final = "[mypy]\nstrict = True\nplugins = fastdag_mypy\n"


def main() -> None:
    """Carry out every step."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else STANDARD_LIBRARY
    OUT.mkdir(exist_ok=True)
    check_types()
    find_the_wrong_edge()
    validate()
    interpreted = run_interpreted(root)
    compare(interpreted, run_compiled(root))
    draw()
    heading("Done")
    for path in sorted(OUT.glob("census*")):
        say(f"{path}")


def check_types() -> None:
    """Type-check the census."""
    heading("1. The type checker proves the wiring")
    done = mypy(HERE / "flow.py")
    if done.returncode:
        fail(f"mypy found errors:\n{done.stdout}{done.stderr}")
    say(f"mypy --strict with the plugin: {done.stdout.strip()}")
    say(f"{len(dag.nodes)} nodes and {len(list(dag.edges))} edges: each value fits the input that it goes to.")


def find_the_wrong_edge() -> None:
    """Show what the type checker says of a copy with one wrong edge."""
    heading("2. It finds a wrong edge before anything runs")
    file = HERE / "miswired.py"
    lines = file.read_text(encoding="utf-8").splitlines()
    number, line = next((n, text) for n, text in enumerate(lines, 1) if "# wrong:" in text)
    say(f"{file.name}, line {number}:  {line}")
    done = mypy(file)
    errors = [one for one in done.stdout.splitlines() if ": error: " in one]
    if len(errors) != 1 or f"{file.name}:{number}: " not in errors[0] or "[fastdag-port]" not in errors[0]:
        fail(f"mypy should report line {number} of {file}, and nothing else:\n{done.stdout}{done.stderr}")
    say(errors[0].partition(": error: ")[2])


def validate() -> None:
    """Have the workflow examined at run time, too."""
    heading("3. The same checks at run time")
    fastdag("check", TARGET)
    if found := dag.validate():
        fail("\n".join(found))


def run_interpreted(root: Path) -> tuple[Path, float]:
    """Run the workflow as it is."""
    heading("4. A run of the workflow as it is")
    report = OUT / "census.md"
    started = process_time()
    written: Written = dag.run(root=root, report=report)
    took = process_time() - started
    say(f"{written.files:,} files, {written.functions:,} functions, {written.broken} files with problems")
    say(f"{took:.2f} s of processor time")
    say(f"The report is {report}.")
    dag.results.clear()  # a million objects of syntax trees would slow the run that follows
    gc.collect()
    return report, took


def run_compiled(root: Path) -> tuple[Path, float]:
    """Compile the workflow to a module and run that."""
    heading("5. A run of the compiled workflow")
    module = OUT / "census_flat.py"
    fastdag("compile", TARGET, "-o", str(module))
    flat = load(module)
    report = OUT / "census_flat.md"
    started = process_time()
    flat.run(root=root, report=report)
    took = process_time() - started
    say(f"{module} is plain Python that calls the functions one after the other.")
    say(f"{took:.2f} s of processor time")
    return report, took


def compare(interpreted: tuple[Path, float], compiled: tuple[Path, float]) -> None:
    """Hold the two reports and times against each other."""
    heading("6. Both give the same")
    if interpreted[0].read_bytes() != compiled[0].read_bytes():
        fail(f"{interpreted[0]} and {compiled[0]} differ")
    say(f"{interpreted[0]} and {compiled[0]}: the same {interpreted[0].stat().st_size:,} bytes.")
    say(f"Interpreted {interpreted[1]:.2f} s, compiled {compiled[1]:.2f} s, ratio {interpreted[1] / compiled[1]:.2f}.")
    say("Nearly all of it is the nodes' own work, so the ratio is near 1: compiling removes only what is around them.")


def draw() -> None:
    """Draw the workflow."""
    heading("7. Pictures")
    pictures = Visualizer(dag)
    (OUT / "census.mmd").write_text(pictures.to_mermaid(), encoding="utf-8")
    (OUT / "census.dot").write_text(pictures.to_graphviz(), encoding="utf-8")
    say("Mermaid and DOT are written.")
    if which("dot"):
        pictures.to_svg(OUT / "census.svg")
        say("SVG is drawn.")
    else:
        say("SVG is left out: Graphviz is not installed.")


def mypy(file: Path) -> subprocess.CompletedProcess[str]:
    """Type-check one file and what it imports."""
    settings = OUT / "mypy.ini"
    settings.write_text(MYPY_SETTINGS, encoding="utf-8")
    options = ["--config-file", str(settings), "--cache-dir", str(OUT / ".mypy_cache")]
    return start("mypy", *options, str(file))


def fastdag(*arguments: str) -> None:
    """Carry out a command of the command line and show it with what it prints."""
    click.secho(f"  $ fastdag {' '.join(arguments)}", dim=True)
    done = start("fastdag_typed.cli", *arguments)
    if done.returncode:
        fail(f"fastdag {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    for line in (done.stdout + done.stderr).splitlines():
        say(line)


def start(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a Python of its own."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no word is foreign


def load(path: Path) -> Any:
    """Import a module from a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        fail(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def heading(text: str) -> None:
    """Print the title of a step."""
    click.secho(f"\n{text}", bold=True)


def say(text: str) -> None:
    """Print what happened."""
    click.echo(f"  {text}")


def fail(text: str) -> NoReturn:
    """Print what went wrong and stop."""
    click.secho(text, fg="red", err=True)
    sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except FastDagError as error:
        fail(str(error))
