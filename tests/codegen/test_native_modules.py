"""Modules that were built with mypyc do what they do as Python, whatever mypyc would make of their types."""

from __future__ import annotations

import asyncio
import copy
import math
import os
import re
import shutil
import sys
import traceback
from importlib import import_module, invalidate_caches
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import Options, compile_target, load, write
from fastdag_codegen.native import build
from fastdag_typed import CompileError, FSMContext, Runner, StaleModuleWarning
from fastdag_typed.run.native import extension
from tests.c_compiler import needs_c_compiler
from tests.codegen.native_functions import MISUSED, ODD, module_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = needs_c_compiler
CHEAP = 0
"""What the C compiler is asked to do: as little as it can."""


class Number(int):
    """An int that is not one of the very class."""


class Amount(float):
    """A float of the kind."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Build a module of some name and text, once for all processes that run tests."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "native"

    def make(name: str, text: str) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.py"
        write(text, path)
        build(path, opt_level=CHEAP)
        return path

    return make


def native(path: Path) -> Any:
    module = load(path)
    assert "NATIVE" in vars(module)
    return module


def python(path: Path) -> Any:
    """Load a module without its extension."""
    loader = SourceFileLoader(path.stem, str(path))
    spec = spec_from_loader(path.stem, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def flat_native(built: Callable[[str, str], Path]) -> Path:
    return built("native_graph", compile_target("flat_native:dag", Options(level=2)))


@pytest.fixture
def moved(flat_native: Path, tmp_path: Path) -> Path:
    """Give a module with its extension that may be spoiled."""
    for file in (flat_native, extension(flat_native)):
        shutil.copy(file, tmp_path)
    return tmp_path / flat_native.name


# -- what is compared ------------------------------------------------------------------------------------------------


def portrait(value: object) -> object:
    """Show a value with all of its classes; an empty list is not the list that is given."""
    if isinstance(value, dict):
        return {name: portrait(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [portrait(one) for one in value]
    if type(value) is float:
        return value.hex() if value == value else ("nan", math.copysign(1, value))  # noqa: PLR0124 - a test for nan
    return type(value).__name__, repr(value)


def failure(error: BaseException | None) -> object:
    """Show an error with all that led to it, and the lines that it passed."""
    if error is None:
        return None
    lines = [
        (Path(entry.filename).name, entry.lineno, entry.name) for entry in traceback.extract_tb(error.__traceback__)
    ]
    lines = [line for line in lines if line[0].startswith(("flat_", "native_"))]
    notes = getattr(error, "__notes__", [])
    related = failure(error.__cause__), failure(error.__context__), error.__suppress_context__
    return type(error).__name__, str(error), notes, lines, related


def outcome(run: Callable[..., Any], inputs: dict[str, Any]) -> object:
    """Run with copies; show what comes of it, what became of the inputs, and what was noted meanwhile."""
    given = copy.deepcopy(inputs)
    log: list[str] = import_module("flat_native").log
    log.clear()
    try:
        found: object = portrait(run(**given))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is compared
        found = failure(error)
    return found, portrait(given), list(log)


GIVEN = {"number": 3, "amount": 2.5, "values": [0.5, 2.0], "text": " one", "value": 5}


def inputs_with(**other: Any) -> dict[str, Any]:
    """Give inputs of the classes that are declared; nodes put something into one of them."""
    return copy.deepcopy({**GIVEN, **other})


OTHERS: list[dict[str, Any]] = [
    {},
    {"text": "one", "value": [1, 2, 3]},
    {"text": "", "number": 2**80 + 1, "amount": 1e308, "values": []},
    {"text": "", "number": -(2**64) + 3, "amount": -0.0, "value": "text"},
    {"text": "", "amount": math.nan, "values": [math.nan, -math.inf, 0.1, 0.2, 0.3]},
    {"text": "", "amount": 3, "values": [1, 2.5, 3]},
    {"text": "", "amount": True, "number": True, "value": True, "values": [True, False]},
    {"text": "", "amount": Amount(2.5), "number": Number(4), "value": Number(4), "values": [Amount(1.5)]},
    {"text": "", "amount": 2**70, "value": 2**70},
    {"text": "context"},
    {"text": "two"},
    {"text": "one", "number": 7},
    {"text": 5},
    {"text": "one", "number": "3"},
    {"text": "one", "values": ["a"]},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_values_errors_and_effects_are_those_of_python(flat_native: Path, other: dict[str, Any]) -> None:
    module, plain, inputs = native(flat_native), python(flat_native), inputs_with(**other)
    assert outcome(module.run, inputs) == outcome(plain.run, inputs)
    runs = [Runner(one) for one in (module, plain)]
    found, expected = (outcome(lambda runner=runner, **given: runner.run(given).results, inputs) for runner in runs)
    assert found == expected


def test_what_is_declared_is_not_believed(flat_native: Path) -> None:
    results = native(flat_native).run(number=True, amount=3, values=[1, 2], text="one", value=True)
    assert [type(results[name]) for name in ("kept", "wide", "total", "divided")] == [bool, int, float, float]
    assert results["grown"] == 2**71 - 1
    assert results["sorted_out"] == "truth"
    given = {**GIVEN, "text": "", "values": [], "number": Number(4)}
    assert native(flat_native).run(**given)["kept"] is given["number"]


def test_an_error_shows_the_function_that_it_was_taken_from_and_its_node(flat_native: Path) -> None:
    source = (Path(__file__).parent / "flows" / "flat_native.py").read_text(encoding="utf-8").splitlines()
    with pytest.raises(Exception, match="divided") as found:
        native(flat_native).run(**inputs_with(text="", number=7))
    cause = found.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    last = traceback.extract_tb(cause.__traceback__)[-1]
    assert (Path(last.filename).name, last.name) == ("flat_native.py", "divided")
    assert source[(last.lineno or 0) - 1].strip() == last.line == "return found / rest"
    assert len(cause.__notes__) == 1
    assert re.search(rf"in node 'divided' \(.*flat_native\.py:{last.lineno}\)", cause.__notes__[0])


def test_an_interrupt_passes_and_what_was_done_until_then_is_known(flat_native: Path) -> None:
    known: list[Any] = []
    workflow = import_module("flat_native").dag
    for module in (native(flat_native), python(flat_native)):
        with pytest.raises(KeyboardInterrupt) as found:
            Runner(module).run(inputs_with(text="", number=13))
        known.append((portrait(workflow.context.results), found.value.__notes__))
        last = traceback.extract_tb(found.value.__traceback__)[-1]
        assert (Path(last.filename).name, last.name, last.line) == (
            "flat_native.py",
            "divided",
            "raise KeyboardInterrupt",
        )
    assert known[0] == known[1]
    assert len(known[0][0]) == 9


@pytest.mark.parametrize(
    "inputs", [{"number": 6}, {"number": 27}, {"number": 2**90, "step": 3}, {"number": 7, "value": 6}]
)
def test_a_machine_goes_the_same_way(built: Callable[[str, str], Path], inputs: dict[str, Any]) -> None:
    path = built("native_machine", compile_target("flat_machine:machine"))
    module, plain = native(path), python(path)
    contexts = FSMContext(), FSMContext()
    runs = (
        outcome(lambda module=one, context=context, **given: module.run(**given, context=context), inputs)
        for one, context in zip((module, plain), contexts, strict=True)
    )
    assert next(runs) == next(runs)
    assert vars(contexts[0]) == vars(contexts[1])
    found, expected = (
        outcome(lambda one=one, **given: Runner(one).run(given).results, inputs) for one in (module, plain)
    )
    assert found == expected


def test_async_nodes_and_nested_workflows_do_the_same(built: Callable[[str, str], Path]) -> None:
    path = built("native_async", compile_target("flat_async:site"))
    module, plain = native(path), python(path)
    for url in ("here", "far away from here", 5):
        assert outcome(module.run, {"url": url}) == outcome(plain.run, {"url": url})

    async def both() -> list[Any]:
        return await asyncio.gather(module.run_async("here"), module.run_async("far away"))

    assert [found["words"] for found in asyncio.run(both()) if "words" in found] == [4]
    assert asyncio.run(Runner(module).run_async({"url": "far away"})).results == plain.run("far away")


# -- made-up functions -----------------------------------------------------------------------------------------------

VALUES = [0, 3, -2, 2**66, True, 1.5, 0.0, Number(2), Amount(2.5), "ab", None, [1, 2.5], [], (1, 2), math.nan]
FUNCTIONS = 24


def test_made_up_functions_do_the_same_with_values_of_any_class(built: Callable[[str, str], Path]) -> None:
    path = built("native_functions", module_of(seed=8, functions=FUNCTIONS))
    module, plain = native(path), python(path)
    names = [f"function_{number}" for number in range(FUNCTIONS)]
    returned = 0
    for name in names:
        for a in VALUES:
            for b in VALUES:
                found, expected = (raised(getattr(one, name), a, b) for one in (module, plain))
                assert found == expected, f"{name}({a!r}, {b!r})"
                returned += expected[0] == "returned"
    assert returned > len(VALUES) ** 2 * 4


@pytest.mark.parametrize("name", re.findall(r"^def (\w+)", ODD, re.MULTILINE))
def test_what_mypyc_would_do_in_another_way_is_done_as_in_python(built: Callable[[str, str], Path], name: str) -> None:
    path = built("native_odd", ODD)
    module, plain = native(path), python(path)
    log: list[str] = import_module("flat_native").log
    for a, b in ((0, 1), (1, "ab"), (math.nan, 2.5), (3, Number(1))):
        seen = []
        for one in (module, plain):
            log.clear()
            seen.append((raised(getattr(one, name), a, b), list(log)))
        assert seen[0] == seen[1]


def raised(function: Callable[..., object], *arguments: Any) -> tuple[str, object]:
    given = copy.deepcopy(arguments)
    try:
        return "returned", portrait([function(*given), *given])
    except Exception as error:  # noqa: BLE001 - it is compared
        return type(error).__name__, str(error)


# -- beside the module -----------------------------------------------------------------------------------------------


def test_what_is_built_already_is_not_built_again(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = extension(moved)
    before = made.stat()
    monkeypatch.setenv("CC", str(moved / "none"))
    assert build(moved, opt_level=CHEAP) == made
    assert made.stat().st_mtime_ns == before.st_mtime_ns
    moved.write_text(moved.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    with pytest.raises(CompileError):
        build(moved, opt_level=CHEAP)


def test_without_a_c_compiler_it_is_said_how_to_get_one(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extension(moved).unlink()
    monkeypatch.setenv("CC", "/nonexistent/cc")
    with pytest.raises(CompileError, match=r"a C compiler must be installed: gcc or clang \(apt install gcc"):
        build(moved, opt_level=CHEAP)
    assert [file.name for file in moved.parent.iterdir()] == [moved.name]
    assert load(moved).run(**inputs_with(text=""))["kept"] == 3


@pytest.mark.parametrize("missing", ["mypyc", "setuptools"])
def test_without_mypyc_it_is_said_how_to_get_it(moved: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    extension(moved).unlink()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(CompileError, match=r"must be installed: pip install 'fastdag-typed\[native\]'"):
        build(moved, opt_level=CHEAP)


def test_a_text_that_has_changed_runs_as_python(moved: Path) -> None:
    changed = moved.read_text(encoding="utf-8").replace("kept: int = number", "kept: int = number + 1")
    moved.write_text(changed, encoding="utf-8")
    with pytest.warns(StaleModuleWarning, match=r"was built from another text of native_graph\.py.*compile --native"):
        module = load(moved)
    assert module.run(**inputs_with(text=""))["kept"] == 4


def test_an_extension_that_is_imported_runs_a_text_that_has_changed(
    moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = moved.read_text(encoding="utf-8")
    monkeypatch.syspath_prepend(moved.parent)
    monkeypatch.delitem(sys.modules, moved.stem, raising=False)
    invalidate_caches()
    moved.write_text(text.replace("kept: int = number", "kept: int = number + 1"), encoding="utf-8")
    module: Any = import_module(moved.stem)
    monkeypatch.delitem(sys.modules, moved.stem)
    assert Path(module.__file__) == extension(moved)
    with pytest.warns(StaleModuleWarning, match="was built from another text") as found:
        results = module.run(**inputs_with(text=""))
    assert len(found) == 1
    assert results["kept"] == 4
    assert Runner(module).run(inputs_with(text="")).results == module.run(**inputs_with(text=""))


@pytest.mark.parametrize("what", ["broken", "for another Python"])
def test_an_extension_that_cannot_load_leaves_the_module(moved: Path, what: str) -> None:
    made = extension(moved)
    if what == "broken":
        mark = re.search(rb"fastdag-native sha256:\w+", made.read_bytes())
        assert mark is not None
        made.write_bytes(b"no library, " + mark[0])
    else:
        made.rename(made.with_name(f"{moved.stem}.cpython-38-another.so"))
    message = "cannot be loaded" if what == "broken" else "was built for another Python or another system"
    with pytest.warns(StaleModuleWarning, match=f"{message}.* so native_graph.py runs as Python instead"):
        module = load(moved)
    assert "NATIVE" not in vars(module)
    assert module.run(**inputs_with(text=""))["kept"] == 3


def test_a_runner_takes_a_file_with_its_extension(flat_native: Path) -> None:
    workflow = import_module("flat_native").dag
    metrics = Runner(workflow, compiled=flat_native).run(inputs_with(text="one"))
    assert metrics.results == Runner(workflow).run(inputs_with(text="one")).results
    assert metrics.node_times == {}


@pytest.mark.parametrize(
    ("target", "inputs"), [("flat_machine:machine", {"number": 6}), ("flat_async:site", {"url": "a"})]
)
def test_the_environment_can_ask_for_the_workflow(
    built: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch, target: str, inputs: dict[str, Any]
) -> None:
    path = built(f"native_asked_for_{target.partition(':')[2]}", compile_target(target))
    expected = python(path).run(**inputs)
    monkeypatch.setenv("FASTDAG_INTERPRET", "1")  # a module asks once, when it is loaded
    module = native(path)
    calls: list[object] = []
    monkeypatch.setattr(module, "walk", calls.append)
    assert module.run(**inputs) == expected
    assert calls == []


# -- what is refused -------------------------------------------------------------------------------------------------


def test_what_cannot_be_built_says_why(tmp_path: Path) -> None:
    for name, options, message in (
        ("crew", Options(mode="threads"), "its nodes run as threads, which native code does not"),
        ("math", Options(), "give it a name that can be imported and that no standard module has"),
        ("no-name", Options(), "give it a name that can be imported"),
    ):
        path = tmp_path / f"{name}.py"
        write(compile_target("flat_native:dag", options), path)
        with pytest.raises(CompileError, match=message):
            build(path)
    (tmp_path / "own.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(CompileError, match="is not a compiled module"):
        build(tmp_path / "own.py")


ITERABLE = "(can only assign an iterable|'int' object is not iterable)"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("apart", ValueError, "not enough values to unpack$"),
        ("in_turns", ValueError, "not enough values to unpack$"),
        ("starred", TypeError, ITERABLE),
        ("called", TypeError, ITERABLE),
        ("entered", AttributeError, "'int' has no attribute '__exit__'"),
        ("raised", SystemError, "not a BaseException subclass"),
        ("caught", LookupError, "passes"),
    ],
)
def test_misused_syntax_has_the_errors_of_mypyc_as_is_documented(
    built: Callable[[str, str], Path], name: str, kind: type[Exception], message: str
) -> None:
    module = native(built("native_misused", MISUSED))
    with pytest.raises(kind, match=message):
        getattr(module, name)("x" if kind is ValueError else 5)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("match a:\n        case P(x): return x", "a class pattern that takes values by their places"),
        ("x = b\n    match a:\n        case [x, 1]: pass\n    return x", "a pattern that may not fit and gives a"),
        ("a += (a := 1)\n    return a", "an assignment that gives its variable something else"),
        ("try: pass\n    except* ValueError: pass", r'"except\*"'),
        ("return any((y := x) for x in a)", "a generator that assigns to a variable"),
        ("for x in (y + b for y in a): b = x", "a loop over a generator that reads what the loop changes"),
    ],
)
def test_what_mypyc_does_in_another_way_and_cannot_be_mended_is_refused_with_its_line(
    tmp_path: Path, body: str, what: str
) -> None:
    path = tmp_path / "odd.py"
    path.write_text(f"{ODD}\n\ndef other(a, b):\n    {body}\n", encoding="utf-8")
    with pytest.raises(CompileError, match=rf"cannot be built: native code has no place for {what}.* \(line \d+\)"):
        build(path)
