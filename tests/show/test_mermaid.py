from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed import DAG, FSM, Context, FSMReturn, Node, NodeExecution, Runner, Visualizer
from fastdag_typed.show.mermaid import escape
from fastdag_typed.show.picture import LONGEST, visible

HOSTILE = [
    '"];x',
    "<script>alert(1)</script>",
    "end",
    "a b",
    "direction TB",
    "%%{init: {}}%%",
    "#35;",
    "&lt;b&gt;",
    "`code`",
    "$$x^2$$",
    "fa:fa-car",
    "1. item",
    "- item",
    "a\\nb",
    "two\nlines",
    "\u202eevil",
    "\ufb02\xb0\xb060\xb6\xdf",
    "nul\0",
    "\ud800",
    "\U0001f600",
    "--> z",
    "|",
    "style:#abc;",
    "constructor",
]

# A line of a flowchart as this library writes it: identifiers, arrows, and quoted text of harmless characters.
ID = r"[A-Za-z_][A-Za-z0-9_]*"
TEXT = r"(?:[\w ,'=\[\].-]|#\d+;)*"
LINE = re.compile(
    rf"""    {ID}(?:\[\["|\(\(\("|\(\("|\["|\{{\{{"|\{{"|\("|\[\\"|\[/")?{TEXT}(?:<br/>{TEXT})?["\])}}/\\]*"""
    rf"""|    {ID}\(+ \)+"""
    rf"""|    {ID} (?:-->|-\.->|==>)(?:\|(?:true|false|"{TEXT}")\|)? {ID}"""
    rf"""|    classDef [a-z]+ [a-z0-9#:,-]+|    class [\w,]+ [a-z]+"""
)


def same(x: int = 0) -> int:
    return x


