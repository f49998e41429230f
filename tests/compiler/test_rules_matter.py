"""Each rule of the inliner keeps something from going wrong: without it, code is written that does something else."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from fastdag_codegen import bodies, flows, inline
from fastdag_codegen.inline import reader, writing
from fastdag_codegen.inline.returns import Structure
from fastdag_codegen.modules import compilation
from fastdag_codegen.names import Namespace, stem
from fastdag_codegen.options import Options
from tests.compiler.lenient import lenient
from tests.compiler.trials import Trial, Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD: Final = """\
from __future__ import annotations

import logging
import types
from contextlib import suppress

from fastdag_typed import DAG, FSM, FSMReturn, Node
from tests.compiler.stage import Oops, Thing, note

LIMIT = 3
dag = DAG("d")

"""
ONE: Final = "dag.add_node(Node(f, 'first'))\n"
INLINED: Final = [Way(Options(2))]


class Example(NamedTuple):
    """What a rule forbids to inline, and what the workflow is given; other rules that would forbid it as well."""

    code: str
    inputs: dict[str, str]
    also: tuple[str, ...] = ()


def deepest() -> str:
    """Write the function with as many nested loops as Python takes."""
    found = ""
    for loops in range(1, 50):
        lines = ["def f(a):", *(f"{'    ' * deep}for _ in a:" for deep in range(1, loops)), f"{'    ' * loops}note(1)"]
        text = "\n".join([*lines, ""])
        try:
            compile(text, "<deep>", "exec")
        except SyntaxError:
            break
        found = text
    return found


TWO: Final = "dag.add_node(Node(f, 'first')) >> dag.add_node(Node(g, 'second'))\n"
DEFINING: Final = """\
def define(a):
    globals()["LIMIT"] = a
def f(a):
    define(a)
    return a
def g(a):
    return LIMIT
