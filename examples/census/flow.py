"""The census as a workflow: nodes first, then the wiring.

Run it with ``fastdag run examples.census.flow:dag --input root=/some/folder``. Without inputs it measures the standard
library of the Python that runs it and writes ``census.md`` into the working directory.
"""
# pyright: reportUnusedExpression=false
# A statement "a >> b" is an expression whose value is not used: it wires.

import sysconfig
import tokenize
from collections import Counter
from pathlib import Path
from typing import Final

from fastdag_typed import DAG, ConditionalReturn

from . import measure
from .imports import graph
from .model import (
    Band,
    Complexity,
    Documented,
    Failure,
    Function,
    Import,
    ImportGraph,
    Lines,
    Module,
    Parsing,
    Reading,
    Row,
    Source,
    Tokenizing,
    Totals,
    Tree,
    Written,
)
from .report import files_table, whole_report

STANDARD_LIBRARY: Final = Path(sysconfig.get_path("stdlib"))
SKIPPED: Final = ("__pycache__", "dist-packages", "idlelib", "site-packages", "test")
BANDS: Final = (5, 10, 20, 50)
"""Upper bounds of the bands of complexity; the last band has none."""

dag = DAG("census", "Measure the Python files of a source tree and write a report.")


@dag.node
def find_files(root: Path = STANDARD_LIBRARY, skip: tuple[str, ...] = SKIPPED) -> Tree:
    """List the Python files below ``root``, without the folders named in ``skip``."""
    root = root.resolve()
    return Tree(root.name, root, measure.list_python_files(root, frozenset(skip)))


@dag.node
def read_sources(tree: Tree) -> Reading:
    """Read every file; list those that cannot be read or decoded."""
    sources: list[Source] = []
    failures: list[Failure] = []
    for path in tree.paths:
        try:
            sources.append(measure.read_source(tree.root, path))
        except (OSError, SyntaxError, ValueError) as error:
            failures.append(measure.failure_of(path, error))
    return Reading(sources, failures)


@dag.node
def tokenize_sources(sources: list[Source]) -> Tokenizing:
    """Count the lines of every file by their tokens; list those that cannot be tokenized."""
    counts: list[Lines] = []
    failures: list[Failure] = []
    for source in sources:
        try:
            counts.append(measure.count_lines(source))
        except (SyntaxError, tokenize.TokenError) as error:
            failures.append(measure.failure_of(source.path, error))
    return Tokenizing(counts, failures)


