"""The line that says how far a run is."""

from __future__ import annotations

import io

from fastdag_typed import DAG, FSM, FSMReturn, Runner
from fastdag_typed.events import NodeFailed, NodeFinished, NodeSkipped, NodeStarted, RunFinished, RunStarted
from fastdag_typed.observe.progress import Progress


def observed(*events: object, counted: bool = True) -> Progress:
    progress = Progress(io.StringIO(), delay=3600, counted=counted)
    for event in events:
        progress(event)  # type: ignore[arg-type]
    return progress


def test_the_line_counts_what_is_done_failed_and_skipped_and_names_what_runs() -> None:
    progress = observed(
        RunStarted("demo", 5),
        NodeStarted("a"),
        NodeFinished("a", 1, 0.1),
        NodeStarted("b"),
        NodeStarted("c"),
        NodeFailed("c", ValueError(), 0.1),
        NodeSkipped("d"),
    )
    assert progress.line(200) == "demo [############........] 3/5, 0 s: b 0 s"
    assert progress.line(12) == "demo [######"
    progress.close()


def test_without_a_count_the_line_says_how_many_are_done() -> None:
    progress = observed(RunStarted("demo", 1), NodeFinished("a", 1, 0.1), NodeFinished("a", 1, 0.1), counted=False)
    assert progress.line(200) == "demo 2 done, 0 s"
    progress.close()


def test_a_run_shorter_than_the_delay_draws_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, delay=3600)
    progress(RunStarted("demo", 1))
    progress(RunFinished("demo", 0.1, None))
    assert stream.getvalue() == ""


class Told(io.StringIO):
    """A stream that tells when something was drawn."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        import threading

        self.wanted = wanted
        self.drawn = threading.Event()

    def write(self, text: str) -> int:
        if self.wanted in text:
            self.drawn.set()
        return super().write(text)


def test_the_line_is_drawn_while_a_node_runs_and_gone_after_the_run() -> None:
    stream = Told("slow [....................] 0/1, 0 s: waiting 0 s")
    dag = DAG("slow")

    @dag.node
    def waiting() -> bool:
        return stream.drawn.wait(60)

    assert Runner(dag, observers=[Progress(stream, delay=0)]).run().value is True
    *_, last, blank, rest = stream.getvalue().split("\r")
    assert (blank.strip(), rest) == ("", "")
    assert len(blank) == len(last)


def test_one_progress_serves_one_run_after_another() -> None:
    fsm = FSM("twice", max_cycles=10)

    @fsm.state(is_initial=True)
    def first() -> FSMReturn[int]:
        return FSMReturn(stop_condition=True, value=progress.line(100).count("0 done"))

    progress = Progress(io.StringIO(), delay=3600, counted=False)
    runner = Runner(fsm, observers=[progress])
    assert [runner.run().value, runner.run().value] == [1, 1]


def test_a_stream_that_is_closed_does_not_disturb_the_run() -> None:
    stream = Told("x")
    stream.close()
    dag = DAG("closed")

    @dag.node
    def start() -> int:
        return 1

    assert Runner(dag, observers=[Progress(stream, delay=0)]).run().value == 1
