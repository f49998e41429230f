"""The same works in other engines, each written as its documentation tells.

A module has three names. ``graph(jobs)`` and ``parallel(jobs, workers)`` prepare a run of a graph for the input 0,
which gives the values of the jobs that no other job reads, in any order; ``machine(limit)`` prepares a run of states
that count in turn, which gives the count. What is prepared is built once and run often. A text stands where an engine
cannot do a work, and says why.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES: Final = {
    "fastdag-typed": "ours",
    "fastdag-typed, compiled": "compiled",
    "fastdag-typed, native": "native",
    "fast-dag": "fast_dag",
    "pipefunc": "pipefunc",
    "apache-hamilton": "hamilton",
    "dask": "dask",
    "pydantic-graph": "pydantic_graph",
    "python-statemachine": "statemachine",
    "transitions": "transitions",
}
"""The module for each distribution, and for each way to use one."""


class Peer(NamedTuple):
    """An engine that is installed."""

    name: str
    version: str
    graph: Callable[..., Callable[[], Any]] | str
    parallel: Callable[..., Callable[[], Any]] | str
    machine: Callable[..., Callable[[], Any]] | str


def installed() -> tuple[list[Peer], list[str]]:
    """Import every engine there is; name those that are missing."""
    found: list[Peer] = []
    missing: list[str] = []
    for name, module in MODULES.items():
        try:
            number = version(name.partition(",")[0])
        except PackageNotFoundError:
            missing.append(name)
            continue
        peer = import_module(f"{__name__}.{module}")
        found.append(Peer(name, number, peer.graph, peer.parallel, peer.machine))
    return found, missing
