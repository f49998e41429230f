"""A compiled state machine does what the interpreted one does, whatever its states return and wherever they fail."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastdag_codegen import compile_workflow, load, write
from fastdag_codegen.options import Options
from fastdag_typed import DAG, FSMContext, Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PREAMBLE = """
from __future__ import annotations

import asyncio
from contextlib import suppress

import fastdag_typed as library
from fastdag_typed import FSM, ConditionalReturn, FSMContext, FSMReturn, SelectReturn
from fastdag_typed.returns import UNSET

LOG = []


class Other(FSMReturn):
    pass


def note(value, what):
    LOG.append(f"{what} {value}")
    return value


def look(context):
    note(context.results, f"{context.cycle_count} {context.current_state} {context.state_history}")

"""
RETURNS = [
    'FSMReturn("<a>", v + 1)',
    'FSMReturn("<a>", v + 1)',
    "FSMReturn(next_state=<a>, value=v + 1)",
    "FSMReturn(next_state=<a>, value=v + 1)",
    'FSMReturn(value=note(v + 1, "value"), next_state=note("<a>", "next"))',
    'FSMReturn(next_state="<a>" if note(v % 2, "asks") else "<b>", value=note(v + 1, "value"))',
    'FSMReturn(value=note(v + 1, "value"), next_state="<a>" if note(v % 2, "asks") else "<b>")',
    "FSMReturn(<a> if v % 2 else <b>, v + 2)",
    'FSMReturn("<a>" if v % 3 else None, v + 1)',
    "FSMReturn(<a> if v % 3 else None, v + 1)",
    'FSMReturn("<a>" if v % 3 else <b>, v + 1)',
    'FSMReturn("<a>" if v % 3 else "nowhere", v + 1)',
    'FSMReturn(next_state="<a>", value=v + 1, stop_condition=v > <n>)',
    'FSMReturn(next_state="<a>", value=note(v + 1, "value"), stop_condition=note(v > <n>, "stop"))',
    "FSMReturn(<a>, v + 1, stop_condition=v > <n>)",
    'FSMReturn("<a>" if v % 2 else "<b>", v + 1, v > <n>)',
    'FSMReturn("<a>", v + 1, stop=v > <n>)',
    'FSMReturn("<a>", v + 1, continue_execution=v < <n>)',
    'FSMReturn("<a>", v + 1, False, True, stop=False)',
    'FSMReturn("<a>", v + 1, stop_condition=v % 4)',
    'FSMReturn("<a>", v + 1, [])',
    'FSMReturn("<a>", v + 1, continue_execution=v % 4)',
    'FSMReturn("<a>")',
    'FSMReturn("<a>", None)',
    "FSMReturn(\n    next_state='<a>',  # the next one\n    value=v +\n    1,\n)",
    'FSMReturn(next_state=note("<a>", "next"), value=(y := v + 1))',
    'FSMReturn(**{"next_state": "<a>", "value": v + 1})',
    'FSMReturn(*("<a>", v + 1))',
    'FSMReturn("<a>", *(v + 1,))',
    'FSMReturn[int]("<a>", v + 1)',
    'library.FSMReturn("<a>", v + 1)',
    'Other("<a>", v + 1)',
    'FSMReturn(<a>.copy("<b>"), v + 1)',
    'note(FSMReturn("<a>", v + 1), "made")',
]
WIRED = [
    "v + 1",
    "v + 1",
    "v > <n>",
    "True",
    "7",
    'f"{v}"',
    "[v]",
    "ConditionalReturn(v % 2 == 0, v + 1)",
    "ConditionalReturn(v > <n>)",
    'ConditionalReturn(note(v % 2, "asks"), note(v, "value"), true_branch="<a>")',
    'ConditionalReturn(v % 2 == 0, v, "<a>", <b>)',
    "ConditionalReturn(1, v + 1)",
    'ConditionalReturn(False, v + 1, "<a>", "<b>")',
    "ConditionalReturn(v > <n>, UNSET)",
    'SelectReturn(v + 1, "b0")',
    'SelectReturn(note(v + 1, "value"), "b0" if note(v % 2, "asks") else "b1")',
    'SelectReturn(branch="<a>", value=v + 1)',
    "SelectReturn(v, <a>)",
    'SelectReturn(UNSET, "b1")',
    'SelectReturn("b0", "b1")',
]
ENDS = [
    "FSMReturn(value=v)",
    "FSMReturn(stop_condition=True, value=v)",
    'FSMReturn("<a>", v, True)',
    'FSMReturn("<a>", v, continue_execution=False)',
    'FSMReturn("nowhere", v)',
    "FSMReturn([], v)",
    "FSMReturn(5, v)",
    'FSMReturn("<a>", 1 // (v % 3))',
    'FSMReturn("<a>", v, wrong=1)',
    'FSMReturn("<a>", v, False, True, False)',
    "SelectReturn(v)",
    'SelectReturn(v, "nowhere")',
    "SelectReturn(v, True)",
    "None",
    "v.missing",
]
SHAPES = [
    "return <1>",
    "return <1>",
    "if v % 3 == 1:\n    return <1>\nreturn <2>",
    "if v % 3 == 1:\n    return <1>\nif v % 5 == 2:\n    return <2>\nreturn <3>",
    "try:\n    return <1>\nexcept Exception as error:\n    note(0, type(error).__name__)\n    return <2>",
    'try:\n    return <1>\nfinally:\n    note(1, "end")',
    'with suppress(TypeError, LookupError, ZeroDivisionError):\n    return <1>\nnote(2, "after")\nreturn <2>',
    "for index in range(v % 4):\n    if index == 2:\n        return <1>\nreturn <2>",
    "if v % 6 == 5:\n    raise LookupError(v)\nreturn <1>",
    "if v % 11 == 10:\n    raise KeyboardInterrupt(v)\nreturn <1>",
]
CASES = max(1, int(os.environ.get("FASTDAG_LAWS", "500")) // 12)
NAMES = itertools.count()


def source(random: Random) -> str:
    """Make up the module of a state machine."""
    count = random.randint(1, 11)
    limit, reaction = random.randint(1, 30), random.choice(("stop", "raise"))
    lines = [PREAMBLE, f'fsm = FSM("machine", max_cycles={limit}, on_max_cycles="{reaction}")\n']
    wired, waits = random.random() < 0.6, random.random() < 0.15
    for number in range(count):
        choices = RETURNS + (WIRED * 2 if wired else []) + (ENDS if random.random() < 0.2 else [])
        body = random.choice(SHAPES)
        for place in "123":
            body = body.replace(f"<{place}>", random.choice(choices))
        for letter in "ab":
            body = body.replace(f"<{letter}>", f"s{random.randrange(count)}")
        body = body.replace("<n>", str(random.randint(0, 9)))
        looks, is_async = random.random() < 0.2, waits and random.random() < 0.5
        port = "v" if number else random.choice(("seed", "v"))
        first = f"v = {port}\n" if port != "v" else ""
        awaits = "await asyncio.sleep(0)\n" if is_async else ""
        returns = random.choice(("", "", " -> FSMReturn[int]"))
        lines += [
            f"@fsm.state(is_initial={number == 0}, is_final={random.random() < 0.05})",
            f"{'async ' if is_async else ''}def s{number}({port}{', context: FSMContext' if looks else ''}){returns}:",
            indent(f"{first}{awaits}{'look(context)' if looks else 'pass'}\n{body}\n", "    "),
        ]
    outlets = ["", "", ".on_true", ".on_false", '.on("b0")', '.on("b1")']
    seen: set[tuple[int, str]] = set()
    for _ in range(random.randint(0, 3 * count) if wired else 0):
        way = (random.randrange(count), random.choice(outlets))
        if way not in seen:
            seen.add(way)
            lines.append(f"s{way[0]}{way[1]} >> s{random.randrange(count)}")
    return "\n".join(lines) + "\n"


@contextmanager
def imported(text: str) -> Iterator[Any]:
    """Import a module that was made up."""
    name = f"made_up_machine_{next(NAMES)}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{name}.py").write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield importlib.import_module(name)
        finally:
            sys.path.remove(folder)
            sys.modules.pop(name, None)


def flat(module: Any, level: Any = 2, **options: Any) -> ModuleType:
    """Compile its machine."""
    path = Path(module.__file__).parent / f"flat_{level}.py"
    write(text_of(module, level=level, **options), path)
    return load(path)


def text_of(module: Any, **options: Any) -> str:
    return compile_workflow(module.fsm.plan(), target=f"{module.__name__}:fsm", options=Options(**options))


def interpreted(module: Any, what: Any, inputs: dict[str, Any], context: FSMContext) -> list[object]:
    """Run, and list all that can be seen of it."""
    runner = Runner(what)
    error = raised(partial(runner.run, inputs, context=context))
    found = runner.metrics
    facts = [found.results, list(found.results), found.value, found.statuses, found.execution_order, found.errors]
    facts += [found.nodes_executed, found.stop_reason, found.workflow.context is context]  # type: ignore[union-attr]
    return [repr(facts), error, *seen(module, context)]


def seen(module: Any, context: FSMContext) -> list[object]:
    """List what a run leaves behind."""
    log = list(module.LOG)
    module.LOG.clear()
    counts = [context.cycle_count, context.current_state, context.state_history]
    return [repr(counts), repr(context.results), repr(context.cycle_results), context.metadata, log]


def raised(call: Any) -> object:
    """Call; describe what is raised, and all that is behind it."""
    try:
        call()
    except WorkflowExecutionError as error:
        return str(error), error.node_name, error.where, _chain(error)
    except KeyboardInterrupt as error:
        return repr(error)
    return None


def _chain(error: BaseException | None) -> list[str]:
    return [] if error is None else [repr(error), *_chain(error.__cause__)]


@settings(max_examples=CASES, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_flat_machine_does_what_the_interpreted_one_does(seed: int) -> None:
    text = source(Random(seed))  # noqa: S311 - no secret
    note(text)
    with imported(text) as module:
        names = {entry.name for entry in module.fsm.plan().required if entry.node == "s0"}
        flats = [flat(module, level) for level in (seed % 2, 2)]
        for start in (0, 1, 8):
            inputs = dict.fromkeys(names, start)
            context = FSMContext(metadata={"of": "the run"})
            expected = interpreted(module, module.fsm, inputs, context)
            for compiled in flats:
                assert interpreted(module, compiled, inputs, FSMContext(metadata={"of": "the run"})) == expected
                again = FSMContext(metadata={"of": "the run"})
                error = raised(partial(compiled.run, **inputs, context=again))
                assert [error, *seen(module, again)] == expected[1:]


FORMS = """
fsm = FSM("forms", max_cycles=9)


