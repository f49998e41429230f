"""The examples are clean, and one wrong statement in any of them is one error: at its line, with its code and words."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import examples

PROGRAMS: Final = ("agent", "census", "etl", "line_protocol", "orders")
LEFT_OUT: Final = ("__pycache__", "miswired.py")  # the second is wrong on purpose

ONE_OF_THESE: Final = "(remove one of these connections; what must run again and again is a state machine (FSM))"
ANOTHER: Final = "(connect another input, or remove the other connection)"


class Wrong(NamedTuple):
    """A change that makes a file wrong, and the error that mypy prints.

    The error is where the new text ends, or at the line where the text ``at`` begins; in the words of the error, a text
    in backticks stands for the place where that text begins.
    """

    file: str
    old: str
    new: str
    error: str
    at: str = ""


ORDERS, ORDERS_RUN = "orders/flow.py", "orders/__main__.py"
ETL, ETL_RUN = "etl/flow.py", "etl/__main__.py"
AGENT, AGENT_RUN = "agent/machine.py", "agent/__main__.py"

WRONG: Final[dict[str, Wrong]] = {
    # -- types -------------------------------------------------------------------------------------------------------
    "orders: a value of another type": Wrong(
        ORDERS,
        "charge >> is_paid",
        "reserve >> is_paid",
        'Node "reserve" returns "Stocking", but input port "payment" of "is_paid" expects "Payment"  [fastdag-port]',
    ),
    "orders: a field of another type": Wrong(
        ORDERS,
        'output_name="carrier", input_name="carrier"',
        'output_name="grams", input_name="carrier"',
        'Output "grams" of "ship" is "int", but input port "carrier" of "confirm" expects '
        "\"Literal['letter', 'parcel', 'freight']\"  [fastdag-port]",
    ),
    "orders: a branch of another type": Wrong(
        ORDERS,
        "(is_valid.on_false, find_problems)",
        "(is_in_stock.on_false, find_problems)",
        'Node "is_in_stock" returns "list[Line]", but input port "order" of "refuse" expects "Order"  [fastdag-port]',
    ),
    "etl: a field of another type": Wrong(
        ETL,
        'output_name="customers")',
        'output_name="rejects")',
        'Output "rejects" of "clean_customers" is "list[Reject]", but input port "customers" of "match_orders" expects '
        '"list[Customer]"  [fastdag-port]',
    ),
    "etl: a chain of another type": Wrong(
        ETL,
        "dag.chain(extract_orders, clean_orders)",
        "dag.chain(extract_orders, check)",
        'Node "extract_orders" returns "list[Raw]", but input port "database" of "check" expects "Path"'
        "  [fastdag-port]",
    ),
    "etl: no value at all": Wrong(
        ETL,
        "load.after(create_tables)",
        "create_tables.connect_to(load)",
        'Node "create_tables" returns nothing, but input port "database" of "load" expects "Path"  [fastdag-port]',
    ),
    "etl: a composed call of another type": Wrong(
        "etl/marts.py",
        "total_countries(sales), months",
        "total_countries(orders), months",
        'Argument 1 to "__call__" of "Node" has incompatible type "list[Order]"; expected "list[Sale]"  [arg-type]',
    ),
    "agent: a value of another type": Wrong(
        AGENT,
        "[read_letter, ask] >>",
        "[ask, read_letter] >>",
        'Node "read_letter" returns "Letter", but input port "reply" of "write_answer" expects "Reply"  [fastdag-port]',
    ),
    # -- names -------------------------------------------------------------------------------------------------------
    "orders: a misspelt node": Wrong(
        ORDERS,
        '"is_in_stock", output="missing"',
        '"is_in_stok", output="missing"',
        'Workflow "orders" has no node "is_in_stok" (did you mean "is_in_stock"?)  [fastdag-name]',
    ),
    "orders: a misspelt input": Wrong(
        ORDERS,
        'charge, output_name="total", input_name="total"',
        'charge, output_name="total", input_name="totl"',
        'Node "charge" has no input "totl" (did you mean "total"?)  [fastdag-name]',
    ),
    "orders: a misspelt output": Wrong(
        ORDERS,
        'output="missing"',
        'output="mising"',
        'Node "reserve" has no output "mising" (did you mean "missing"?)  [fastdag-name]',
    ),
    "orders: a misspelt result": Wrong(
        ORDERS_RUN,
        'metrics.results["answer"]',
        'metrics.results["answr"]',
        'Workflow "orders" has no node "answr" (did you mean "answer"?)  [fastdag-name]',
    ),
    "etl: a misspelt node": Wrong(
        ETL,
        '"match_orders", "transform"',
        '"match_order", "transform"',
        'Workflow "etl" has no node "match_order" (did you mean "match_orders"?)  [fastdag-name]',
    ),
    "etl: a misspelt declared output": Wrong(
        ETL,
        'clean_orders.connect_to(collect_rejects, output_name="rejects")',
        'clean_orders.connect_to(collect_rejects, output_name="reject")',
        'Node "clean_orders" has no output "reject" (did you mean "rejects"?)  [fastdag-name]',
    ),
    "etl: a misspelt input of a nested workflow": Wrong(
        ETL,
        'input="rates"',
        'input="rate"',
        'Node "transform" has no input "rate" (did you mean "rates"?)  [fastdag-name]',
    ),
    "etl: a misspelt result": Wrong(
        ETL_RUN,
        'dag["collect_rejects"]',
        'dag["collect_reject"]',
        'Workflow "etl" has no node "collect_reject" (did you mean "collect_rejects"?)  [fastdag-name]',
    ),
    "agent: a misspelt result": Wrong(
        AGENT_RUN,
        'get_result("observe")',
        'get_result("observ")',
        'Workflow "agent" has no node "observ" (did you mean "observe"?)  [fastdag-name]',
    ),
    "agent: a name given twice": Wrong(
        AGENT,
        'add_workflow("ask", agent)',
        'add_workflow("read_letter", agent)',
        'Node "read_letter" already exists (the first one is defined at `@desk.node\ndef read_letter`; give one of '
        "them another name)  [fastdag-name]",
    ),
    "census: a misspelt output": Wrong(
        "census/flow.py",
        'output_name="paths"',
        'output_name="path"',
        'Node "find_files" has no output "path" (did you mean "paths"?)  [fastdag-name]',
    ),
    # -- connections -------------------------------------------------------------------------------------------------
    "orders: an input connected twice": Wrong(
        ORDERS,
        'confirm, output_name="total", input_name="total"',
        'confirm, output_name="total", input_name="order"',
        f'Input "order" of "confirm" is already connected to "read_form" (`read_form >> confirm`) {ANOTHER}'
        "  [fastdag-taken]",
    ),
    "orders: one connection too many": Wrong(
        ORDERS,
        "charge >> is_paid",
        "charge >> is_paid\nrelease >> is_paid",
        '"release" is connected to "is_paid", which has no free input (connected: "payment" from "charge") '
        "(give the function another parameter, or connect an input by name)  [fastdag-taken]",
    ),
    "etl: an input connected twice": Wrong(
        ETL,
        'output="months", input="months"',
        'output="months", input="sales"',
        'Input "sales" of "load" is already connected to "transform" '
        f'(`dag.connect("transform", "load", output="sales"`) {ANOTHER}  [fastdag-taken]',
    ),
    "orders: a back edge": Wrong(
        ORDERS,
        "reserve >> weigh >> choose_carrier",
        "reserve >> weigh >> choose_carrier\nweigh.after(choose_carrier)",
        f"This connection closes a cycle: weigh -> choose_carrier -> weigh {ONE_OF_THESE}  [fastdag-cycle]",
    ),
    "etl: a back edge": Wrong(
        ETL,
        "load.after(create_tables)",
        "load.after(create_tables)\nextract_rates.after(match_orders)",
        "This connection closes a cycle: extract_rates -> match_orders -> extract_rates "
        f"{ONE_OF_THESE}  [fastdag-cycle]",
    ),
    "agent: a back edge": Wrong(
        AGENT,
        "[read_letter, ask] >> write_answer",
        "[read_letter, ask] >> write_answer\nask.after(write_answer)",
        f"This connection closes a cycle: write_answer -> ask -> write_answer {ONE_OF_THESE}  [fastdag-cycle]",
    ),
    # -- branches and states -----------------------------------------------------------------------------------------
    "orders: a misspelt branch of a condition": Wrong(
        ORDERS,
        'true_branch="weigh"',
        'true_branch="weight"',
        'Condition "is_paid" names branch "weight", which is not a node (did you mean "weigh"?)  [fastdag-branch]',
    ),
    "orders: a misspelt branch of a selection": Wrong(
        ORDERS,
        'branch="letter"',
        'branch="leter"',
        '"choose_carrier" chooses branch "leter", which it is not connected to (did you mean "letter"?)'
        "  [fastdag-branch]",
    ),
    "agent: a misspelt state": Wrong(
        AGENT,
        'next_state="plan"',
        'next_state="plam"',
        'State "listen" goes to "plam", which is not a state (did you mean "plan"?)  [fastdag-state]',
    ),
    "line_protocol: a misspelt state": Wrong(
        "line_protocol/machine.py",
        'FSMReturn("body", work)',
        'FSMReturn("bodi", work)',
        'State "command" goes to "bodi", which is not a state (did you mean "body"?)  [fastdag-state]',
    ),
    "agent: no initial state": Wrong(
        AGENT,
        "@agent.state(is_initial=True)",
        "@agent.state",
        'State machine "agent" has no initial state (mark one of the states with is_initial=True)  [fastdag-state]',
        at='agent = FSM("agent"',
    ),
    "agent: a state that nothing leads to": Wrong(
        AGENT,
        "observe.on_false >> give_up",
        "observe.on_false >> plan",
        'No state leads to "give_up" (wire a state to it, return it as next_state, or mark it with is_initial=True)'
        "  [fastdag-state]",
        at="@agent.state(is_final=True)\ndef give_up",
    ),
    "agent: a state without a way out": Wrong(
        AGENT,
        "@agent.state(is_final=True)\ndef give_up",
        "@agent.state\ndef give_up",
        'State "give_up" has no way out (wire what follows, return FSMReturn with next_state or stop_condition=True, '
        "or mark it with is_final=True)  [fastdag-state]",
        at="@agent.state\ndef give_up",
    ),
    "agent: a second plain transition": Wrong(
        AGENT,
        "call_tool >> observe",
        "call_tool >> observe\ncall_tool >> plan",
        'State "call_tool" has more than one plain transition, to "observe" and "plan" '
        "(return FSMReturn(next_state=...), or wire on_true, on_false or on(name))  [fastdag-state]",
    ),
    # -- run inputs --------------------------------------------------------------------------------------------------
    "orders: an input that is missing": Wrong(
        ORDERS_RUN,
        '"form": form, ',
        "",
        'Input "form" is missing: node "read_form" requires it (give it as run(inputs={"form": ...}), a value of type '
        "Form)  [fastdag-input]",
    ),
    "orders: an input that nothing takes": Wrong(
        ORDERS_RUN,
        '"shop": shop}',
        '"shop": shop, "stop": shop}',
        'Unknown input "stop" (did you mean "shop"?)  [fastdag-input]',
    ),
    "orders: an input of another type": Wrong(
        ORDERS_RUN,
        '"form": form,',
        '"form": shop,',
        'Input "form" of node "read_form" expects "Form", but is given "Shop"  [fastdag-input]',
    ),
    "etl: an input that is missing": Wrong(
        ETL_RUN,
        ', "since": date(2024, 1, 1)',
        "",
        'Input "since" is missing: node "transform" requires it (give it as run(inputs={"since": ...}), a value of '
        "type date)  [fastdag-input]",
    ),
    "etl: a misspelt input": Wrong(
        ETL_RUN,
        '"folder": folder',
        '"foldr": folder',
        'Unknown input "foldr" (did you mean "folder"?)  [fastdag-input]',
    ),
    "agent: an input that is missing": Wrong(
        AGENT_RUN,
        "agent.run(question=question)",
        "agent.run()",
        'Input "question" is missing: node "listen" requires it (give it as run(inputs={"question": ...}), a value of '
        "type str)  [fastdag-input]",
    ),
    "agent: a misspelt input": Wrong(
        AGENT_RUN,
        "question=question",
        "question=question, patince=3",
        'Unknown input "patince" (did you mean "patience"?)  [fastdag-input]',
    ),
    "agent: an input of another type": Wrong(
        AGENT_RUN,
        "question=question",
        "question=questions",
        'Input "question" of node "listen" expects "str", but is given "tuple[str, ...]"  [fastdag-input]',
    ),
}


class Checked(NamedTuple):
    """The lines that mypy prints, by file, and the one that is expected for each change."""

    printed: dict[str, list[str]]
    expected: dict[str, str]


def made_wrong(wrong: Wrong, text: str, file: str) -> tuple[str, str]:
    """Give the text with the change in it, and the line that mypy is to print of it."""
    assert text.count(wrong.old) == 1
    changed = text.replace(wrong.old, wrong.new)
    place = text.index(wrong.old) + len(wrong.new)

    def line(at: str) -> int:
        assert changed.count(at) == 1
        return 1 + changed.count("\n", 0, changed.index(at))

    number = line(wrong.at) if wrong.at else 1 + changed.count("\n", 0, place)
    error = re.sub("`(.+?)`", lambda found: f"{file}:{line(found[1])}", wrong.error, flags=re.DOTALL)
    return changed, f"{file}:{number}: error: {error}"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Check the examples, and a copy of a file for each change, all at once."""
    folder = tmp_path_factory.mktemp("proved")
    source = Path(examples.__file__).parent
    for program in PROGRAMS:
        shutil.copytree(source / program, folder / "copied" / program, ignore=shutil.ignore_patterns(*LEFT_OUT))
    expected: dict[str, str] = {}
    for number, (name, wrong) in enumerate(WRONG.items()):
        file = f"copied/{wrong.file.removesuffix('.py')}_wrong_{number}.py"
        text, expected[name] = made_wrong(wrong, (source / wrong.file).read_text(encoding="utf-8"), file)
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "mypy.ini").write_text("[mypy]\nstrict = True\nplugins = fastdag_mypy\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--no-error-summary", "-p", "copied"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    printed: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        printed.setdefault(line.partition(":")[0], []).append(line)
    return Checked(printed, expected)


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_statement_is_one_error_at_its_line(checked: Checked, name: str) -> None:
    line = checked.expected[name]
    assert checked.printed.get(line.partition(":")[0]) == [line]


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_example_as_it_is_has_no_error(checked: Checked, program: str) -> None:
    files = [file for file in checked.printed if "_wrong_" not in file]
    assert [file for file in files if not file.startswith("copied/") or f"/{program}/" in file] == []
