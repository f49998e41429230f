"""Programs of one module, of any size: right by every rule, with the plugin, without it and when they run."""

from __future__ import annotations

from string import Template
from typing import Final

Program = dict[str, str]
"""Source texts by file name; ``main.py`` runs all of it."""

LIBRARY: Final[Program] = {"main.py": "from fastdag_typed import DAG\n"}
"""What checking the library itself costs; the other programs are held against it."""

NOTHING: Final[Program] = {"main.py": ""}
"""What checking nothing costs."""

_TYPES: Final = '''
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from fastdag_typed import DAG, ConditionalReturn


class Row(TypedDict):
    """A record."""

    seed: int
    label: str


class Pair(NamedTuple):
    """Two numbers."""

    low: int
    high: int


@dataclass
class Report:
    """A finding."""

    total: int
    label: str
'''

_BLOCK: Final = Template('''
@dag.node
def load_$n(seed: int) -> Row:
    """Load."""
    return {"seed": seed, "label": str(seed)}


@dag.node
def clean_$n(row: Row) -> list[int]:
    """Clean."""
    return [row["seed"], len(row["label"])]


@dag.node(name="total-$n")
def total_$n(values: Sequence[int]) -> int:
    """Add up."""
    return sum(values) % 1000


@dag.node
async def fetch_$n(label: str) -> str:
    """Fetch."""
    return label.upper()


@dag.node
def split_$n(total: float) -> Pair:
    """Split."""
    return Pair(int(total) // 2, int(total) + 1)


@dag.node(name="join-$n")
def join_$n(total: int, label: str) -> Report:
    """Join."""
    return Report(total, label)


@dag.condition
def is_large_$n(report: Report) -> ConditionalReturn[Report]:
    """Choose."""
    return ConditionalReturn(report.total > 100, value=report)


@dag.node
def large_$n(report: Report) -> int:
    """Cut."""
    return report.total - 100


@dag.node
def small_$n(report: Report) -> int:
    """Keep."""
    return report.total


@dag.any()
def merge_$n(large: int | None, small: int | None, low: int | None = None) -> int:
    """Merge."""
    return (large or 0) + (small or 0) + (low or 0)


load_$n >> clean_$n >> total_$n >> split_$n
load_$n.connect_to(fetch_$n, output_name="label", input_name="label")
(total_$n, fetch_$n) >> join_$n
dag.connect("join-$n", "is_large_$n")
is_large_$n.on_true >> large_$n
is_large_$n.on_false >> small_$n
large_$n >> merge_$n
dag.connect("small_$n", "merge_$n", input="small")
split_$n.connect_to(merge_$n, output_name="low", input_name="low")
''')
"""Ten nodes of as many shapes, and their eleven edges, in every form."""


def module(nodes: int) -> Program:
    """Make one module of blocks of ten nodes; of each tenth block, the results are looked up."""
    blocks = range(nodes // 10)
    looked_up = [
        f'report_{n}: Report = dag["join-{n}"]\nmerged_{n}: int = dag["merge_{n}"]\nrow_{n}: Row = dag[load_{n}]'
        for n in blocks[::10]
    ]
    return _one(
        _TYPES,
        'dag = DAG("module")\n',
        *(_BLOCK.substitute(n=n) for n in blocks),
        *(f"merge_{n - 1} >> load_{n}" for n in blocks[1:]),
        'dag.run(inputs={"seed": 1})',
        *looked_up,
    )


_OPEN: Final = Template('''
@dag.node
def step_$n(before: int, path_$n: str, limit_$n: int, share_$n: float, names_$n: list[str]) -> int:
    """Use what only a run can give."""
    return before + len(path_$n) + limit_$n + int(share_$n) + len(names_$n)
''')


def inputs(number: int) -> Program:
    """Make nodes of four open inputs each, all of them given at a run."""
    steps = range(number // 4)
    given = (f'    "path_{n}": "p", "limit_{n}": {n}, "share_{n}": 0.5, "names_{n}": ["a"],' for n in steps)
    return _one(
        _TYPES,
        'dag = DAG("inputs")\n',
        *(_OPEN.substitute(n=n) for n in steps),
        *(f"step_{n - 1} >> step_{n}" for n in steps[1:]),
        'dag.run(inputs={\n    "before": 0,',
        *given,
        "})",
    )


_DENSE: Final = Template('''
@dag.node
def n_$n(a: int, b: int, c: int, d: int, e: int) -> int:
    """Add."""
    return a + b + c + d + e
''')


def dense(nodes: int, width: int = 20) -> Program:
    """Make layers of nodes, each of which is fed by five nodes of the layer before it."""
    wiring: list[str] = []
    for n in range(width, nodes):
        sources = [f"n_{n - n % width - width + (n + step) % width}" for step in range(5)]
        if n % 3 == 0:
            wiring += [f"{source} >> n_{n}" for source in sources]
        elif n % 3 == 1:
            wiring.append(f"({', '.join(sources)}) >> n_{n}")
        else:
            wiring += [f'{s}.connect_to(n_{n}, input_name="{p}")' for s, p in zip(sources, "abcde", strict=True)]
    starts = (f'@dag.node\ndef n_{n}(seed: int) -> int:\n    """Begin."""\n    return seed\n' for n in range(width))
    return _one(
        _TYPES,
        'dag = DAG("dense")\n',
        *starts,
        *(_DENSE.substitute(n=n) for n in range(width, nodes)),
        *wiring,
        'dag.run(inputs={"seed": 1})',
        f'last: int = dag["n_{nodes - 1}"]',
    )


def _one(*parts: str) -> Program:
    return {"main.py": "\n".join(parts) + "\n"}