@fsm.state(is_initial=True)
def first(seed, form):
    return FSMReturn(form, seed)


@fsm.state
def s1(v):
    return FSMReturn(value=note(v, "one"))


@fsm.state
def s2(v):
    return FSMReturn(value=note(v, "two"))
"""
FORM = """
@fsm.state
def <name>(v):
    return <form>
"""
WIRES = """
<name>.on_true >> s1
<name>.on_false >> s2
<name>.on("b0") >> s1
<name>.on("b1") >> s2
<name> >> s2
"""


@pytest.mark.parametrize("wires", ["", WIRES], ids=["free", "wired"])
def test_every_form_of_a_return_is_read_as_it_is(wires: str) -> None:
    forms = dict.fromkeys([*RETURNS, *WIRED, *ENDS])
    text = PREAMBLE + FORMS
    for number, form in enumerate(forms):
        body = form.replace("<a>", "s1").replace("<b>", "s2").replace("<n>", "4")
        text += (FORM + wires).replace("<form>", body).replace("<name>", f"f{number}")
    with imported(text) as module:
        compiled = flat(module)
        for (number, form), seed in itertools.product(enumerate(forms), (0, 1, 3, 5, 6)):
            inputs = {"seed": seed, "form": f"f{number}"}
            found = [interpreted(module, what, inputs, FSMContext()) for what in (module.fsm, compiled)]
            assert found[0] == found[1], form


COUNTING = (
    PREAMBLE
    + """
