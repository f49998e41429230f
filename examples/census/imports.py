"""The nested workflow of the census: who imports whom, what is imported most, and which imports go in circles."""
# pyright: reportUnusedExpression=false
# A statement "a >> b" is an expression whose value is not used: it wires.

from collections.abc import Iterable
from typing import Final, NamedTuple

from fastdag_typed import DAG

from .measure import module_name
from .model import Import, ImportGraph, Rank

TOP: Final = 10
"""How many modules a ranking shows."""


class Link(NamedTuple):
    """One module imports another; ``eager`` if it does so outside of functions."""

    source: str
    target: str
    eager: bool


class Links(NamedTuple):
    """Links to modules of the tree, and to top-level modules of other trees."""

    inside: list[Link]
    outside: list[Link]


graph = DAG("import_graph", "Who imports whom.")


@graph.node
def resolve_imports(imports: list[Import], paths: list[str]) -> Links:
    """Find the module that each import means; a module that imports itself (a package its parts) is no link."""
    known = {module_name(path) for path in paths}
    inside: set[Link] = set()
    outside: set[Link] = set()
    for path, full, relative, eager in imports:
        source = module_name(path)
        target = full  # of "a.b.c" the module may be a.b, and c something that it defines
        while target and target not in known:
            target = target.rpartition(".")[0]
        if target and target != source:
            inside.add(Link(source, target, eager))
        elif not target and not relative:
            outside.add(Link(source, full.partition(".")[0], eager))
    return Links(sorted(inside), sorted(outside))


@graph.node
def count_links(inside: list[Link]) -> int:
    """Count the pairs of modules of which one imports the other."""
    return len({(link.source, link.target) for link in inside})


@graph.node
def rank_inside(inside: list[Link]) -> list[Rank]:
    """Rank the modules of the tree by how many modules import them."""
    return rank(inside)


@graph.node
def rank_outside(outside: list[Link]) -> list[Rank]:
    """Rank the modules of other trees by how many modules import them."""
    return rank(outside)


@graph.node
def find_cycles(inside: list[Link]) -> list[list[str]]:
    """Find the groups of modules that import each other outside of functions, largest group first."""
    targets: dict[str, list[str]] = {}
    for link in inside:
        if link.eager:
            targets.setdefault(link.source, []).append(link.target)
    cycles = [sorted(group) for group in strongly_connected(targets) if len(group) > 1]
    return sorted(cycles, key=lambda group: (-len(group), group))


@graph.node
def describe_imports(links: int, inside: list[Rank], outside: list[Rank], cycles: list[list[str]]) -> ImportGraph:
    """Put together what the branches found."""
    return ImportGraph(links=links, inside=inside, outside=outside, cycles=cycles)


resolve_imports >> [count_links, rank_inside, rank_outside, find_cycles] >> describe_imports


def rank(links: Iterable[Link]) -> list[Rank]:
    """Count the importers of each target, most imported first, then by name."""
    importers: dict[str, set[str]] = {}
    for link in links:
        importers.setdefault(link.target, set()).add(link.source)
    ranks = [Rank(name, len(sources)) for name, sources in importers.items()]
    return sorted(ranks, key=lambda one: (-one.importers, one.name))[:TOP]


def strongly_connected(targets: dict[str, list[str]]) -> list[list[str]]:
    """Group the nodes of a directed graph that reach each other.

    This is Tarjan's algorithm (Depth-first search and linear graph algorithms, 1972), without recursion.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups: list[list[str]] = []
    for start in targets:
        if start in number:
            continue
        work = [(start, iter([start]))]
        while work:
            node, ahead = work[-1]
            if node not in number:
                number[node] = low[node] = len(number)
                stack.append(node)
                on_stack.add(node)
                work[-1] = (node, ahead := iter(targets.get(node, ())))
            for other in ahead:
                if other not in number:
                    work.append((other, iter(())))
                    break
                if other in on_stack:
                    low[node] = min(low[node], number[other])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == number[node]:
                    at = stack.index(node)
                    group, stack[at:] = stack[at:], []
                    on_stack.difference_update(group)
                    groups.append(group)
    return groups
