"""Errors in inlined bodies show the functions that these were taken from: to every reader of tracebacks."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import io
import pdb  # noqa: T100 - which is tried
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from tests.run.inlined import AGAIN, AGAIN_ROW, RATIO, RATIO_ROW, SOURCE, Flat, cause, entries, held, line_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flat]:
    monkeypatch.syspath_prepend(tmp_path)
    found = Flat(tmp_path)
    yield found
    found.forget()


SHARE = line_of("share = total / len(lines)")


# -- what readers of tracebacks see ------------------------------------------------------------------------------------


def test_the_text_of_a_traceback_shows_the_function_and_names_the_node(flat: Flat) -> None:
    error = cause(flat.load(RATIO, RATIO_ROW).walk, [], 4)
    assert "".join(traceback.format_exception(error)) == (
        "Traceback (most recent call last):\n"
        f'  File "{flat.source}", line {SHARE}, in ratio\n'
        "    share = total / len(lines)\n"
        "ZeroDivisionError: division by zero\n"
        f"in node 'part.ratio' ({flat.source}:{SHARE})\n"
    )


def test_an_uncaught_error_is_printed_so_too(flat: Flat, capfd: pytest.CaptureFixture[str]) -> None:
    error = cause(flat.load(RATIO, RATIO_ROW).walk, [], 4)
    sys.__excepthook__(type(error), error, error.__traceback__)
    assert capfd.readouterr().err == "".join(traceback.format_exception(error))


def test_local_names_are_those_of_the_function_as_far_as_they_are_bound(flat: Flat) -> None:
    class Odd:
        def __truediv__(self, other: object) -> None:
            return None

    module, odd = flat.load(RATIO, RATIO_ROW), Odd()
    assert held(cause(module.walk, [], 4)) == [{"lines": [], "total": 4}]
    error = cause(module.walk, [1, 2], odd)
    assert held(error) == [{"lines": [1, 2], "total": odd, "share": None}]
    assert shown(error) == [("ratio", "return share * FACTOR")]


def test_captured_locals_are_the_function_s(flat: Flat) -> None:
    error = cause(flat.load(RATIO, RATIO_ROW).walk, [], 4)
    captured = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert captured.stack[0].locals == {"lines": "[]", "total": "4"}


def test_inspect_finds_the_function_around_the_line(flat: Flat) -> None:
    module = flat.load(RATIO, RATIO_ROW)
    try:
        raise cause(module.walk, [], 4)
    except ZeroDivisionError:
        found = inspect.trace(context=3)[-1]
    assert (found.filename, found.lineno, found.function) == (str(flat.source), SHARE, "ratio")
    lines = SOURCE.splitlines(keepends=True)
    assert found.code_context == lines[SHARE - 2 : SHARE + 1]
    assert inspect.getsource(found.frame) == "".join(lines[SHARE - 3 : SHARE + 1])
    code = found.frame.f_code
    assert (code.co_name, code.co_qualname, code.co_firstlineno) == ("ratio", "ratio", SHARE - 2)


def test_a_debugger_after_the_fact_stands_in_the_function(flat: Flat) -> None:
    error = cause(flat.load(RATIO, RATIO_ROW).walk, [], 4)
    answers = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("p total, lines\np FACTOR\np sorted(locals())\nq\n"), stdout=answers)
    debugger.use_rawinput = False
    debugger.reset()
    debugger.interaction(None, error.__traceback__)
    assert answers.getvalue().startswith(
        f"> {flat.source}({SHARE})ratio()\n-> share = total / len(lines)\n"
        "(Pdb) (4, [])\n(Pdb) 3\n(Pdb) ['lines', 'total']\n"
    )


def test_nothing_points_at_columns_which_are_those_of_other_code(flat: Flat) -> None:
    (entry,) = entries(cause(flat.load(RATIO, RATIO_ROW).walk, [], 4))
    positions = list(entry.tb_frame.f_code.co_positions())
    assert positions[entry.tb_lasti // 2] == (SHARE, SHARE, None, None)
    assert entry.tb_frame.f_lineno == entry.tb_lineno == SHARE


def test_tracers_of_the_program_meet_no_strange_exception(flat: Flat) -> None:
    module = flat.load(RATIO, RATIO_ROW)
    seen: list[tuple[str, str]] = []

    def trace(frame: object, event: str, arg: object) -> object:
        if event == "exception" and inspect.isframe(frame) and isinstance(arg, tuple):
            seen.append((frame.f_code.co_name, arg[0].__name__))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        error = cause(module.walk, [], 4)
    finally:
        sys.settrace(before)
    assert shown(error) == [("ratio", "share = total / len(lines)")]
    assert {row for row in seen if row[0] in {"walk", "ratio"}} == {
        ("walk", "ZeroDivisionError"),
        ("walk", "FailedError"),
    }


# -- what stays as it is -----------------------------------------------------------------------------------------------


def test_the_error_itself_is_untouched(flat: Flat) -> None:
    given = LookupError("lost", 7)
    given.__cause__, given.__context__ = KeyError(1), KeyError(2)
    given.__suppress_context__ = False
    before = (type(given), given.args, given.__cause__, given.__context__, given.__suppress_context__)
    assert cause(flat.load(AGAIN, AGAIN_ROW).walk, given) is given
    assert (type(given), given.args, given.__cause__, given.__context__, given.__suppress_context__) == before
    assert shown(given) == [("again", "raise error")]


def test_frames_after_a_body_stay_and_recursion_is_shown_whole(flat: Flat) -> None:
    body = """
        def walk(given):
            try:
                # node: deep
                deep = users.down(given, 3)  #= return down(data, 3)
        END
    """
    error = cause(flat.load(body, ("deep", "deep", {"given": "data"})).walk, {})
    assert [name for name, _ in shown(error)] == ["deep", "down", "down", "down", "down"]
    assert held(error) == [{"data": {}}, *({"data": {}, "levels": level} for level in (3, 2, 1, 0))]
    marked = traceback.extract_tb(error.__traceback__)
    assert [one.colno is None for one in marked] == [True, False, False, False, False]


def test_a_line_that_is_no_part_of_a_body_stays(flat: Flat) -> None:
    body = """
        def walk(record, rows):
            try:
                amount = record["amount"]
                # node: ratio
                ratio = amount / len(rows)  #= share = total / len(lines)
        END
    """
    module = flat.load(body, RATIO_ROW)
    error = cause(module.walk, {}, [])
    assert shown(error) == [("walk", 'amount = record["amount"]')]
    assert not hasattr(error, "__notes__")
    assert shown(cause(module.walk, {"amount": 1}, [])) == [("ratio", "share = total / len(lines)")]


def test_what_the_function_did_not_do_itself_is_only_noted(flat: Flat) -> None:
    body = """
        def walk(record, rows):
            try:
                # node: ratio
                total = record["amount"]
                ratio = total / len(rows)  #= share = total / len(lines)
        END
    """
    error = cause(flat.load(body, RATIO_ROW).walk, {}, [])
    assert shown(error) == [("walk", 'total = record["amount"]')]
    assert error.__notes__ == [f"in node 'part.ratio' ({flat.path}:4)"]


# -- which bodies ------------------------------------------------------------------------------------------------------


def test_bodies_of_several_files_are_told_apart(flat: Flat, tmp_path: Path) -> None:
    other = tmp_path / "users_elsewhere.py"
    other.write_text(SOURCE, encoding="utf-8")
    importlib.import_module(other.stem)
    body = """
        def walk(rows, key):
            try:
                # node: first
                first = next(iter(rows))  #= return next(iter(items))
                # node: ratio
                ratio = 1 / key  #= share = total / len(lines)
        END
    """
    module = flat.load(body, ("first", "users_elsewhere:first", {}), RATIO_ROW)
    try:
        found = [traceback.extract_tb(cause(module.walk, *given).__traceback__)[0] for given in (([], 0), ([1], 0))]
    finally:
        del sys.modules[other.stem]
    assert [(one.filename, one.name) for one in found] == [(str(other), "first"), (str(flat.source), "ratio")]


def test_a_part_of_a_long_function_is_shown_after_the_call_of_it(flat: Flat) -> None:
    body = """
        def _walk_1(rows, amount):
            # node: ratio
            ratio_share = amount / len(rows)  #= share = total / len(lines)
            return ratio_share

        def walk(rows, amount):
            try:
                return _walk_1(rows, amount)
        END
    """
    error = cause(flat.load(body, RATIO_ROW).walk, [], 4)
    assert shown(error) == [("walk", "return _walk_1(rows, amount)"), ("ratio", "share = total / len(lines)")]


CHECK_ROW = ("check", "check", {"key": "value", "check_lost": "lost"})


def test_a_cause_that_lies_in_the_body_too_is_mended_and_not_noted(flat: Flat) -> None:
    body = """
        def walk(key):
            try:
                # node: check
                try:
                    check = {}[key]  #= return {}[value]
                except KeyError as check_lost:  #= except KeyError as lost:
                    raise ValueError(f"no {key}") from check_lost  #= raise ValueError(f"no {value}") from lost
        END
    """
    error = cause(flat.load(body, CHECK_ROW).walk, "k")
    assert isinstance(error.__cause__, KeyError)
    assert error.__cause__ is error.__context__
    assert shown(error) == [("check", 'raise ValueError(f"no {value}") from lost')]
    assert shown(error.__cause__) == [("check", "return {}[value]")]
    assert held(error) == [{"value": "k"}], "the name of an except clause is gone after it"
    assert error.__notes__ == [f"in node 'check' ({flat.source}:{line_of(shown(error)[0][1])})"]
    assert not hasattr(error.__cause__, "__notes__")


def test_errors_that_share_a_traceback_share_the_new_frame(flat: Flat) -> None:
    body = """
        def walk(key):
            try:
                # node: check
                try:
                    check = {}[key]  #= return {}[value]
                except KeyError as check_lost:  #= except KeyError as lost:
                    trace = check_lost.__traceback__
                    raise ValueError(key).with_traceback(trace) from None  #= raise ValueError(f"no {value}") from lost
        END
    """
    error = cause(flat.load(body, CHECK_ROW).walk, "k")
    assert error.__context__ is not None
    assert [name for name, _ in shown(error)] == ["check", "check"]
    assert entries(error)[1].tb_frame is entries(error.__context__)[0].tb_frame


def test_members_of_a_group_are_shown_and_noted_each(flat: Flat) -> None:
    body = """
        def _walk_1(rows, amount):
            # node: ratio
            return amount / len(rows)  #= share = total / len(lines)

        def _walk_2(rows):
            # node: first
            return next(iter(rows))  #= return next(iter(items))

        def walk(rows, amount):
            failed = []
            try:
                for call in (lambda: _walk_1(rows, amount), lambda: _walk_2(rows)):
                    try:
                        call()
                    except Exception as one:
                        failed.append(one)
                failed[1].__context__ = failed[0]
                raise ExceptionGroup("several", [ExceptionGroup("some", failed[:1]), *failed[1:]])
        END
    """
    error = cause(flat.load(body, RATIO_ROW, ("first", "first", {"rows": "items"})).walk, [], 4)
    assert isinstance(error, ExceptionGroup)
    some, stop = error.exceptions
    assert isinstance(some, ExceptionGroup)
    assert shown(some.exceptions[0])[-1] == ("ratio", "share = total / len(lines)")
    assert some.exceptions[0].__notes__ == [f"in node 'part.ratio' ({flat.source}:{SHARE})"]
    assert isinstance(stop, StopIteration)
    assert shown(stop)[-1] == ("first", "return next(iter(items))")
    assert stop.__notes__ == [f"in node 'first' ({flat.source}:{line_of('return next(iter(items))')})"]
    assert not hasattr(error, "__notes__")


def test_a_generator_of_a_body_is_one_of_the_function(flat: Flat) -> None:
    body = """
        def walk(given):
            try:
                # node: total
                total_scale = 2  #= scale = 2
                total = sum(total_scale * row["x"] for row in given)  #= return sum(scale * row["x"] for row in rows)
                del total_scale
        END
    """
    names = {"given": "rows", "total_scale": "scale"}
    error = cause(flat.load(body, ("total", "total", names)).walk, [{}])
    text = 'return sum(scale * row["x"] for row in rows)'
    assert shown(error) == [("total", text), ("<genexpr>", text)]
    assert held(error) == [{"rows": [{}], "scale": 2}, {"scale": 2, "row": {}}]
    code = entries(error)[1].tb_frame.f_code
    assert (code.co_qualname, code.co_firstlineno) == ("total.<locals>.<genexpr>", line_of(text))
    assert len(error.__notes__) == 1


def test_a_comprehension_looks_as_it_does_in_the_function(flat: Flat) -> None:
    body = """
        def walk(given):
            try:
                # node: listed
                listed_weight = 2  #= weight = 2
                listed = [listed_weight // item for item in given]  #= return [weight // row for row in rows]
        END
    """
    names = {"given": "rows", "listed_weight": "weight", "item": "row"}
    error = cause(flat.load(body, ("listed", "listed", names)).walk, [1, 0])
    with pytest.raises(ZeroDivisionError) as caught:
        flat.users().listed([1, 0])
    assert shown(error) == shown(caught.value)[1:]
    assert held(error) == held(caught.value)[1:]


def test_an_unbound_name_is_the_function_s_error(flat: Flat) -> None:
    body = """
        def walk(flag):
            try:
                # node: loose
                if flag:  #= if flag:
                    found = 1  #= found = 1
                loose = found  #= return found
        END
    """
    error = cause(flat.load(body, ("loose", "loose", {"flag": "flag", "found": "found"})).walk, 0)
    assert isinstance(error, UnboundLocalError)
    assert shown(error) == [("loose", "return found")]
    assert held(error) == [{"flag": 0}]


def test_of_two_variables_for_one_name_the_later_that_is_bound_counts(flat: Flat) -> None:
    names = {"rows": "lines", "amount": "x", "ratio_share": "x"}
    module = flat.load(RATIO, ("ratio", "ratio", names))
    assert held(cause(module.walk, [], 4)) == [{"lines": [], "x": 4}]
    module.users.FACTOR = None
    assert held(cause(module.walk, [1], 4)) == [{"lines": [1], "x": 4.0}]


def test_a_body_in_a_coroutine_is_shown_as_one_in_a_function(flat: Flat) -> None:
    body = """
        async def walk(given):
            try:
                # node: later
                await users.pause()  #= await pause()
                later = given["missing"]  #= return data["missing"]
        END
    """
    module = flat.load(body, ("later", "later", {"given": "data"}))
    error = cause(lambda: asyncio.run(module.walk({})))
    assert shown(error) == [("later", 'return data["missing"]')]
    assert held(error) == [{"data": {}}]
    module.users.pause = None
    assert shown(cause(lambda: asyncio.run(module.walk({})))) == [("later", "await pause()")]