fsm = FSM("counting", max_cycles=50, metadata={"step": 2})


@fsm.state(is_initial=True)
def begin(seed: int) -> FSMReturn[int]:
    return FSMReturn(next_state=tick, value=seed)


@fsm.state
def tick(v: int) -> FSMReturn[int]:
    if v == 13:
        raise LookupError(v)
    return FSMReturn(next_state="tock", value=v + 1, stop_condition=v >= 20)


@fsm.state
def tock(v: int) -> FSMReturn[int]:
    return FSMReturn(next_state=tick, value=v + 1)
"""
)


@pytest.fixture
def counting() -> Iterator[Any]:
    with imported(COUNTING) as module:
        yield module


def test_a_failure_in_the_middle_leaves_all_that_was_done_before(counting: Any) -> None:
    context = FSMContext()

    with pytest.raises(WorkflowExecutionError, match='Error in node "tick"') as caught:
        flat(counting).run(9, context=context)

    assert isinstance(caught.value.__cause__, LookupError)
    assert (context.cycle_count, context.current_state) == (6, "tick")
    assert context.state_history == ["tick", "tock", "tick", "tock", "tick"]
    assert context.results == {"begin": 9, "tick": 12, "tock": 13}
    assert context.cycle_results == {"begin": [(1, 9)], "tick": [(2, 10), (4, 12)], "tock": [(3, 11), (5, 13)]}


def test_each_run_begins_to_count_anew_and_keeps_results_and_metadata(counting: Any) -> None:
    contexts = [FSMContext({"tock": 5}, {"of": "the run"}) for _ in range(2)]
    compiled = flat(counting)

    for seed in (17, 20):
        counting.fsm.run(seed=seed, context=contexts[0])
        compiled.run(seed, context=contexts[1])

    assert contexts[1].state_history == contexts[0].state_history == ["tick", "END"]
    assert contexts[1].cycle_results == contexts[0].cycle_results == {"begin": [(1, 20)], "tick": [(2, 21)]}
    assert contexts[1].cycle_count == 2
    assert contexts[1].results == contexts[0].results == {"begin": 20, "tick": 21, "tock": 21}
    assert contexts[1].metadata == {"step": 2, "of": "the run"}


def test_a_state_that_is_returned_as_itself_is_looked_up_each_time(
    counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = flat(counting)
    for other in (counting.tock, counting.tick.copy("begin"), counting.tick.copy("lost"), "begin"):
        monkeypatch.setattr(counting, "tick", other)
        found = [interpreted(counting, what, {"seed": 14}, FSMContext()) for what in (counting.fsm, compiled)]
        assert found[0] == found[1]


def test_a_context_can_be_read_while_the_machine_runs(counting: Any) -> None:
    contexts = FSMContext(), FSMContext()
    told: list[list[object]] = [[], []]

    class Seed(int):
        def __eq__(self, other: object) -> bool:
            told[which].append([contexts[which].cycle_count, contexts[which].current_state])
            return super().__eq__(other)

        def __add__(self, other: int) -> Seed:
            return Seed(super().__add__(other))

        __hash__ = int.__hash__

    compiled = flat(counting)
    which = 0
    counting.fsm.run(seed=Seed(14), context=contexts[0])
    which = 1
    compiled.run(Seed(14), context=contexts[1])

    assert told[0] == told[1] == [[2, "tick"], [4, "tick"], [6, "tick"], [8, "tick"]]


def test_a_machine_in_a_workflow_does_the_same(counting: Any) -> None:
    outer = DAG("outer")
    outer.add_workflow("inner", counting.fsm)
    counting.dag, counting.fsm = outer, outer

    for seed in (18, 10):
        found = [interpreted_graph(what, seed) for what in (outer, flat(counting))]
        assert found[0] == found[1]


def interpreted_graph(what: Any, seed: int) -> object:
    runner = Runner(what)
    error = raised(partial(runner.run, {"seed": seed}))
    return error, runner.metrics.results, runner.metrics.value


def ring(count: int) -> str:
    """Write a machine that goes round."""
    lines = [PREAMBLE, f'fsm = FSM("ring", max_cycles={2 * count})', ""]
    for number in range(count):
        lines += [
            f"@fsm.state(is_initial={number == 0})",
            f"def s{number}(v{'' if number else ' = 0'}):",
            f'    return FSMReturn("s{(number + 1) % count}", {number})',
        ]
    return "\n".join(lines)


@pytest.mark.parametrize("count", [1, 2, 8, 9, 40])
def test_the_code_of_every_state_is_found(count: int) -> None:
    with imported(ring(count)) as module:
        found = [interpreted(module, what, {}, FSMContext()) for what in (module.fsm, flat(module, 0), flat(module, 2))]

    assert found[0] == found[1] == found[2]


def test_no_object_is_made_where_it_is_certain_what_follows() -> None:
    with imported(ring(3)) as module:
        text = text_of(module)

    assert "FSMReturn" not in text
    assert "_fastdag.transition" not in text


def test_an_object_that_may_be_another_later_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with imported(ring(3)) as module:
        compiled = flat(module, late_globals=True)
        monkeypatch.setattr(module, "FSMReturn", lambda _, value: module.Other("s2" if value == 0 else None, value))
        found = [interpreted(module, what, {}, FSMContext()) for what in (module.fsm, compiled)]

    assert found[0] == found[1]
    assert "['s2', 'END']" in str(found[0])


def test_a_state_may_write_into_the_history() -> None:
    text = (
        PREAMBLE
        + """
fsm = FSM("writing", max_cycles=9)


@fsm.state(is_initial=True)
def begin(seed: int, context: FSMContext) -> FSMReturn[int]:
    context.state_history.append("a note")
    return FSMReturn("forget", seed)


@fsm.state
def forget(v: int, context: FSMContext) -> FSMReturn[int]:
    if v > 3:
        raise LookupError(v)
    context.state_history.clear()
    return FSMReturn("begin", v + 1)
"""
    )
    with imported(text) as module:
        for seed in (1, 5):
            found = [interpreted(module, what, {"seed": seed}, FSMContext()) for what in (module.fsm, flat(module))]
            assert found[0] == found[1]
