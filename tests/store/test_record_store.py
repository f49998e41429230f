from __future__ import annotations

import dataclasses
import math
import pickle
import sqlite3
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdag_typed
from fastdag_typed import (
    DAG,
    UNSET,
    ConditionalReturn,
    Context,
    Diagnostic,
    ExecutionMetrics,
    FSMContext,
    FSMReturn,
    Location,
    Node,
    NodeExecution,
    Port,
    Runner,
    SelectReturn,
    SerializationError,
    StoredError,
    ValidationResult,
    events,
    from_dict,
    from_json,
    from_row,
    from_yaml,
    to_dict,
    to_json,
    to_row,
    to_yaml,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
VALUES = PLAIN | st.just(UNSET)
NAMES = st.none() | TEXT
BRANCHES = st.none() | st.booleans() | TEXT
RESULTS = st.dictionaries(TEXT, PLAIN, max_size=3)
STATES = st.sampled_from(["pending", "running", "done", "failed", "skipped"])
EXECUTION = st.builds(NodeExecution, INTS, STATES, FLOATS, FLOATS, INTS, BRANCHES)
EXECUTIONS = st.dictionaries(TEXT, EXECUTION, max_size=3)
LOCATION = st.builds(Location, TEXT, INTS)
DIAGNOSTIC = st.builds(
    Diagnostic, TEXT, TEXT, st.sampled_from(["error", "warning"]), st.none() | LOCATION, NAMES, NAMES, NAMES
)
TEXTS = st.lists(TEXT, max_size=3)
TYPES = st.sampled_from(
    [int, str, None, list[int], dict[str, list[float]], int | None, Any, Literal["a", 1], "my.Type"]
)

RECORDS = st.one_of(
    EXECUTION,
    LOCATION,
    DIAGNOSTIC,
    st.builds(Context, RESULTS, RESULTS, EXECUTIONS),
    st.builds(
        FSMContext,
        RESULTS,
        RESULTS,
        EXECUTIONS,
        NAMES,
        TEXTS,
        INTS,
        st.dictionaries(TEXT, st.lists(st.tuples(INTS, PLAIN), max_size=2), max_size=2),
    ),
    st.builds(ConditionalReturn, st.booleans(), VALUES, true_branch=NAMES, false_branch=NAMES),
    st.builds(SelectReturn, VALUES, NAMES),
    st.builds(FSMReturn, NAMES, PLAIN, st.booleans(), st.booleans()),
    st.builds(ValidationResult, st.booleans(), TEXTS, TEXTS, st.lists(DIAGNOSTIC, max_size=2)),
    st.builds(Port, TEXT, TYPES, PLAIN, st.sampled_from(["input", "output"]), st.sampled_from(["args", "field"])),
    TEXT.map(Port),
    st.builds(events.RunStarted, TEXT, INTS),
    st.builds(events.NodeStarted, TEXT),
    st.builds(events.NodeFinished, TEXT, PLAIN, FLOATS),
    st.builds(events.NodeSkipped, TEXT),
    st.builds(events.RunFinished, TEXT, FLOATS, st.none()),
    st.builds(
        ExecutionMetrics,
        total_time=FLOATS,
        node_times=st.dictionaries(TEXT, FLOATS, max_size=3),
        nodes_executed=INTS,
        errors=TEXTS,
        execution_order=TEXTS,
        results=RESULTS,
        value=PLAIN,
        executions=EXECUTIONS,
    ),
)


def through_a_database(record: Any) -> Any:
    row = to_row(record)
    assert all(cell is None or type(cell) in (str, int, float) for cell in row.values())
    with sqlite3.connect(":memory:") as database:
        database.row_factory = sqlite3.Row
        columns = ", ".join(f'"{name}"' for name in row)
        database.execute(f"CREATE TABLE records ({columns})")
        places = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO records VALUES ({places})", list(row.values()))  # noqa: S608 - only our own names
        found = database.execute("SELECT * FROM records").fetchone()
    database.close()
    return from_row(type(record), found)


@given(RECORDS)
def test_a_record_comes_back_equal_from_every_form(record: Any) -> None:
    cls = type(record)
    for again in (
        from_dict(cls, to_dict(record)),
        from_json(cls, to_json(record)),
        from_yaml(cls, to_yaml(record)),
        through_a_database(record),
    ):
        assert type(again) is cls
        assert again == record


def test_every_dataclass_of_the_public_api_is_a_record() -> None:
    members = [getattr(fastdag_typed, name) for name in fastdag_typed.__all__]
    members += [getattr(events, name) for name in dir(events)]
    classes = [one for one in members if isinstance(one, type) and dataclasses.is_dataclass(one)]
    no_data = (  # what is stored of a plan is the workflow; the others say how to run one, or are worked out from one
        fastdag_typed.Plan,
        fastdag_typed.DAGAnalysis,
        fastdag_typed.ExecutionPlan,
        fastdag_typed.IsolatedContext,
        fastdag_typed.SecurityPolicy,
    )
    classes = [cls for cls in classes if not issubclass(cls, no_data)]

    assert {cls.__name__ for cls in classes} >= {"Context", "Port", "NodeExecution", "ExecutionMetrics", "RunFinished"}
    for cls in classes:
        with pytest.raises(SerializationError, match=f'{cls.__name__} has no field "no_such_field"'):
            from_dict(cls, {"no_such_field": 1})


def test_what_was_not_given_stays_so_and_none_stays_none() -> None:
    not_given, none = ConditionalReturn[Any](condition=True), ConditionalReturn(True, None)

    assert to_dict(not_given) == {"condition": True, "true_branch": None, "false_branch": None}
    assert from_json(ConditionalReturn, to_json(not_given)).value is UNSET
    assert from_row(ConditionalReturn, to_row(not_given)).value is UNSET
    assert from_json(ConditionalReturn, to_json(none)).value is None
    assert from_row(ConditionalReturn, to_row(none)).value is None
    assert (to_row(not_given)["value"], to_row(none)["value"]) == (None, "null")


def test_a_row_holds_numbers_and_text_as_they_are_and_the_rest_as_json() -> None:
    assert to_row(NodeExecution(3, "done", 0.5, 1.5, 1, "left")) == {
        "order": 3,
        "status": "done",
        "start": 0.5,
        "duration": 1.5,
        "attempts": 1,
        "branch": '"left"',
    }
    assert to_row(ValidationResult(is_valid=True))["is_valid"] == 1
    assert to_row(Diagnostic("c", "m", where=Location("f.py", 3)))["where"] == '{"file": "f.py", "line": 3}'
    assert to_row(Diagnostic("c", "m"))["where"] is None


def test_a_node_in_a_return_value_is_stored_as_its_name() -> None:
    node = Node(lambda x: x, "target")

    assert from_json(ConditionalReturn, to_json(ConditionalReturn(True, 1, node))).true_branch == "target"
    assert from_json(FSMReturn, to_json(FSMReturn(node))).next_state == "target"


def test_the_metrics_and_context_of_a_real_run_are_records() -> None:
    dag = DAG("d")

    @dag.condition
    def check(x: int) -> bool:
        return x > 1

    @dag.node
    def yes(x: int) -> list[int]:
        return [x, x + 1]

    check.on_true >> yes
    metrics = Runner(dag).run(inputs={"x": 5})

    again = from_json(ExecutionMetrics, to_json(metrics))

    assert again == metrics
    assert again.workflow is None
    assert again.statuses == {"check": "done", "yes": "done"}
    assert from_yaml(Context, to_yaml(dag.context)).results == {"check": dag["check"], "yes": [5, 6]}


@pytest.mark.parametrize(
    "error", [ValueError("x", 1), KeyError("k"), FileNotFoundError(2, "no"), KeyboardInterrupt(), ZeroDivisionError()]
)
def test_a_built_in_exception_comes_back_as_itself(error: BaseException) -> None:
    again = from_json(events.NodeFailed, to_json(events.NodeFailed("n", error, 0.5))).error

    assert type(again) is type(error)
    assert again.args == error.args


class OwnError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (SerializationError("m", path="p"), "fastdag_typed.exceptions.SerializationError", "p: m"),
        (ValueError((1, 2)), "ValueError", "(1, 2)"),
        (ValueError("\ud800"), "ValueError", "\\ud800"),
        (OwnError(), f"{__name__}.OwnError", ""),
    ],
)
def test_another_exception_comes_back_as_what_it_said(error: Exception, kind: str, message: str) -> None:
    record = events.NodeRetried("n", 2, error)

    again = from_yaml(events.NodeRetried, to_yaml(record))

    assert isinstance(again.error, StoredError)
    assert (again.error.type, again.error.message) == (kind, message)
    assert to_dict(again) == to_dict(record)


