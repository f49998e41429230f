"""Compiles real functions and compares: ``python -m tests.compiler.real [CORPUS ...]`` prints a table.

Each corpus is run in a process of its own: each function is the node of a workflow that is compiled. Calls are recorded
while doctests and tests drive the functions, and replayed through the function and through the compiled workflow, on
copies of the arguments. Only functions that are inlined are compared.
"""

from __future__ import annotations

import argparse
import doctest
import importlib
import io
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import unittest
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.compiler.corpora import CORPORA, Corpus
from tests.compiler.flats import Flat, flat_of
from tests.compiler.replays import Recorder, plain_functions, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType


class Account(NamedTuple):
    """What came of a corpus; all of it can be written as JSON.

    Args:
        functions: how many there are.
        called: how many of them the tests call.
        inlined: how many of those are inlined.
        compared: how many of those had calls that could be replayed.
        replays: how many calls were.
        reasons: why the others are called, and how many for that.
        mismatches: function, arguments, what is expected, what the compiled workflow gave.
    """

    functions: int
    called: int
    inlined: int
    compared: int
    replays: int
    reasons: dict[str, int]
    mismatches: list[list[str]]


def examine(corpus: Corpus) -> Account:
    """Run a corpus in this process."""
    warnings.simplefilter("ignore")
    sys.stdlib_module_names = frozenset()  # functions of the standard library are compiled like those of users
    modules = [module for name in corpus.modules for module in _imported(name)]
    tests = [module for name in corpus.tests for module in _imported(name)]
    recorder = Recorder()
    originals: dict[Any, Any] = {}
    flats: dict[str, Flat | str] = {}
    for module in modules:
        for name, function in plain_functions(module):
            flat = flats[f"{module.__name__}.{name}"] = flat_of(function)
            originals[function] = recorder.around(function, flat if isinstance(flat, Flat) else None)
    stand_in(originals)
    for module in modules:
        _doctests(module)
    for module in tests:
        _tests(module)
    called = {name: flat for name, flat in flats.items() if name in recorder.called}
    return Account(
        functions=len(flats),
        called=len(called),
        inlined=sum(isinstance(flat, Flat) for flat in called.values()),
        compared=len(recorder.replayed),
        replays=recorder.replayed.total(),
        reasons=dict(Counter(flat for flat in called.values() if isinstance(flat, str))),
        mismatches=[list(one) for one in recorder.mismatches],
    )


def _imported(name: str) -> Iterable[ModuleType]:
    """Import a module, or with ``.*`` a package and what is in it; nothing if it is not there."""
    base, _, _ = name.partition(".*")
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            module = importlib.import_module(base)
    except (ImportError, unittest.SkipTest):
        return
    yield module
    for found in pkgutil.walk_packages(module.__path__, f"{base}.") if name.endswith(".*") else ():
        if not any(word in found.name for word in (".tests", ".test_", "benchmark", "sandbox", "__main__", "conftest")):
            with suppress(Exception):
                yield importlib.import_module(found.name)


def _doctests(module: ModuleType) -> None:
    """Run the doctests of a module, whatever comes of them."""
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    with suppress(Exception):
        for test in doctest.DocTestFinder().find(module):
            with suppress(Exception), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                runner.run(test, out=lambda _: None)


def _tests(module: ModuleType) -> None:
    """Run the test cases and test functions of a module, whatever comes of them."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        with suppress(Exception):
            unittest.defaultTestLoader.loadTestsFromModule(module).run(unittest.TestResult())
        for name, value in list(vars(module).items()):
            if name.startswith("test_") and callable(value) and not isinstance(value, type):
                with suppress(Exception):
                    value()


# -- the table ---------------------------------------------------------------------------------------------------------


def account(name: str, seconds: float = 600) -> Account | str:
    """Run a corpus in a process of its own; give what came of it, or why nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        # Frozen modules have no source.
        command = [sys.executable, "-X", "frozen_modules=off", "-m", "tests.compiler.real", "--within", name]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"not done within {seconds:.0f} s"
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return f"ended with {done.returncode}: {done.stderr[-300:]}"
    return Account(**json.loads(lines[-1]))


def table(accounts: Mapping[str, Account | str]) -> str:
    """Write the table of what came of all corpora."""
    good = {name: one for name, one in accounts.items() if isinstance(one, Account) and one.functions}
    titles = ("functions", "called", "inlined", "compared", "replays", "mismatches")
    counts = [(name, [*one[:5], len(one.mismatches)]) for name, one in good.items()]
    counts.append(("all", [sum(column) for column in zip(*(row for _, row in counts), strict=True)] or [0] * 6))
    lines = ["".join((f"{'corpus':15}", *(f"{title:>11}" for title in titles)))]
    lines += ["".join((f"{name:15}", *(f"{count:11}" for count in row))) for name, row in counts]
    reasons: Counter[str] = Counter()
    for one in good.values():
        reasons.update({"inlined": one.inlined, **one.reasons})
    lines += ["", f"of {reasons.total()} functions that are called:"]
    lines += [f"{count / reasons.total():7.1%}  {reason}" for reason, count in reasons.most_common()]
    lines += [f"\n{name}: {one}" for name, one in accounts.items() if isinstance(one, str)]
    for name, one in good.items():
        for function, call, expected, got in one.mismatches:
            lines.append(f"\n{name}: {function}\n  {call}\n  expected {expected}\n  got      {got}")
    return "\n".join(lines)


def main(given: list[str]) -> int:
    """Run corpora and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.compiler.real", description=__doc__)
    parser.add_argument("corpora", nargs="*", help="which (default: all)")
    parser.add_argument("--within", action="store_true", help="run one in this process and print JSON")
    options = parser.parse_args(given)
    if options.within:
        found = examine(CORPORA[options.corpora[0]])
        print(json.dumps(found._asdict()), file=sys.__stdout__, flush=True)
        os._exit(0)  # what tests leave running is of no interest
    names = options.corpora or list(CORPORA)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        accounts = dict(zip(names, pool.map(account, names), strict=True))
    print(table(accounts))  # noqa: T201 - what this program is for
    return int(any(isinstance(one, str) or one.mismatches for one in accounts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
