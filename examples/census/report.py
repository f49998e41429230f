"""The text of the report, in Markdown; the same tree gives the same text."""

import re
from collections.abc import Iterable, Sequence

from .model import Band, Complexity, Failure, Function, ImportGraph, Rank, Row, Totals


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Draw a table; columns of numbers and shares are aligned to the right."""
    rows = list(rows)
    right = [any(isinstance(row[index], int) for row in rows) or name == "share" for index, name in enumerate(head)]
    lines = [head, ["--:" if number else ":--" for number in right], *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    """Write one value so that it stays in its cell: numbers with thousands marked."""
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split()).replace("|", "\\|")


def code(name: str) -> str:
    """Write a name or path so that Markdown changes nothing in it."""
    quoted = name.replace("`", "'")
    return f"`{quoted}`"


def plain(text: str) -> str:
    """Write foreign text so that Markdown sees no marks in it."""
    return re.sub(r"([\\*_`<\[])", r"\\\1", text)


def share(part: int, whole: int) -> str:
    """Write a part as percentage; nothing of nothing is a dash."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def totals_section(totals: Totals) -> str:
    """Write the numbers of the whole tree."""
    lines = totals["lines"]
    return table(
        ["", "number", "share"],
        [
            ["files", totals["files"], ""],
            ["files not measured in full", totals["broken"], share(totals["broken"], totals["files"])],
            ["lines", lines, ""],
            ["lines of code", totals["code"], share(totals["code"], lines)],
            ["lines of comment", totals["comment"], share(totals["comment"], lines)],
            ["tokens", totals["tokens"], ""],
            ["functions", totals["functions"], ""],
            ["imported names", totals["imports"], ""],
            ["public definitions", totals["public"], ""],
            ["with a docstring", totals["documented"], share(totals["documented"], totals["public"])],
        ],
    )


def complexity_section(complexity: Complexity) -> str:
    """Write how complexity is spread, and the most complex functions."""
    bands = complexity["bands"]
    functions = sum(band.functions for band in bands)
    spread = table(
        ["complexity", "functions", "share"],
        [
            [label, band.functions, share(band.functions, functions)]
            for label, band in zip(labels(bands), bands, strict=True)
        ],
    )
    return f"{spread}\n\n{functions_table(complexity['hardest'])}"


def labels(bands: Sequence[Band]) -> list[str]:
    """Name bands by their bounds."""
    found: list[str] = []
    low = 1
    for band in bands:
        found.append(f"{low} and more" if band.upto is None else f"{low} to {band.upto}")
        low = (band.upto or 0) + 1
    return found


def functions_table(functions: Iterable[Function]) -> str:
    """Write functions with their place."""
    return table(
        ["function", "file", "line", "lines", "complexity"],
        [[code(f.name), code(f.path), *f[2:]] for f in functions],
    )


def imports_section(graph: ImportGraph) -> str:
    """Write who imports whom."""
    cycles = [f"- {', '.join(map(code, cycle))}" for cycle in graph["cycles"]] or ["There are none."]
    return "\n\n".join(
        [
            f"{graph['links']:,} pairs of modules of which one imports the other.",
            ranking("most imported", graph["inside"]),
            ranking("most imported from elsewhere", graph["outside"]),
            "Groups of modules that import each other outside of functions:",
            "\n".join(cycles),
        ]
    )


def ranking(head: str, ranks: Iterable[Rank]) -> str:
    """Write modules by how many import them."""
    return table([head, "importers"], [[code(rank.name), rank.importers] for rank in ranks])


def files_table(rows: Iterable[Row]) -> str:
    """Write one line for each file."""
    return table(
        ["file", "lines", "code", "functions", "hardest", "imports", "public", "documented"],
        [[code(row.path), *row[1:]] for row in rows],
    )


def failures_section(failures: Sequence[Failure]) -> str:
    """Write which files could not be measured, and why."""
    if not failures:
        return "Every file was measured in full."
    return table(["file", "why"], [[code(failure.path), plain(failure.reason)] for failure in failures])


def whole_report(
    title: str, totals: Totals, complexity: Complexity, imports: ImportGraph, files: str, failures: Sequence[Failure]
) -> str:
    """Put the sections together."""
    sections = {
        f"# Census of {plain(title)}": totals_section(totals),
        "## Complexity": complexity_section(complexity),
        "## Imports": imports_section(imports),
        "## Files": files,
        "## Files not measured in full": failures_section(failures),
    }
    return "\n\n".join(f"{head}\n\n{text}" for head, text in sections.items()) + "\n"
