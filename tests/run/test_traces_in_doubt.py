"""Tracebacks of compiled code show nothing that is not so, hide no error, and keep nothing alive."""

from __future__ import annotations

import dataclasses
import gc
import sys
import weakref
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING, cast

import pytest

from fastdag_typed import DAG
from fastdag_typed.run.traces import attribute, behind
from tests.run.inlined import (
    AGAIN,
    AGAIN_ROW,
    RATIO,
    RATIO_ROW,
    SOURCE,
    FailedError,
    Flat,
    cause,
    entries,
    held,
    line_of,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHARE = "share = total / len(lines)"
FLAT_SHARE = "ratio_share = amount / len(rows)"


@pytest.fixture
def flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flat]:
    monkeypatch.syspath_prepend(tmp_path)
    found = Flat(tmp_path)
    yield found
    found.forget()


# -- doubts ------------------------------------------------------------------------------------------------------------


def test_a_source_that_has_changed_since_is_not_shown(flat: Flat) -> None:
    digest = sha256(SOURCE.encode()).hexdigest()
    module = flat.load(RATIO, RATIO_ROW, SOURCES=((flat.name, f"{flat.name}.py", digest),))
    assert shown(cause(module.walk, [], 4)) == [("ratio", SHARE)]
    flat.source.write_text(f"\n{SOURCE}", encoding="utf-8")
    error = cause(module.walk, [], 4)
    assert shown(error) == [("walk", FLAT_SHARE)]
    assert error.__notes__ == [f"in node 'part.ratio' ({flat.path}:4)"]


def test_a_function_whose_module_is_gone_is_not_shown(flat: Flat) -> None:
    error = cause(flat.load(RATIO, ("n", "no_such_module:ratio", {})).walk, [], 4)
    assert shown(error) == [("walk", FLAT_SHARE)]
    assert error.__notes__ == [f"in node 'n' ({flat.path}:4)"]


def test_a_module_without_a_file_is_not_shown(flat: Flat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "users_typed", ModuleType("users_typed"))
    error = cause(flat.load(RATIO, ("n", "users_typed:ratio", {})).walk, [], 4)
    assert shown(error) == [("walk", FLAT_SHARE)]
    assert error.__notes__ == [f"in node 'n' ({flat.path}:4)"]


@pytest.mark.parametrize("qualname", ["gone", "make.<locals>.inner", "FACTOR", "again", "down"])
def test_a_function_that_another_has_the_name_of_now_is_shown_all_the_same(flat: Flat, qualname: str) -> None:
    module = flat.load(RATIO, ("n", qualname, RATIO_ROW[2]))
    module.users.again = module.users.ratio
    error = cause(module.walk, [], 4)
    assert shown(error) == [(qualname.rpartition(".")[2], SHARE)]
    code = entries(error)[0].tb_frame.f_code
    assert (code.co_qualname, code.co_firstlineno) == (qualname, line_of(SHARE))
    assert error.__notes__ == [f"in node 'n' ({flat.source}:{line_of(SHARE)})"]


def test_a_frame_without_variables_of_its_own_shows_none_as_in_native_code(flat: Flat) -> None:
    module = flat.load(RATIO, RATIO_ROW)
    code = compile(f"\n\n\n{FLAT_SHARE}", str(flat.path), "exec").replace(co_name="walk", co_qualname="walk")
    with pytest.raises(ZeroDivisionError) as caught:
        exec(code, vars(module), {"rows": [], "amount": 4})  # noqa: S102 - code with no variables of its own
    attribute(caught.value, module.INLINED, str(flat.path))
    assert shown(caught.value)[1:] == [("ratio", SHARE)]
    assert held(caught.value)[1:] == [{}]
    assert behind(entries(caught.value)[1]).tb_frame.f_locals == {"rows": [], "amount": 4}


def test_a_node_that_has_the_name_of_its_function_leads_to_it(flat: Flat) -> None:
    users = flat.users()
    function, users.ratio = users.ratio, DAG("d").node(users.ratio)
    (entry,) = entries(cause(flat.load(RATIO, RATIO_ROW).walk, [], 4))
    assert entry.tb_frame.f_code.co_firstlineno == function.__code__.co_firstlineno != entry.tb_lineno


def test_without_inlined_bodies_nothing_changes(flat: Flat) -> None:
    module = flat.load(RATIO, RATIO_ROW)
    module.INLINED = ()
    error = cause(module.walk, [], 4)
    assert shown(error) == [("walk", FLAT_SHARE)]
    assert not hasattr(error, "__notes__")


