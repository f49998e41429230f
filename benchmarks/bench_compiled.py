"""What compiled workflows cost, held against the same written by hand; each figure has its control in the same rounds.

What does not wait is timed by the processor's clock. See ``bench_engine`` for what the environment can ask for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from importlib import import_module, invalidate_caches
from itertools import cycle
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time
from types import FunctionType
from typing import TYPE_CHECKING, Final

import pytest

from benchmarks.compare import Figure, Found, compared, repeated
from benchmarks.flat import compiled
from benchmarks.peers.ours import counting, wired
from benchmarks.works import STATES, by_hand, chain, ends, layered
from examples.census.flow import dag as census
from fastdag_codegen import Options, compilation, load, write
from fastdag_codegen.inline import Refusal, read
from fastdag_codegen.sources import Sources
from fastdag_typed import DAG, Runner
from fastdag_typed.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.conftest import Report
    from benchmarks.works import Graph

SHAPES: Final[dict[str, Callable[[], Graph]]] = {
    "layers, 10 x 10": lambda: layered(10, 10),
    "chain of 1,000": lambda: chain(1000),
    "layers, 100 x 10": lambda: layered(100, 10),
}

measured = partial(compared, clock=process_time)


# -- one node after the other ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True], ids=["all", "last"])
@pytest.mark.parametrize("shape", SHAPES)
def bench_graph(report: Report, shape: str, *, keep: bool) -> None:
    """Run compiled calls against calls by hand, and inlined bodies against those by hand and against calls.

    To keep every value by its name takes about as long as to find it, on either side, so calls that are saved count
    for less there.
    """
    graph = SHAPES[shape]()
    last = tuple(ends(graph)) if keep else None
    workflow, what = wired(graph), f"{shape}{', last kept' if keep else ''}"
    flat = {level: compiled(workflow, Options(level=level, keep=last))[0].run for level in (0, 1)}
    plain = {level: by_hand(graph, last, inlined=bool(level)) for level in (0, 1)}
    assert flat[0](0) == flat[1](0) == plain[0](0) == plain[1](0)
    for title, level, control, limit in (
        ("calls to calls", 0, 0, 1.05),
        ("inlined to inlined", 1, 1, 1.1),
        ("inlined to calls", 1, 0, 1 / 1.5 if keep else 0.9),
    ):
        run, other = flat[level], plain[control]
        figure = measured(f"{what}: {title}", partial(run, 0), partial(other, 0), limit=limit, nodes=len(graph))
        report.figures.append(figure)


def bench_one_node(report: Report) -> None:
    """Run a single node: what a compiled workflow takes more than a call, however long it is."""
    graph = chain(1)
    run, plain = compiled(wired(graph), Options(level=0))[0].run, by_hand(graph)
    assert run(0) == plain(0)
    report.figures.append(measured("one node, called", partial(run, 0), partial(plain, 0), limit=0.2, unit="µs"))


def bench_machine(report: Report) -> None:
    """Run a compiled state machine against the interpreted one."""
    limit = 10_000
    machine = counting(limit, STATES)
    runner, (module, _) = Runner(machine), compiled(machine)
    run, flat = partial(runner.run, {"begin": 0, "limit": limit}), partial(module.run, begin=0, limit=limit)
    assert run().results == flat() == {"start": 1, "tick": limit, "tock": limit - 1}
    report.figures.append(measured("machine, 10,000 transitions", flat, run, limit=1 / 3, nodes=limit, rounds=50))


# -- a workflow of its own -------------------------------------------------------------------------------------------

NEVER_SLOWER: Final = 1.01
"""Two equal runs of so much work differ by a percent."""


@pytest.mark.parametrize("package", ["json", "empty"])
def bench_census(report: Report, tmp_path: Path, package: str) -> None:
    """Run the compiled census against the interpreted one: on a package, and on a folder without anything to do."""
    root = Path(json.__file__).parent if package == "json" else tmp_path / package
    root.mkdir(exist_ok=True)
    path = tmp_path / "flat.py"
    write(compilation(census.plan(), target="examples.census.flow:dag").text, path)
    flat, runner = load(path).run, Runner(census)
    run = partial(runner.run, {"root": root, "report": tmp_path / "one.md"})
    subject = partial(flat, root=root, report=tmp_path / "other.md")
    assert run().results["write_text"] == subject()["write_text"]
    report.figures.append(measured(f"census, {package}", subject, run, limit=NEVER_SLOWER, rounds=30))


# -- compiling -------------------------------------------------------------------------------------------------------

KINDS: Final = {
    "scale": '''
def scale_{n}(x: int, factor: int = {n}) -> int:
    """Multiply, in bounds."""
    found = x * factor
    if found > 1_000_000:
        return found % 1_000_003
    return found
''',
    "total": '''
def total_{n}(x: int) -> int:
    """Add up what is left of some numbers."""
    total = 0
    for number in range({n}, {n} + 9):
        left = number % 7
        if left == {n} % 7:
            continue
        total += left * x
    return total & 0xFFFF
''',
    "pick": '''
def pick_{n}(x: int) -> int:
    """Sort some numbers and take one."""
    numbers = sorted((x * number) % 101 for number in range({n}, {n} + 12))
    pairs = {{index: number for index, number in enumerate(numbers) if number % 2}}
    return max(pairs.values(), default={n})
''',
    "parse": '''
def parse_{n}(x: int) -> int:
    """Read a number that may be none."""
    text = f"{{x:>6}}"[-{n} % 5 :]
    try:
        found = int(text)
    except ValueError:
        found = {n}
    return found + len(text)
''',
}
"""Functions as nodes have them."""


def written(folder: Path, name: str, functions: int, nodes: int) -> None:
    """Write a module with a chain of nodes, of so many functions in turn."""
    numbered = list(zip(range(functions), cycle(KINDS)))
    text = [
        "from fastdag_typed import DAG, Node\n",
        *(KINDS[kind].format(n=n) for n, kind in numbered),
        f"\nFUNCTIONS = ({', '.join(f'{kind}_{n}' for n, kind in numbered)},)",
        'dag = DAG("chain")',
        f"for number in range({nodes}):",
        f'    dag.add_node(Node(FUNCTIONS[number % {functions}], f"n{{number}}"))',
        "    if number:",
        '        dag.connect(f"n{number - 1}", f"n{number}", input="x")',
    ]
    (folder / f"{name}.py").write_text("\n".join(text) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder from which modules are imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("functions", "nodes", "limit"), [(100, 100, 15.0), (20, 1000, 2000.0)])
def bench_compiling(report: Report, folder: Path, functions: int, nodes: int, limit: float) -> None:
    """Compile functions that were never read before: what each of them takes, or all of the nodes."""
    took: list[float] = []
    for number in range(repeated(5) + 1):
        name = f"compiled_cold_{functions}_{number}"
        written(folder, name, functions, nodes)
        invalidate_caches()
        dag: DAG = import_module(name).dag
        plan = dag.plan()
        began = process_time()
        _, choices = compilation(plan, target=f"{name}:dag")
        took.append(process_time() - began)
        assert {choice.how for choice in choices} == {"inlined"}
    by = functions if functions == nodes else 1
    what = f"compiling {nodes:,} nodes of {functions} functions{', each' if by > 1 else ''}"
    report.figures.append(absolute(what, [seconds / by for seconds in took[1:]], limit))


PACKAGES: Final = ("click.core", "click.termui", "click.utils", "jinja2.compiler", "jinja2.filters", "jinja2.lexer")


def bench_reading(report: Report) -> None:
    """Read functions of other packages as what a node calls, for the first time: their files, and all the rules."""
    modules = {name: vars(import_module(name)).values() for name in PACKAGES}
    found = [
        (value, Location(value.__code__.co_filename, value.__code__.co_firstlineno), name)
        for name, values in modules.items()
        for value in values
        if isinstance(value, FunctionType) and value.__module__ == name
    ]
    sources = Sources()
    began = process_time()
    bodies = [read(func, sources.function(where, name).source) for func, where, name in found]
    took = (process_time() - began) / len(found)
    count = sum(not isinstance(body, Refusal) for body in bodies)
    what = f"reading {len(found)} functions of packages, {count} to be inlined, each"
    report.figures.append(absolute(what, [took], 15.0))


def absolute(what: str, took: list[float], limit: float) -> Figure:
    """Hold times in seconds against milliseconds that they may take."""
    return Figure(what, min(took), None, Found(median(took) * 1e3, min(took) * 1e3), limit, "ms")


def children() -> float:
    """Tell how many seconds of processor time all programs took that were started here and have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("what", ["census", "1,000 nodes of 20 functions"])
def bench_check(report: Report, folder: Path, what: str) -> None:
    """Ask on the command line whether a module is up to date, with the bytecode of all that is imported.

    The control starts Python and imports the compiler, with the parser of functions that it is built on.
    """
    target = "examples.census.flow:dag"
    if what != "census":
        written(folder, "compiled_checked", 20, 1000)
        target = "compiled_checked:dag"
    fastdag = ["-m", "fastdag_typed.cli", "compile", target, "-o", str(folder / "flat.py")]
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def started(arguments: list[str]) -> str:
        command, own = [sys.executable, *arguments], {**env, "PYTHONPATH": path}
        return subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout

    started(fastdag)
    assert "is up to date" in started([*fastdag, "--check"])
    check = partial(started, [*fastdag, "--check"])
    imports = partial(started, ["-c", "import fastdag_typed.cli, fastdag_codegen.modules, jinja2"])
    report.figures.append(
        compared(f"--check, {what}", check, imports, limit=1000, rounds=10, unit="ms", clock=children)
    )
