"""How a body is written: arguments, names, lines, and that the same is always written the same way."""

from __future__ import annotations

import ast
import builtins
import dis
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any

import libcst as cst
import pytest

from fastdag_codegen import inline
from fastdag_codegen.inline.reading import subject
from tests.codegen.inline import cases
from tests.codegen.inline.flat import Names, body, inlined, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).parents[3]


def written(func: Any, given: dict[str, str] | None = None, sink: inline.Sink | None = None) -> inline.Inlined:
    found = body(func)
    values = {name: name.upper() for name in found.parameters} if given is None else given
    return found.write(Names(), values, sink or (lambda one: [f"result = {one.text}"]))


def text(func: Any, given: dict[str, str] | None = None, sink: inline.Sink | None = None) -> str:
    return "\n".join(line.text for line in written(func, given, sink).lines)


# -- arguments ---------------------------------------------------------------------------------------------------------


def test_a_variable_takes_the_place_of_a_parameter(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x, y):\n    return x.y + y\n")
    assert text(made.f, {"x": "one", "y": "two"}) == "result = one.y + two"
    assert text(made.f, {"x": "same", "y": "same"}) == "result = same.y + same"


def test_another_expression_is_evaluated_first_and_in_the_order_given(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x, y, z):\n    return z\n")
    assert text(made.f, {"z": "a[0]", "x": "b.c", "y": "d"}).split("\n") == [
        "node_z: Any = a[0]",
        "node_x: Any = b.c",
        "result = node_z",
        "del node_x, node_z",
    ]


def test_a_literal_is_a_variable_too(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x is None, x()\n")
    assert text(made.f, {"x": "None"}).split("\n")[0] == "node_x: Any = None"
    assert text(made.f, {"x": "'a'"}).split("\n")[0] == "node_x: Any = 'a'"


def test_an_assigned_parameter_is_a_variable_of_its_own(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    x += 1\n    return x\n")
    assert text(made.f, {"x": "one"}).split("\n") == [
        "node_x: Any = one",
        "node_x += 1",
        "result = node_x",
        "del node_x",
    ]


def test_a_constant_default_needs_no_end(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x, k=3, *, unused='u'):\n    return x + k\n")
    assert text(made.f, {"x": "one"}).split("\n") == ["node_k: Any = 3", "result = one + node_k"]


def test_a_default_is_the_one_that_the_function_has_now(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x=3):\n    return x\n")
    made.f.__defaults__ = (4,)
    assert text(made.f, {}).split("\n")[0] == "node_x: Any = 4"


def test_a_default_without_a_literal_is_the_same_object(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x=[], *, y={}, z=float('nan')):\n    return x, y, z\n")
    flat = inlined(made.f, {})
    assert [one is two for one, two in zip(flat.call(), made.f(), strict=True)] == [True, True, True]
    alias = f"_{made.__name__}.f"
    assert flat.names.bindings == [
        f"{alias}.__defaults__[0]",
        f"{alias}.__kwdefaults__['y']",
        f"{alias}.__kwdefaults__['z']",
    ]


def test_a_default_of_a_node_is_reached_through_it(module: Callable[..., ModuleType]) -> None:
    text = "from fastdag_typed import DAG\n\ndag = DAG('d')\n\n\n@dag.node\ndef f(x=[]):\n    return x\n"
    made = module(text)
    flat = inlined(made.f.func, {})
    assert flat.call() is made.f.func()
    assert flat.names.bindings == [f"_{made.__name__}.f.func.__defaults__[0]"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "f has no default for its parameter x"),
        ({"x": "a", "z": "b"}, "f has no parameter z"),
        ({"x": "a"}, "the default of parameter y of f cannot be reached"),
    ],
)
def test_what_cannot_be_given_is_said(module: Callable[..., ModuleType], given: dict[str, str], message: str) -> None:
    made = module("def f(x, y=[]):\n    return x, y\n\n\ng = f\ndel f\n")
    with pytest.raises(ValueError, match=message):
        text(made.g, given)


# -- names -------------------------------------------------------------------------------------------------------------


def test_globals_are_looked_up_when_the_body_runs(module: Callable[..., ModuleType]) -> None:
    made = module("K = 1\n\n\ndef f():\n    return K, len('a')\n")
    flat = inlined(made.f)
    made.K = 2
    assert flat.call() == made.f() == (2, 1)
    assert f"_{made.__name__}.K, len('a')" in flat.text


