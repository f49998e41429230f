"""What cannot be inlined exactly is called, and a rule says why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import inline
from fastdag_codegen.sources import Source
from tests.codegen.inline import refused
from tests.codegen.inline.flat import inlined, refusal, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@pytest.mark.parametrize(
    ("func", "rule"), refused.REFUSED, ids=[getattr(func, "__name__", "?") for func, _ in refused.REFUSED]
)
def test_a_rule_refuses_a_function(func: Callable[..., Any], rule: str) -> None:
    found = inline.read(func, Source(refused.__name__, str(refused.__file__)))
    assert isinstance(found, inline.Refusal), "it is inlined"
    assert found.rule == rule, found


def test_every_refusal_names_a_rule_of_the_table() -> None:
    codes = [rule.code for rule in inline.RULES]
    assert len(set(codes)) == len(codes)
    assert {code for _, code in refused.REFUSED} <= {*codes}


def test_a_refusal_tells_the_line() -> None:
    found = refusal(refused.reads_what_one_branch_binds)
    first = refused.reads_what_one_branch_binds.__code__.co_firstlineno
    assert found == ("unbound", "y may have no value when it is read", first + 4)


def test_a_function_without_source_is_called() -> None:
    found = inline.read(refused.logs, None)
    assert found == ("source", "its source is not known", refused.logs.__code__.co_firstlineno)


def test_source_that_was_edited_since_is_not_trusted(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x + 1\n")
    path = str(made.__file__)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a path of the test's own
        file.write("def f(x):\n    return x + 2\n")
    assert refusal(made.f).rule == "source"


@pytest.mark.parametrize("text", ["def f(x):\n    # why\n    return x + 1\n", "def f(x):\n    return (x + 1)\n"])
def test_a_comment_that_was_edited_since_may_move_lines(module: Callable[..., ModuleType], text: str) -> None:
    made = module("def f(x):\n    # because\n    return x + 1\n")
    path = str(made.__file__)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a path of the test's own
        file.write(text)
    moved = text.count("\n") != 3
    assert isinstance(inline.read(made.f, source(made.f)), inline.Refusal if moved else inline.Body)


def test_patched_code_is_taken_for_what_it_is(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x + 1\n\n\ndef g(x):\n    return x + 2\n")
    assert inlined(made.f).call(1) == 2
    made.f.__code__ = made.g.__code__
    assert inlined(made.f).call(1) == made.f(1) == 3
    made.f.__code__ = compile("def f(x):\n    return x + 3\n", "<text>", "exec").co_consts[0]
    assert refusal(made.f).rule == "source"


def test_code_without_a_file_is_not_inlined(module: Callable[..., ModuleType]) -> None:
    made = module("x = 1\n")
    exec("def f(x):\n    return x\n", vars(made))  # noqa: S102 - the text is our own
    assert refusal(made.f).rule == "source"


def test_globals_of_another_module_are_not_looked_up_here(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x\n")
    other = type(made.f)(made.f.__code__, dict(vars(made)), "f")
    other.__module__ = made.__name__
    assert refusal(other).rule == "module"


def test_a_script_is_not_imported(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x\n")
    made.f.__module__ = "__main__"
    assert inline.read(made.f, None) == ("module", "it is of the script that runs now", 1)
    assert inline.read(made.f, Source("__main__", str(made.__file__))) == inline.Refusal(
        "module", "it is of the script that runs now", 1
    )


def test_a_module_that_cannot_be_imported_again_is_not_used(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x\n")
    found = source(made.f)
    made.__spec__ = None
    assert inline.read(made.f, found) == ("module", f"module {made.__name__} cannot be imported by that name", 1)


def test_a_module_with_attributes_of_its_own_making_is_not_used(module: Callable[..., ModuleType]) -> None:
    text = "import sys\nimport types\nclass M(types.ModuleType): ...\n\ndef f(x):\n    return x\n"
    made = module(text + "sys.modules[__name__].__class__ = M\n")
    assert refusal(made.f).rule == "module"


def test_builtins_of_another_kind_are_not_used(module: Callable[..., ModuleType]) -> None:
    made = module("import builtins\n\n__builtins__ = {**vars(builtins)}\n\n\ndef f(x):\n    return x\n")
    assert refusal(made.f).rule == "module"


def test_a_long_function_is_called(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n" + "    x += 1\n" * 199 + "    return x\n\n\ndef g(x):\n" + "    x += 1\n" * 201)
    assert isinstance(inline.read(made.f, source(made.f)), inline.Body)
    assert refusal(made.g).rule == "long"


def test_a_deep_function_is_called(module: Callable[..., ModuleType]) -> None:
    def nested(depth: int) -> str:
        loops = "".join(f"{'    ' * (level + 1)}while x:\n" for level in range(depth))
        return loops + "    " * (depth + 1) + "x -= 1\n"

    made = module(f"def f(x):\n{nested(11)}\n\ndef g(x):\n{nested(18)}")
    assert isinstance(inline.read(made.f, source(made.f)), inline.Body)
    assert refusal(made.g).rule == "depth"


def test_names_that_python_writes_differently_are_not_renamed(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    \ufb01 = x\n    return fi\n")
    assert refusal(made.f).rule == "names"


def test_unusual_ends_of_lines_are_not_read(module: Callable[..., ModuleType]) -> None:
    made = module("def f(x):\n    return x, '\x0c'\n")
    assert refusal(made.f).rule == "syntax"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are of Python 3.12")
def test_type_parameters_are_not_inlined(module: Callable[..., ModuleType]) -> None:
    made = module("def f[T](x: T) -> T:\n    return x\n\n\ndef g(x):\n    type A = int\n    return x\n")
    assert refusal(made.f).rule in {"signature", "closure", "source"}
    assert refusal(made.g).rule == "definition"


def test_what_goes_wrong_in_the_analysis_is_a_refusal(module: Callable[..., ModuleType]) -> None:
    made = module(f"def f(x):\n    return x{' + x' * 900}\n")
    assert made.f(1) == 901
    assert refusal(made.f) == ("internal", "it could not be analysed: RecursionError", 1)