"""
EXAMPLES: Final = {
    "closure": Example(
        "k = 5\ndef make(k):\n    def f(a):\n        return a + k\n    return f\nf = make(2)\n" + ONE, {"a": "1"}
    ),
    "module": Example(
        "def g(a):\n    return a + LIMIT\nf = types.FunctionType(g.__code__, {**globals(), 'LIMIT': 9}, 'g')\n" + ONE,
        {"a": "1"},
        ("global",),
    ),
    "source": Example(
        "def f(a):\n    return a + 1\nf.__code__ = f.__code__.replace(co_consts=(None, 5))\n" + ONE, {"a": "1"}
    ),
    "signature": Example("more = 5\ndef f(a, *more):\n    return (a, more)\n" + ONE, {"a": "1"}, ("names",)),
    "generator": Example("def f(a):\n    yield a\n" + ONE, {"a": "1"}, ("syntax", "names")),
    "scope": Example(
        "def f(a):\n    global LIMIT\n    LIMIT = a\n    return a\ndef g(a):\n    return LIMIT\n" + TWO,
        {"a": "1"},
        ("syntax", "names"),
    ),
    "definition": Example(
        "def f(a):\n    def g():\n        pass\n    return g.__qualname__\n" + ONE,
        {"a": "1"},
        ("syntax", "global", "names"),
    ),
    "frame": Example("def f(a):\n    b = a\n    return sorted(locals())\n" + ONE, {"a": "1"}),
    "logging": Example("def f(a):\n    return logging.getLogger('x').findCaller()[2]\n" + ONE, {"a": "1"}),
    "debug": Example("def f(a):\n    first = a\n    return f'{first=}'\n" + ONE, {"a": "1"}, ("names",)),
    "escape": Example("def f(a):\n    b = a\n    return lambda: b\ndef g(x):\n    return x()\n" + TWO, {"a": "1"}),
    "import": Example(
        "def f(a):\n    import os.path\n    return os.path.join(a, 'b')\n" + ONE, {"a": "'a'"}, ("global", "names")
    ),
    "global": Example(
        DEFINING.replace("LIMIT", "nowhere") + TWO,
        {"a": "1"},
    ),
    "unbound": Example("def f(a):\n    if a:\n        x = 1\n    return x\n" + ONE, {"a": "0"}),
    "return": Example(
        "def f(a):\n    for x in a:\n        if x == 1:\n            return 1\n        if x == 2:\n            break\n"
        "    return 0\n" + ONE,
        {"a": "[2]"},
    ),
    "coroutine": Example("async def f(a):\n    return next(iter(a))\n" + ONE, {"a": "[]"}),
    "syntax": Example("def f(a):\n    return rf'''a\\n\n{a}'''\n" + ONE, {"a": "1"}, ("names",)),
    "names": Example("def f(a):\n    \ufb01 = a\n    return fi + 1\n" + ONE, {"a": "1"}),
}

LIFETIME: Final = Example(
    "def f(a):\n    b = Thing('b')\n    c = Thing('c')\n    d = [b for _ in [1]]\n    del d\n    return a\n" + ONE,
    {"a": "1"},
)
CAUTION: Final = {
    "kind": Example("def g(a):\n    return a\ndef f(a):\n    return a + 1\nf.__wrapped__ = g\n" + ONE, {"a": "1"}),
    "annotation": Example("def f(a):\n    a.value: int = 1\n    return a\n" + ONE, {"a": "Thing(5)"}),
    "long": Example("def f(a):\n" + "    note(a)\n" * 201 + "    return a\n" + ONE, {"a": "1"}),
}
"""What would do the same today if it were inlined."""
# From Python 3.12 on the variables of a comprehension are the function's.
(EXAMPLES if sys.version_info < (3, 12) else CAUTION)["lifetime"] = LIFETIME


class Mechanism(NamedTuple):
    """What inlined code relies on: how to break it, and a module of which something is wrong then."""

    breaks: Callable[[pytest.MonkeyPatch], None]
    code: str
    inputs: dict[str, str]


def changed(**facts: Callable[[inline.Body], object]) -> Callable[[pytest.MonkeyPatch], None]:
    """Change what was found out about a function."""

    def read(func: object, source: object) -> inline.Body | inline.Refusal:
        body = inline.read(func, source)  # type: ignore[arg-type]
        assert isinstance(body, inline.Body)
        other: dict[str, Any] = {name: change(body) for name, change in facts.items()}
        return replace(body, **other)

    return lambda patch: patch.setattr(bodies, "read", read)


NOTED: Final = "def g(a):\n    return note(a)\n" + TWO
MECHANISMS: Final = {
    "variables end with their body": Mechanism(
        lambda patch: patch.setattr(inline.Body, "_deletions", lambda *_: []),
        "def f(a):\n    thing = Thing(a)\n    return 1\n" + NOTED,
        {"a": "1"},
    ),
    "variables end where the body returned": Mechanism(
        changed(each=lambda body: ((),) * len(body.each)),
        "def f(a):\n    thing = Thing(a)\n    if a:\n        return 1\n    note(a)\n    return 2\n" + NOTED,
        {"a": "1"},
    ),
    "variables end in the order in which the function's do": Mechanism(
        changed(ends=lambda body: body.ends[::-1]),
        "def f(a):\n    one = Thing(1)\n    two = Thing(2)\n    return a\n" + ONE,
        {"a": "1"},
    ),
    "a parameter that is rebound is a variable of its own": Mechanism(
        changed(rebound=lambda _: frozenset()),
        "def f(a):\n    a += 1\n    return a\ndag.add_node(Node(f, 'first'))\ndag.add_node(Node(f, 'second'))\n",
        {"a": "1"},
    ),
    "a default is one object for all calls": Mechanism(
        lambda patch: patch.setattr(flows, "literal", repr),
        "def f(a, b=[]):\n    b.append(a)\n    return a\ndef g(a):\n    return list(f.__defaults__[0])\n" + TWO,
        {"a": "1"},
    ),
    "names are given once": Mechanism(
        lambda patch: patch.setattr(Namespace, "local", lambda self, wish: stem(wish)),
        "def f(a):\n    b = a\n    return b + 1\ndag.add_node(Node(f, 'first_b')) >> dag.add_node(Node(f, 'first'))\n"
        "def g(a, b):\n    return (a, b)\n"
        "dag.nodes['first'] >> dag.add_node(Node(g, 'g'))\ndag.nodes['first_b'] >> dag.nodes['g']\n",
        {"a": "1"},
    ),
    "a global is looked up when it is read": Mechanism(
        lambda patch: patch.setattr(
            writing.Body,
            "_text",
            lambda body, names, use, variables, inner: (
                names.bound(use.name, f"{names.module(body.module)}.{use.name}", None)
                if use.meaning == "global"
                else {**variables, **inner}[use.name]
            ),
        ),
        DEFINING + TWO,
        {"a": "1"},
    ),
    "what follows a branch that returns stands in the other one": Mechanism(
        lambda patch: patch.setattr(Structure, "otherwise", lambda *_: []),
        "def f(a):\n    if a:\n        return 1\n    note(a)\n    return 2\n" + ONE,
        {"a": "0"},
    ),
}


def how(text: str, folder: Path) -> list[str]:
    """Say how the nodes are compiled."""
    trial = Trial(text, {}, folder)
    try:
        choices = compilation(trial.fresh().dag.plan(), target=f"{trial.name}:dag", options=Options(2)).choices
        return [choice.how for choice in choices]
    finally:
        trial.end()


def difference(text: str, inputs: dict[str, str], folder: Path) -> str:
    """Say what goes otherwise in the compiled module, if it can be made and run at all."""
    trial = Trial(text, inputs, folder)
    try:
        return trial.difference(INLINED)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong without a rule
        return f"{type(error).__name__}: {error}"
    finally:
        trial.end()


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_function_that_breaks_a_rule_is_called_and_would_do_something_else_if_it_were_inlined(
    rule: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, inputs, also = EXAMPLES[rule]
    text = HEAD + code
    assert "called" in how(text, folder)
    assert difference(text, inputs, folder) == ""
    monkeypatch.setattr(bodies, "read", lenient(rule, *also).read)
    assert "called" not in how(text, folder)
    assert difference(text, inputs, folder) != ""


@pytest.mark.parametrize("rule", CAUTION)
def test_a_function_that_breaks_a_rule_of_caution_is_called(
    rule: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, inputs, also = CAUTION[rule]
    assert how(HEAD + code, folder) == ["called"]
    assert difference(HEAD + code, inputs, folder) == ""
    monkeypatch.setattr(bodies, "read", lenient(rule, *also).read)
    assert how(HEAD + code, folder) == ["inlined"]


def test_a_body_that_goes_on_after_its_value_is_known_is_called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEAD + "def f(a):\n    try:\n        return Thing(a)\n    finally:\n        raise Oops\n" + ONE
    assert how(text, folder) == ["called"]
    assert difference(text, {"a": "1"}, folder) == ""
    changed(goes_on=lambda _: False)(monkeypatch)
    assert how(text, folder) == ["inlined"]
    assert difference(text, {"a": "1"}, folder) != ""


def test_every_rule_is_shown_to_matter() -> None:
    apart = {"default", "depth", "internal"}  # a mechanism, and the last two tests
    assert {rule.code for rule in inline.RULES} == {*EXAMPLES, *CAUTION, *apart}


@pytest.mark.parametrize("name", MECHANISMS)
def test_without_what_inlined_code_relies_on_it_would_do_something_else(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks, code, inputs = MECHANISMS[name]
    assert "called" not in how(HEAD + code, folder)
    assert difference(HEAD + code, inputs, folder) == ""
    breaks(monkeypatch)
    assert difference(HEAD + code, inputs, folder) != ""


def test_a_module_that_python_does_not_take_is_written_with_calls(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "read", lenient("depth").read)
    text = HEAD + deepest() + ONE
    assert how(text, folder) == ["called"]
    assert difference(text, {"a": "[1]"}, folder) == ""


def test_a_function_of_which_the_analysis_fails_is_called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reader, "check_escapes", fails)
    text = HEAD + "def f(a):\n    return a + 1\n" + ONE
    assert how(text, folder) == ["called"]
    assert difference(text, {"a": "1"}, folder) == ""