def test_imported_names_come_from_their_home(module: Callable[..., ModuleType]) -> None:
    head = "import json\nimport os.path\nimport os.path as p\nfrom math import floor as low\n"
    made = module(head + "\n\ndef f():\n    return json.dumps(1), os.sep, p.sep, low(2.5)\n")
    flat = inlined(made.f)
    assert "_json.dumps(1), _os.sep, _os_path.sep, _home_floor(2.5)" in flat.text
    late = inlined(made.f, late_globals=True)
    assert ".json.dumps(1), " in late.text
    assert late.call() == flat.call() == made.f()
    made.low = abs
    assert late.call()[3] == made.f()[3] == 2.5


@pytest.mark.parametrize(
    "head",
    [
        "from math import floor\nfrom math import ceil as floor\n",
        "from math import floor\nfloor = abs\n",
        "try:\n    from math import floor\nexcept ImportError:\n    pass\n",
        "from math import floor\n\ndef g():\n    global floor\n    floor = abs\n",
        "from math import *\n",
    ],
)
def test_names_that_are_not_certainly_imported_are_looked_up_in_their_module(
    module: Callable[..., ModuleType], head: str
) -> None:
    made = module(head + "\n\ndef f():\n    return floor(2.5)\n")
    assert f"_{made.__name__}.floor(2.5)" in inlined(made.f).text


def test_a_patched_import_is_looked_up_in_its_module(module: Callable[..., ModuleType]) -> None:
    made = module("from math import floor\n\n\ndef f():\n    return floor(2.5)\n")
    assert "_home_floor(2.5)" in inlined(made.f).text
    made.floor = abs
    flat = inlined(made.f)
    assert f"_{made.__name__}.floor(2.5)" in flat.text
    assert flat.call() == made.f() == 2.5


def test_relative_imports_of_a_module_are_found(module: Callable[..., ModuleType]) -> None:
    module("", "inlined_package.__init__")
    module("def help_me(x):\n    return x + 1\n", "inlined_package.helpers")
    made = module("from .helpers import help_me\n\n\ndef f(x):\n    return help_me(x)\n", "inlined_package.nodes")
    flat = inlined(made.f)
    assert flat.call(1) == 2
    assert "_home_help_me(" in flat.text


def test_the_names_of_the_function_are_told(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x, y):\n    z = [w for w in x]\n    y += 1\n    return z\n")
    names = written(made.f, {"x": "one", "y": "two"}).names
    assert {original: here for here, original in names} == {
        "x": "one",
        "y": "node_y",
        "z": "node_z",
        "w": "node_w",
    }


def test_what_is_returned_knows_its_globals(module: Callable[..., ModuleType]) -> None:
    made = module("from math import floor\n\nK = 1\n\n\ndef f(x):\n    return floor(K), len(x)\n")
    seen: list[inline.Returned] = []
    text(made.f, None, lambda one: [seen.append(one) or ""])
    (one,) = seen
    assert one.globals == {"_home_floor": made.floor, f"_{made.__name__}.K": 1}
    assert isinstance(one.node, cst.Tuple)
    assert cst.Module([]).code_for_node(one.node) == one.text


# -- lines -------------------------------------------------------------------------------------------------------------


def test_each_line_tells_the_line_of_the_source(module: Callable[..., ModuleType]) -> None:
    made = module(
        '''
        def f(
            x,
            y=2,
        ):
            """Say.

            More."""
            # why
            if x:  # x

                return (
                    x +
                    y
                )
            for z in x: y += z
            t = """a
            b"""; return t
        '''
    )
    lines = [(line.text, line.line) for line in written(made.f).lines]
    assert lines == [
        ("node_y: Any = Y", 2),
        ("node_z: Any = None", 2),
        ("if X:", 10),
        ("    result = (", 12),
        ("        X +", 13),
        ("        node_y", 14),
        ("    )", 15),
        ("    del node_y, node_z", 12),
        ("else:", 16),
        ("    for node_z in X: node_y += node_z", 16),
        ('    node_t = "a\\n    b"', 17),
        ("    result = node_t", 18),
        ("    del node_y, node_z, node_t", 18),
    ]


