"""The agent goes round its loop until it can answer, and says so where it cannot."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdag_codegen
from examples.agent import machine
from examples.agent.machine import agent, desk
from examples.agent.model import decide
from examples.agent.talk import Call, Note, Planned, Reply, Say, Talk
from examples.agent.tools import LONGEST, ToolError, calculate, look_up
from fastdag_typed import Runner, WorkflowExecutionError

ROOT = Path(machine.__file__).parents[2]
HEIGHTS = "What is the height of Everest minus the height of Teide?"
LOOP = ["plan", "call_tool", "observe"]
SIGNS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}

numbers = st.integers(0, 99).map(str)
sums = st.recursive(
    numbers,
    lambda parts: st.builds("({} {} {})".format, parts, st.sampled_from(list(SIGNS)), parts),
    max_leaves=5,
)
questions = st.one_of(
    sums.map("What is {}?".format),
    st.sampled_from([HEIGHTS, "Who?", "how much is the area of Malta", "What is the area of Crete?", "What is love?"]),
)


@pytest.fixture(scope="module", params=["agent", "desk"])
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Give a workflow, and the module that is compiled from it."""
    module = tmp_path_factory.mktemp("compiled") / "flat.py"
    fastdag_codegen.write(fastdag_codegen.compile_target(f"examples.agent.machine:{request.param}"), module)
    return getattr(machine, request.param), fastdag_codegen.load(module)


@pytest.mark.parametrize(
    ("question", "text", "calls"),
    [
        (HEIGHTS, "It is 5,134.", 3),
        ("What is the population of Malta divided by the area of Malta?", "It is 1,644.184.", 3),
        ("how much is (1 plus 2) times 3.5", "It is 10.5.", 1),
        ("What is the height of K2?", "It is 8,611.", 2),
        ("What is the height of K2 minus the height of K2?", "It is 0.", 2),
        ("What is the height of Olympus plus 1?", "I cannot tell: the height of Olympus is in no table.", 1),
        ("What is 1 divided by 0?", "I cannot tell: 1 / 0 divides by zero.", 1),
        ("What is love?", "I cannot tell: love is not arithmetic.", 1),
        ("What is one plus?", "I cannot tell: one + is no expression.", 1),
        ("Who are you?", 'I understand questions that begin with "What is".', 0),
    ],
)
def test_a_question_is_answered_after_so_many_calls_of_tools(question: str, text: str, calls: int) -> None:
    assert agent.run(question=question) == Reply(text, calls)


def test_the_history_shows_each_round_of_the_loop() -> None:
    metrics = Runner(agent).run({"question": HEIGHTS})
    assert metrics.execution_order == ["listen", *LOOP * 3, "plan", "answer"]
    assert agent.state_history == [*LOOP * 3, "plan", "answer", "END"]
    assert agent.cycle_count == 12
    assert metrics.stop_reason == "final"
    assert metrics.results["answer"] == Reply("It is 5,134.", 3)


def test_what_was_known_in_each_round_can_be_looked_up() -> None:
    agent.run({"question": HEIGHTS})
    assert agent["plan.2"] == Planned(Talk(HEIGHTS), Call("look_up", "height of Everest"))
    assert [len(agent[f"observe.{cycle}"].notes) for cycle in (4, 7, 10)] == [1, 2, 3]
    assert agent["call_tool"].notes[-1] == Note(Call("calculate", "8849 - 3715"), "5,134")
    assert agent.get_result("give_up") is None


def test_an_agent_without_patience_gives_up_and_tells_what_it_found() -> None:
    found = "height of Everest is 8849; height of Teide is 3715"
    assert agent.run(question=HEIGHTS, patience=2) == Reply(f"I give up. What I found: {found}.", 2)
    assert agent.state_history[-2:] == ["give_up", "END"]
    assert agent.get_result(machine.answer) is None