def test_only_the_file_that_is_meant_is_read(flat: Flat) -> None:
    module = flat.load(RATIO, RATIO_ROW)
    with pytest.raises(ZeroDivisionError) as caught:
        module.users.ratio([], 4)
    before = entries(caught.value)
    everywhere = ((1, 999, "n", f"{flat.name}:ratio", tuple((n, 1) for n in range(999)), ()),)
    attribute(caught.value, everywhere, str(flat.path))
    assert entries(caught.value) == before
    assert not hasattr(caught.value, "__notes__")


def test_a_fault_while_mending_does_not_hide_the_error(flat: Flat, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hostile(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "users_hostile", Hostile("users_hostile"))
    error = cause(flat.load(RATIO, ("n", "users_hostile:ratio", {})).walk, [], 4)
    assert isinstance(error, ZeroDivisionError)
    assert error.__context__ is None
    assert shown(error) == [("walk", FLAT_SHARE)]


def test_an_error_that_nothing_can_be_assigned_to_is_shown_without_its_note(flat: Flat) -> None:
    @dataclasses.dataclass(frozen=True)
    class FrozenError(Exception):
        code: int

    body = """
        def walk(key, given):
            try:
                # node: check
                try:
                    check = {}[key]  #= return {}[value]
                except KeyError as check_lost:  #= except KeyError as lost:
                    raise given from check_lost  #= raise ValueError(f"no {value}") from lost
        END
    """
    error = cause(flat.load(body, ("check", "check", {"key": "value"})).walk, "k", FrozenError(3))
    assert isinstance(error, FrozenError)
    assert shown(error) == [("check", 'raise ValueError(f"no {value}") from lost')]
    assert not hasattr(error, "__notes__")
    assert error.__cause__ is not None
    assert shown(error.__cause__) == [("check", "return {}[value]")]


def test_errors_that_led_to_each_other_are_read_once(flat: Flat) -> None:
    one, two = ValueError(1), ValueError(2)
    one.__context__, two.__context__, two.__cause__ = two, one, two
    assert cause(flat.load(AGAIN, AGAIN_ROW).walk, one) is one
    assert shown(one) == [("again", "raise error")]


def test_a_hostile_name_of_a_node_stays_in_one_line(flat: Flat) -> None:
    error = cause(flat.load(RATIO, ("a'\n\x1b[31mb", *RATIO_ROW[1:])).walk, [], 4)
    assert error.__notes__ == [f"""in node "a'\\n\\x1b[31mb" ({flat.source}:{line_of(SHARE)})"""]


# -- again, and afterwards ---------------------------------------------------------------------------------------------


def test_nothing_is_done_twice(flat: Flat) -> None:
    module = flat.load(RATIO, RATIO_ROW)
    error = cause(module.walk, [], 4)
    before, notes = entries(error), list(error.__notes__)
    attribute(error, module.INLINED, str(flat.path))
    assert entries(error) == before
    assert error.__notes__ == notes


def test_an_error_that_is_raised_again_has_one_more_frame_as_ever_and_no_second_note(flat: Flat) -> None:
    module, given = flat.load(AGAIN, AGAIN_ROW), ValueError()
    cause(module.walk, given)
    assert shown(cause(module.walk, given)) == [("again", "raise error")] * 2
    assert len(given.__notes__) == 1


def test_the_note_can_be_told_from_the_user_s_own(flat: Flat) -> None:
    given = ValueError()
    given.add_note("mine")
    cause(flat.load(AGAIN, AGAIN_ROW).walk, given)
    assert [getattr(note, "says_where", False) for note in given.__notes__] == [False, True]


def test_the_frame_behind_can_still_be_read(flat: Flat) -> None:
    (entry,) = entries(cause(flat.load(RATIO, RATIO_ROW).walk, [], 4))
    found = behind(entry)
    assert (found.tb_frame.f_code.co_name, found.tb_lineno) == ("walk", 4)
    assert found.tb_frame.f_locals == {"rows": [], "amount": 4}
    assert behind(found) is found


def test_what_a_failed_run_held_is_let_go_with_its_error(flat: Flat) -> None:
    class Value(list[int]):
        pass

    module, value = flat.load(RATIO, RATIO_ROW), Value()
    gone, seen = weakref.ref(value), False
    gc.collect()
    gc.disable()
    try:
        try:
            module.walk(value, 4)
        except FailedError as failed:
            seen = held(cast("BaseException", failed.__cause__))[0]["lines"] is value
        del value
        assert seen
        assert gone() is None
    finally:
        gc.enable()