def test_the_line_of_what_a_sink_writes_is_that_of_the_return(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    x()\n    return [\n        x,\n    ]\n")
    lines = written(made.f, None, lambda one: ["first()", f"result = call({one.text})", "last()"]).lines
    assert [(line.text, line.line) for line in lines] == [
        ("X()", 2),
        ("first()", 3),
        ("result = call([", 3),
        ("    X,", 4),
        ("])", 5),
        ("last()", 3),
    ]


def test_a_body_that_never_returns_has_no_end(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    y = x\n    raise KeyError(y)\n")
    assert text(made.f).split("\n") == ["node_y = X", "raise KeyError(node_y)"]


def test_comments_are_left_out_and_strings_stay_on_their_line() -> None:
    for func, _ in cases.CASES:
        for line in written(func).lines:
            assert "\n" not in line.text
            assert line.text == line.text.rstrip() != ""
            assert not line.text.lstrip().startswith("#")


def test_annotations_keep_what_means_the_same_everywhere(module: Callable[..., ModuleType]) -> None:
    made = module(
        """
        from decimal import Decimal

        def f(x, p):
            a: int = 1
            b: dict[str, list[int] | None] = {}
            c: Decimal = Decimal(1)
            d: "int" = 2
            e: float
            p: int = 3
            if x:
                g: str = "g"
            return a, b, c, d
        """
    )
    lines = text(made.f).split("\n")
    assert lines[2:8] == [
        "node_a: int = 1",
        "node_b: dict[str, list[int] | None] = {}",
        "node_c: Any = _home_Decimal(1)",
        "node_d: Any = 2",
        "node_e: float",
        "node_p = 3",
    ]
    assert '    node_g = "g"' in lines


def test_variables_end_where_the_function_returned(module: Callable[..., ModuleType]) -> None:
    made = module(
        """
        def f(x, y):
            if x:
                return y
            z = y
            if z:
                w = z
                return w
            return x
        """
    )
    assert text(made.f).split("\n") == [
        "if X:",
        "    result = Y",
        "else:",
        "    node_z = Y",
        "    if node_z:",
        "        node_w = node_z",
        "        result = node_w",
        "        del node_z, node_w",
        "    else:",
        "        result = X",
        "        del node_z",
    ]


def test_a_sink_is_told_whether_anything_runs_after_a_return(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    try:\n        return x\n    finally:\n        x()\n\n\ndef g(x):\n    return x\n")
    assert body(made.f).goes_on
    assert not body(made.g).goes_on


# -- the same is written the same way ----------------------------------------------------------------------------------


def test_a_function_is_read_once(module: Callable[..., ModuleType]) -> None:
    made = module("K = 1\n\n\ndef f(x):\n    return x + K\n")
    first = body(made.f)
    assert body(made.f) is first
    made.K = 2
    again = body(made.f)
    assert again is not first
    del made.K
    assert inline.read(made.f, source(made.f)) == ("global", "K is not known", 5)


def test_a_body_is_the_same_for_any_hash_seed() -> None:
    script = (
        "from tests.codegen.inline import cases, flat\n"
        "for func, _ in cases.CASES:\n    print(flat.inlined(func, {}).text if not flat.body(func).parameters else "
        "flat.inlined(func).text)\n"
    )
    seen = set()
    for seed in ("1", "2"):
        paths = os.pathsep.join([str(ROOT), str(ROOT / "codegen")])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True, cwd=ROOT
        )
        seen.add(done.stdout)
    assert len(seen) == 1
    assert "def flat" in seen.pop()


def test_bodies_are_written_many_times_faster_than_they_are_read(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x, y=2):\n" + "    if x > y:\n        x += y\n" * 20 + "    return x\n")
    begin = perf_counter()
    found = body(made.f)
    reading = perf_counter() - begin
    names = Names()
    times = []
    for _ in range(50):
        begin = perf_counter()
        found.write(names, {"x": "v"}, lambda one: [f"r = {one.text}"])
        times.append(perf_counter() - begin)
    assert min(times) < reading / 5


@pytest.mark.skipif(sys.version_info < (3, 12), reason="CPython tells what is certainly bound from Python 3.12 on")
@pytest.mark.parametrize("name", [cases.__name__, "textwrap", "statistics", "shutil", "calendar", "tokenize", "ast"])
def test_cpython_agrees_on_what_is_certainly_bound(name: str) -> None:
    functions = [func for func in vars(import_module(name)).values() if isinstance(func, FunctionType)]
    found = [inline.read(func, source(func)) for func in functions if func.__module__ == name]
    bodies = [one for one in found if isinstance(one, inline.Body)]
    assert bodies
    for one in bodies:
        tree = subject(one.func, source(one.func))
        if any(isinstance(node, ast.With) for node in tree.nodes):
            continue  # we know of some managers that they swallow nothing
        inner = {use.name for use in one.uses if use.meaning == "inner"}  # may share the place of a variable
        checked = [two.argval for two in dis.get_instructions(one.func) if two.opname == "LOAD_FAST_CHECK"]
        assert {*checked} <= inner, one.func


def test_no_name_of_a_builtin_is_assigned() -> None:
    for func, _ in cases.CASES:
        tree = ast.parse(inlined(func).text)
        stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        assert not stored & {*dir(builtins)}
