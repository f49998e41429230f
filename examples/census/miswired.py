"""The beginning of the census with one wrong edge, for the type checker to find; nobody runs this file.

``mypy examples/census/miswired.py``, with the plugin, reports the last line.
"""
# pyright: reportUnusedExpression=false

from pathlib import Path

from fastdag_typed import DAG

from .measure import functions_of, list_python_files, parse_source, read_source
from .model import Function, Module, Source, Tree

dag = DAG("miswired")


@dag.node
def find_files(root: Path) -> Tree:
    """List the Python files below ``root``."""
    return Tree(root.name, root, list_python_files(root, frozenset()))


@dag.node
def read_sources(tree: Tree) -> list[Source]:
    """Read every file."""
    return [read_source(tree.root, path) for path in tree.paths]


@dag.node
def parse_sources(sources: list[Source]) -> list[Module]:
    """Parse every file."""
    return [parse_source(source) for source in sources]


@dag.node
def measure_functions(modules: list[Module]) -> list[Function]:
    """Measure every function."""
    return [function for module in modules for function in functions_of(module)]


find_files >> read_sources >> parse_sources
read_sources >> measure_functions  # wrong: these are sources, not modules