def test_a_stored_exception_constructs_nothing_but_built_in_exceptions() -> None:
    data = {"node": "n", "attempt": 1, "error": {"type": "eval", "args": ["1"]}}

    assert isinstance(from_dict(events.NodeRetried, data).error, StoredError)


class Local:
    pass


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Local, f"{__name__}.Local"),
        (list[Local], f"list[{__name__}.Local]"),
        ("not a type!", "not a type!"),
        ("eval('1')", "eval('1')"),
        ("print", "print"),
        ("typing.get_type_hints", "typing.get_type_hints"),
        ("os.PathLike", "os.PathLike"),
        ("int[str]", "int[str]"),
        ("(" * 5000, "(" * 5000),
        ("-" * 900 + "1", "-" * 900 + "1"),
    ],
)
def test_a_port_type_that_is_not_known_comes_back_as_text(kind: Any, text: str) -> None:
    again = from_json(Port, to_json(Port("p", kind)))

    assert again.type == text
    assert to_dict(again)["type"] == text


@pytest.mark.parametrize("kind", [str | None, Callable[[int, str], bool], tuple[int, ...], Literal["a", 1], Any])
def test_a_port_type_of_known_names_comes_back(kind: Any) -> None:
    assert from_row(Port, to_row(Port("p", kind))).type == kind