@dag.node
def parse_sources(sources: list[Source]) -> Parsing:
    """Parse every file; list those that cannot be parsed."""
    modules: list[Module] = []
    failures: list[Failure] = []
    for source in sources:
        try:
            modules.append(measure.parse_source(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            failures.append(measure.failure_of(source.path, error))
    return Parsing(modules, failures)


@dag.node
def measure_functions(modules: list[Module]) -> list[Function]:
    """Measure every function."""
    return [function for module in modules for function in measure.functions_of(module)]


@dag.node
def collect_imports(modules: list[Module]) -> list[Import]:
    """List every import."""
    return [one for module in modules for one in measure.imports_of(module)]


@dag.node
def check_docstrings(modules: list[Module]) -> list[Documented]:
    """Count what is public and what is documented."""
    return [measure.documented_of(module) for module in modules]


@dag.node
def list_failures(*failures: list[Failure]) -> list[Failure]:
    """List every file that some stage could not handle, with the reason of the first such stage."""
    first: dict[str, Failure] = {}
    for stage in failures:
        for failure in stage:
            first.setdefault(failure.path, failure)
    return sorted(first.values())


@dag.node
def grade_complexity(functions: list[Function], top: int = 15) -> Complexity:
    """Sort the functions into bands, and find the most complex ones."""
    bands: Counter[int | None] = Counter(
        next((bound for bound in BANDS if function.complexity <= bound), None) for function in functions
    )
    ranked = sorted(functions, key=lambda function: (-function.complexity, function.path, function.line))
    return Complexity(bands=[Band(bound, bands[bound]) for bound in (*BANDS, None)], hardest=ranked[:top])


@dag.node
def join_files(
    counts: list[Lines], functions: list[Function], imports: list[Import], documented: list[Documented]
) -> list[Row]:
    """Join what the branches know of each file that every branch could handle."""
    number: Counter[str] = Counter(function.path for function in functions)
    imported: Counter[str] = Counter(one.path for one in imports)
    hardest: dict[str, int] = {}
    for function in functions:
        hardest[function.path] = max(function.complexity, hardest.get(function.path, 0))
    lines = {count.path: count for count in counts}
    return [
        Row(
            path,
            lines[path].total,
            lines[path].code,
            number[path],
            hardest.get(path, 0),
            imported[path],
            public,
            with_text,
        )
        for path, public, with_text in documented
        if path in lines
    ]


@dag.node
def add_up(
    tree: Tree,
    counts: list[Lines],
    functions: list[Function],
    imports: list[Import],
    documented: list[Documented],
    failures: list[Failure],
) -> Totals:
    """Add up what each branch could measure."""
    return Totals(
        files=len(tree.paths),
        broken=len(failures),
        lines=sum(count.total for count in counts),
        code=sum(count.code for count in counts),
        comment=sum(count.comment for count in counts),
        tokens=sum(count.tokens for count in counts),
        functions=len(functions),
        imports=len(imports),
        public=sum(one.public for one in documented),
        documented=sum(one.documented for one in documented),
    )


@dag.condition
def is_small(rows: list[Row], limit: int = 40) -> ConditionalReturn[list[Row]]:
    """Decide whether every file gets a line in the report."""
    return ConditionalReturn(len(rows) <= limit, rows)


@dag.node
def show_every_file(rows: list[Row]) -> str:
    """Write one line for each file."""
    return files_table(rows)


@dag.node
def show_largest_files(rows: list[Row], top: int = 15) -> str:
    """Write one line for each of the largest files."""
    largest = sorted(rows, key=lambda row: (-row.lines, row.path))[:top]
    return f"The largest {len(largest)} of {len(rows):,} files.\n\n{files_table(largest)}"


@dag.any
def choose_files(every: str | None, largest: str | None) -> str:
    """Take whichever of the two was written."""
    return every or largest or ""


@dag.node
def write_text(
    title: str, totals: Totals, complexity: Complexity, imports: ImportGraph, files: str, failures: list[Failure]
) -> str:
    """Write the text of the report."""
    return whole_report(title, totals, complexity, imports, files, failures)


@dag.node
def save_report(text: str, totals: Totals, report: Path = Path("census.md")) -> Written:
    """Save the report, in a folder that is made if need be."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return Written(report, totals["files"], totals["functions"], totals["broken"])


study_imports = dag.add_workflow("study_imports", graph)

# Each arrow goes to the next free input. A record such as Reading feeds the input that bears the name of a field.
find_files >> read_sources >> [tokenize_sources, parse_sources]
parse_sources >> [measure_functions, collect_imports, check_docstrings]
[read_sources, tokenize_sources, parse_sources] >> list_failures
[tokenize_sources, measure_functions, collect_imports, check_docstrings] >> join_files
measure_functions >> grade_complexity

collect_imports.connect_to(study_imports, input_name="imports")
find_files.connect_to(study_imports, output_name="paths", input_name="paths")

[find_files, tokenize_sources, measure_functions, collect_imports, check_docstrings, list_failures] >> add_up

join_files >> is_small
is_small.on_true >> show_every_file
is_small.on_false >> show_largest_files
[show_every_file, show_largest_files] >> choose_files

find_files.connect_to(write_text, output_name="name", input_name="title")
[add_up, grade_complexity, study_imports, choose_files, list_failures] >> write_text >> save_report
add_up >> save_report
