"""What a policy refuses of paths and of code."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdag_typed.security.policy import SecurityPolicy


def test_the_fields_and_their_defaults_are_the_specification_s() -> None:
    policy = SecurityPolicy()
    assert (policy.allow_eval, policy.allow_exec, policy.allow_file_access) == (False, False, True)
    assert (policy.allowed_file_paths, policy.max_input_size_bytes, policy.max_string_length) == ([], 10485760, 1000000)
    assert policy.allowed_modules == {"math", "datetime", "json", "collections", "itertools", "functools"}
    assert policy.forbidden_attributes >= {"__import__", "__builtins__", "eval", "exec", "compile", "open", "input"}
    assert SecurityPolicy().allowed_modules is not policy.allowed_modules


@pytest.mark.parametrize("name", ["max_input_size_bytes", "max_string_length"])
def test_a_limit_below_zero_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not less than 0"):
        SecurityPolicy(**{name: -1})


@pytest.mark.parametrize(
    "text",
    [
        "1 + x",
        "max(a, key=len)",
        "import json\njson.loads(text)",
        "from collections.abc import Set",
        " x",
        "evaluate()",
    ],
)
def test_code_that_does_nothing_forbidden_is_allowed(text: str) -> None:
    assert SecurityPolicy().refuses_code(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("eval('1')", 'uses "eval"'),
        ("(lambda: exec)()('1')", 'uses "exec"'),
        ("open('/etc/passwd')", 'uses "open"'),
        ("io.open", 'uses "open"'),
        ("().__class__.__bases__", 'uses "__'),
        ("__name__", 'uses "__name__"'),
        ("globals()['x']", 'uses "globals"'),
        ("getattr(x, 'y')", 'uses "getattr"'),
        ("import os", 'imports "os"'),
        ("import math, subprocess", 'imports "subprocess"'),
        ("from os.path import join", 'imports "os.path"'),
        ("import jsonish", 'imports "jsonish"'),
        ("from . import json", 'imports "."'),
        ("x['__class__']", 'holds text with "__"'),
        ("f'{x.__class__}'", 'uses "__class__"'),
        ("'{0.__class__}'.format(x)", 'holds text with "__"'),
        ("not python at all", "cannot be read as Python (SyntaxError)"),
        ("a\0b", "cannot be read as Python"),
        ("(" * 10_000 + ")" * 10_000, "cannot be read as Python"),
    ],
)
def test_code_that_does_something_forbidden_is_refused(text: str, says: str) -> None:
    why = SecurityPolicy().refuses_code(text)
    assert why is not None
    assert says in why


def test_a_policy_may_allow_more() -> None:
    assert SecurityPolicy(allow_eval=True).refuses_code("eval('1')") is None
    assert SecurityPolicy(allow_eval=True).refuses_code("exec('1')") is not None
    assert SecurityPolicy(allow_exec=True).refuses_code("exec(compile('1', '', 'exec'))") is None
    assert SecurityPolicy(allowed_modules={"os"}).refuses_code("import os.path") is None
    assert SecurityPolicy(forbidden_attributes=set()).refuses_code("open('x')") is None


def test_paths_are_allowed_unless_the_policy_says_otherwise(tmp_path: Path) -> None:
    assert SecurityPolicy().refuses_path("/etc/passwd") is None
    assert "does not allow access to files" in str(SecurityPolicy(allow_file_access=False).refuses_path("a"))
    policy = SecurityPolicy(allowed_file_paths=[str(tmp_path)])
    assert policy.refuses_path(tmp_path) is None
    assert policy.refuses_path(tmp_path / "inside" / "of") is None
    for outside in (tmp_path.parent, tmp_path / ".." / "other", Path(f"{tmp_path}_beside"), Path("relative")):
        assert policy.refuses_path(outside) == "is a path that leads outside of what the policy allows"


def test_a_symbolic_link_leads_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path)
    policy = SecurityPolicy(allowed_file_paths=[str(tmp_path / "allowed")])
    assert policy.refuses_path(tmp_path / "allowed" / "link" / "secret") is not None