def shown(text: str) -> str:
    """Give what Mermaid shows for a label: entities decoded, and the spaces without width invisible."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text).replace("\u200b", "")


def mermaid_of(*names: str, results: dict[str, object] | None = None) -> str:
    dag = DAG("d")
    for name in names:
        dag.add_node(Node(same, name))
    if results is not None:
        dag.context = Context(dict(results))
    return Visualizer(dag).to_mermaid(include_results=results is not None)


def label_of(text: str) -> str:
    found = re.search(r'"(.*)"', text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str) -> None:
    text = mermaid_of(name)

    assert shown(label_of(text)) == visible(name)
    assert all(LINE.fullmatch(line) for line in text.splitlines()[1:])


@pytest.mark.parametrize("result", HOSTILE)
def test_a_hostile_result_stays_text(result: str) -> None:
    text = mermaid_of("a", results={"a": result})

    assert shown(label_of(text)) == f"a<br/>[{visible(result)}]"
    assert all(LINE.fullmatch(line) for line in text.splitlines()[1:])


@given(st.text())
def test_what_is_shown_is_the_text_itself(text: str) -> None:
    escaped = escape(text)

    assert re.fullmatch(TEXT, escaped)
    assert shown(escaped) == visible(text).replace("\u200b", "")


@pytest.mark.parametrize("text", ["$$x$$", "a\\nb", "fa:fa-car", "\ufb02\xb0\xb060\xb6\xdf"])
def test_what_mermaid_reads_in_decoded_text_is_taken_apart(text: str) -> None:
    decoded = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), escape(text))

    assert not re.search(r"\$\$|\\n|fa:fa-|\ufb02\xb0|\xb6\xdf", decoded)


@pytest.mark.parametrize("text", ["direction TB", "Direction LR", "x direction  RL y"])
def test_text_cannot_turn_the_diagram(text: str) -> None:
    assert "direction" not in escape(text).lower()


def test_plain_names_are_identifiers_and_others_get_one_of_their_own() -> None:
    dag = DAG("d")
    for name in ("n1", "end", "__proto__", "a b", "plain_name"):
        dag.add_node(Node(same, name))
    dag.connect("n1", "end")
    dag.connect("end", "plain_name")

    text = Visualizer(dag).to_mermaid()

    assert 'n1["n1"]' in text
    assert 'n2["end"]' in text
    assert 'n3["#95;#95;proto#95;#95;"]' in text
    assert 'n4["a b"]' in text
    assert "    n1 --> n2\n    n2 --> plain_name\n" in text


def test_kinds_branches_fields_and_order_are_told_apart() -> None:
    dag = DAG("d")

    @dag.node
    def load() -> dict[str, int]:
        return {}

    @dag.condition(true_branch="named")
    def check(data: dict[str, int]) -> bool:
        return bool(data)

    @dag.node
    def no(data: dict[str, int]) -> dict[str, int]:
        return data

    @dag.node
    def named(data: dict[str, int]) -> dict[str, int]:
        return data

    @dag.select
    def pick(n: int) -> object:
        return n

    @dag.any
    def either(a: object, b: object) -> object:
        return a or b

    @dag.all
    def both(a: object, b: object) -> object:
        return a and b

    @dag.node
    def log() -> None: ...

    load >> check
    check.on_false >> no
    load.output("size") >> pick
    pick.on("big one") >> either
    log.after(either)

    text = Visualizer(dag).to_mermaid()

    assert text.startswith("graph TD\n")
    for line in (
        'check{"check"}',
        'pick{{"pick"}}',
        'either[\\"either"/]',
        'both[/"both"\\]',
        "load --> check",
        "check -->|false| no",
        "check -->|true| named",
        'load -->|"size"| pick',
        'pick -->|"big one"| either',
        "either -.-> log",
    ):
        assert f"    {line}\n" in text


def test_drawing_changes_nothing() -> None:
    dag = DAG("d")

    @dag.condition(true_branch="yes")
    def check(x: int) -> bool:
        return x > 0

    @dag.node
    def yes(x: int) -> int:
        return x

    Visualizer(dag).to_mermaid()

    assert list(dag.edges) == []


def test_a_workflow_with_a_foreign_node_and_a_cycle_can_be_drawn() -> None:
    dag = DAG("d")

    def add(x: int, y: int) -> int:
        return x + y

    a, b = dag.add_node(Node(add, "a")), dag.add_node(Node(add, "b"))
    foreign = Node(same, "foreign")
    a >> b >> a
    foreign >> a

    text = Visualizer(dag).to_mermaid()

    assert "    a --> b\n" in text
    assert "    b --> a\n" in text
    assert "    foreign --> a\n" in text


def test_an_inner_workflow_is_framed_twice() -> None:
    inner = DAG("inner")
    inner.add_node(Node(same, "step"))
    outer = DAG("outer")
    outer.add_workflow("part", inner)

    assert '    part[["part"]]\n' in Visualizer(outer).to_mermaid()


def test_results_and_states_of_the_last_run_are_shown() -> None:
    dag = DAG("d")

    @dag.condition
    def check(x: int) -> bool:
        return x > 0

    @dag.node
    def yes(x: int) -> int:
        return x * 10

    @dag.node
    def no(x: int) -> int:
        return -x

    check.on_true >> yes
    check.on_false >> no
    Runner(dag).run(inputs={"x": 5})

    text = Visualizer(dag).to_mermaid(include_results=True)

    assert 'yes["yes<br/>[50]"]' in text
    assert 'no["no<br/>skipped"]' in text
    assert "    class check,yes done\n" in text
    assert "    class no skipped\n" in text
    assert "[50]" not in Visualizer(dag).to_mermaid()


def test_a_failed_node_is_shown_as_failed() -> None:
    dag = DAG("d")
    dag.add_node(Node(same, "a"))
    dag.context = Context({}, {}, {"a": NodeExecution(0, "failed")})

    text = Visualizer(dag).to_mermaid(include_results=True)

    assert 'a["a<br/>failed"]' in text
    assert "    class a failed\n" in text


class Loud:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class LoudText(str):
    __slots__ = ()

    def __getitem__(self, key: object) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("result", [Loud(), LoudText("x"), [Loud()], 10**5000], ids=["object", "text", "list", "int"])
def test_a_result_that_cannot_be_rendered_is_drawn_anyway(result: object) -> None:
    assert "a<br/>[" in mermaid_of("a", results={"a": result})


@pytest.mark.parametrize("result", ["x" * 10_000, list(range(10_000)), dict.fromkeys(range(500), "y" * 500)])
def test_a_long_result_is_cut(result: object) -> None:
    label = shown(label_of(mermaid_of("a", results={"a": result})))

    assert len(label) <= len("a<br/>[]") + LONGEST


def test_a_result_of_none_is_a_result() -> None:
    assert "a<br/>[None]" in mermaid_of("a", results={"a": None})


def machine() -> FSM:
    fsm = FSM("m")

    @fsm.state(is_initial=True)
    def ping(n: int = 0) -> FSMReturn[int]:
        return FSMReturn("pong", n)

    visits: list[str] = []

    @fsm.state
    def pong() -> FSMReturn[int]:
        visits.append("pong")
        return FSMReturn("ping" if len(visits) == 1 else "done", 1)

    @fsm.state(is_final=True)
    def done() -> int:
        return 9

    ping >> pong
    return fsm


def test_a_state_machine_shows_its_start_its_final_states_and_its_wires() -> None:
    text = Visualizer(machine()).to_mermaid()

    assert 'ping("ping")' in text
    assert 'done((("done")))' in text
    assert "    start --> ping\n" in text
    assert "    ping --> pong\n" in text
    assert "pong --> ping" not in text


def test_the_transitions_that_were_taken_are_drawn_with_their_number() -> None:
    fsm = machine()
    fsm.run()

    text = Visualizer(fsm).to_mermaid(include_results=True)

    assert fsm.state_history == ["pong", "ping", "pong", "done", "END"]
    assert '    ping ==>|"2x"| pong\n' in text
    assert "    pong ==> ping\n" in text
    assert "    pong ==> done\n" in text
    assert "    done ==> finish\n" in text


def test_states_called_like_the_marks_keep_their_names() -> None:
    fsm = FSM("m")

    @fsm.state(is_initial=True)
    def start() -> FSMReturn[int]:
        return FSMReturn("finish", 1)

    @fsm.state(is_final=True)
    def finish() -> int:
        return 2

    fsm.run()
    text = Visualizer(fsm).to_mermaid(include_results=True)

    assert "    start2 --> start\n" in text
    assert "    start ==> finish\n" in text
    assert "    finish ==> finish2\n" in text


def test_a_machine_that_did_not_run_yet_is_drawn_without_transitions_taken() -> None:
    assert "==>" not in Visualizer(machine()).to_mermaid(include_results=True)