@pytest.mark.parametrize(
    ("task", "path", "message"),
    [
        (lambda: to_dict(Context({"a": {"b": [1, (2,)]}})), "results.a.b[1]", "a tuple is not plain data"),
        (lambda: to_dict(Context({"a": UNSET})), "results.a", "Unset is not plain data"),
        (lambda: to_dict(Context({"a": Local()})), "results.a", "Local is not plain data"),
        (lambda: to_dict(Context({1: 2})), "results", "the key 1 is not text"),  # type: ignore[dict-item]
        (lambda: to_dict(FSMContext(cycle_results={"s": [(1, {2})]})), "cycle_results.s[0][1]", "a set is not"),
        (lambda: to_dict(NodeExecution("1", "done")), "order", "expected a whole number, not a str"),  # type: ignore[arg-type]
        (lambda: to_dict(NodeExecution(True, "done")), "order", "expected a whole number, not a bool"),
        (lambda: to_dict(ConditionalReturn(True, 1, 5)), "true_branch", "expected"),  # type: ignore[arg-type]
        (lambda: to_dict(events.NodeFailed("n", "no", 1.0)), "error", "expected an exception"),  # type: ignore[arg-type]
        (lambda: to_json(NodeExecution(1, "done", math.inf)), "", "JSON has no word for nan and inf"),
        (lambda: to_row(NodeExecution(1, "done", math.nan)), "start", "databases have no nan and inf"),
        (lambda: to_row(Context({"a": math.nan})), "results", "JSON has no word"),
        (lambda: to_row(NodeExecution(2**63, "done")), "order", "64 bits"),
        (lambda: to_dict(DAG("d")), "", "WorkflowSerializer writes whole workflows"),
        (lambda: to_dict(Node(len, "n")), "", "WorkflowSerializer writes whole workflows"),
        (lambda: to_dict(5), "", "is no dataclass"),
        (lambda: from_dict(int, {}), "", "is no dataclass"),
        (lambda: from_dict(Context, []), "", "expected a mapping with the fields of Context"),  # type: ignore[arg-type]
        (lambda: from_dict(Context, {"result": {}}), "", 'no field "result" .did you mean "results"'),
        (lambda: from_dict(NodeExecution, {"order": 1}), "", 'the field "status" of NodeExecution is missing'),
        (
            lambda: from_dict(Context, {"execution_info": {"a": {"order": 1, "status": "dne"}}}),
            "execution_info.a.status",
            "expected one of 'pending'.* not 'dne'",
        ),
        (lambda: from_dict(Context, {"execution_info": {"a": {"ordr": 1}}}), "execution_info.a", '"order"'),
        (lambda: from_dict(FSMContext, {"cycle_results": {"a": [[1]]}}), "cycle_results.a[0]", "expected 2 items"),
        (lambda: from_dict(FSMContext, {"state_history": "abc"}), "state_history", "expected a list, not a str"),
        (lambda: from_dict(Diagnostic, {"code": "c", "message": "m", "where": {"file": 1}}), "where.file", "text"),
        (
            lambda: from_dict(events.RunFinished, {"workflow": "w", "duration": 1, "error": {"x": 1}}),
            "error",
            "exception",
        ),
        (lambda: from_row(Context, {"results": "{"}), "results", "not JSON"),
        (lambda: from_row(Context, {"results": 5}), "results", "not JSON"),
        (lambda: from_row(Context, {"id": 5}), "id", 'Context has no column "id"'),
        (lambda: from_row(ValidationResult, {"is_valid": 2}), "is_valid", "expected true or false"),
        (lambda: from_yaml(Context, "results: {a: !!python/object:os.system x}"), "", "the tag .* is not allowed"),
        (lambda: from_json(Context, '{"results": {}, "results": {}}'), "", "given twice"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(task: Callable[[], Any], path: str, message: str) -> None:
    with pytest.raises(SerializationError, match=message) as caught:
        task()

    assert caught.value.path == path


class Point(NamedTuple):
    x: float
    y: float = 0.0


@dataclasses.dataclass
class Tree:
    """A record of a user: it may hold records of its own class."""

    name: str
    at: Point
    children: list[Tree] = dataclasses.field(default_factory=list)
    open: tuple[int, ...] = ()
    anything: tuple[Any, ...] | None = None
    note: str = dataclasses.field(default="", init=False)
    secret: object = dataclasses.field(default=None, metadata={"stored": False})


def test_dataclasses_of_users_are_records_too() -> None:
    tree = Tree("a", Point(1.0, 2.0), [Tree("b", Point(3.0))], (1, 2, 3), (1, "x"), secret=Local())
    tree.note = "set later"

    again = from_row(Tree, to_row(tree))

    assert "secret" not in to_dict(tree)
    tree.secret = None
    assert again == tree


def test_a_record_inside_itself_is_refused() -> None:
    tree = Tree("a", Point(0.0))
    tree.children.append(tree)

    with pytest.raises(SerializationError, match="nested too deep, or inside themselves"):
        to_dict(tree)


@dataclasses.dataclass
class WithBytes:
    data: bytes


@dataclasses.dataclass
class WithNumbers:
    counts: dict[int, str]


@dataclasses.dataclass
class WithUnknown:
    value: NoSuchName  # type: ignore[name-defined]  # noqa: F821 - that is the point


@pytest.mark.parametrize(
    ("record", "path", "message"),
    [
        (WithBytes(b""), "WithBytes.data", "a value of type <class 'bytes'> cannot be stored"),
        (WithNumbers({}), "WithNumbers.counts", "only one whose keys are text"),
        (WithUnknown(1), "", "the types of the fields of WithUnknown cannot be read: name 'NoSuchName'"),
    ],
)
def test_a_field_that_cannot_be_stored_is_named_with_its_type(record: Any, path: str, message: str) -> None:
    with pytest.raises(SerializationError, match=message) as caught:
        to_dict(record)

    assert caught.value.path == path


def test_storing_leaves_nothing_behind_on_a_class() -> None:
    before = set(vars(Tree))
    tree = Tree("a", Point(1.0))

    from_json(Tree, to_json(tree))

    assert set(vars(Tree)) == before
    assert pickle.loads(pickle.dumps(tree)) == tree  # noqa: S301 - our own bytes