@given(sums)
def test_arithmetic_in_words_is_worked_out_exactly_to_three_digits(words: str) -> None:
    formula = words
    for word, sign in SIGNS.items():
        formula = formula.replace(word, sign)
    text = agent.run(question=f"What is {words}?").text
    try:
        exact = worked_out(formula)
    except ZeroDivisionError:
        assert text == f"I cannot tell: {formula} divides by zero."
    else:
        said = Fraction(text.removeprefix("It is ").removesuffix(".").replace(",", ""))
        assert abs(said - exact) <= Fraction(1, 1000) * max(1, abs(exact) / 10**9)


def worked_out(formula: str) -> Fraction:
    """Work a formula out with fractions, which do not round."""
    pending = formula.replace("(", "( ").replace(")", " )").split()

    def part() -> Fraction:
        first = pending.pop(0)
        if first != "(":
            return Fraction(first)
        left, sign, right, _ = part(), pending.pop(0), part(), pending.pop(0)
        return {"+": left.__add__, "-": left.__sub__, "*": left.__mul__, "/": left.__truediv__}[sign](right)

    return part()


@given(question=questions, patience=st.integers(1, 4))
def test_what_is_compiled_answers_the_same(compiled: tuple[Any, Any], question: str, patience: int) -> None:
    workflow, module = compiled
    inputs: dict[str, Any] = {"question" if workflow is agent else "letter": question, "patience": patience}
    interpreted = Runner(workflow).run(inputs)
    flat = Runner(module).run(inputs)
    assert interpreted.results == flat.results == module.run(**inputs)
    assert interpreted.execution_order == flat.execution_order
    assert interpreted.stop_reason == flat.stop_reason


def test_a_letter_is_answered_by_the_machine_as_a_node() -> None:
    metrics = Runner(desk).run({"letter": f" Ada :  {HEIGHTS}\n"})
    assert metrics.value == "Dear Ada: It is 5,134. (tools called: 3)"
    assert metrics.results["read_letter"].question == HEIGHTS
    assert desk["ask"] == Reply("It is 5,134.", 3)


def test_the_machine_is_awaited_where_a_loop_is_running() -> None:
    async def several() -> list[Reply]:
        asked = [agent.run_async(question=f"What is {number} times 2?") for number in range(4)]
        return await asyncio.gather(*asked)

    assert asyncio.run(several()) == [Reply(f"It is {2 * number}.", 1) for number in range(4)]


def test_a_tool_that_breaks_is_named_with_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(machine.TOOLS, "look_up")
    with pytest.raises(WorkflowExecutionError, match='Error in node "call_tool"'):
        agent.run(question=HEIGHTS)


def test_the_model_asks_for_what_it_does_not_know_yet_and_then_answers() -> None:
    question = "What is the area of Malta times 2?"
    first = Note(Call("look_up", "area of Malta"), "316")
    second = Note(Call("calculate", "316 * 2"), "632")
    assert decide(question, ()) == first.call
    assert decide(question, (first,)) == second.call
    assert decide(question, (first, second)) == Say("It is 632.")


@pytest.mark.parametrize(
    "expression",
    ["__import__('os')", "2 ** 99", "True", "3j", "'a' * 9", "[1]", "1\0", "(" * LONGEST, "1" * (LONGEST + 1), ""],
)
def test_what_is_not_arithmetic_is_not_worked_out(expression: str) -> None:
    with pytest.raises(ToolError):
        asyncio.run(calculate(expression))


def test_a_fact_that_is_not_in_the_table_is_named() -> None:
    with pytest.raises(ToolError, match="the area of Crete is in no table"):
        asyncio.run(look_up("area of Crete"))


def test_the_program_shows_each_step_of_each_question() -> None:
    command = [sys.executable, "-m", "examples.agent", HEIGHTS, "What is love?"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        HEIGHTS,
        "  It is 5,134.",
        "    look_up('height of Everest') gave: 8849",
        "    look_up('height of Teide') gave: 3715",
        "    calculate('8849 - 3715') gave: 5,134",
        f"    {' > '.join([*LOOP * 3, 'plan', 'answer', 'END'])}",
        "What is love?",
        "  I cannot tell: love is not arithmetic.",
        "    calculate('love') failed: love is not arithmetic",
        f"    {' > '.join([*LOOP, 'plan', 'answer', 'END'])}",
        "Dear Ada: It is 5,134. (tools called: 3)",
    ]
