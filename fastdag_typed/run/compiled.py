"""Running a compiled module in the place of its workflow, and what compiled code calls now and then."""

from __future__ import annotations

import sys
from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from ..checks import doubts
from ..exceptions import WorkflowExecutionError
from ..plan import PREVIOUS, slot_of
from ..policies.validate import Validate
from ..ports import signature_of
from ..returns import UNSET
from ..step import SKIPPED, Decision, Guard, drive
from .bind import Graph, Program, bind, decide, wrapped
from .config import around
from .drivers import machine, straight, transition
from .groups import Groups
from .inputs import fill
from .native import frame_of
from .threads import threads
from .watch import UNWATCHED, Watch, Watching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from types import ModuleType, TracebackType

    from ..context import Context, FSMContext
    from ..diagnostic import Location
    from ..plan import Input, Plan
    from ..step import Call, Kind
    from ..workflow import Mode, Workflow
    from .config import ExecutionConfig
    from .run import Run
    from .traces import Inlined

__all__ = [
    "UNWATCHED",
    "Compiled",
    "Watch",
    "bound_value",
    "cannot",
    "check_inputs",
    "choose",
    "exceeded",
    "failure",
    "inner",
    "transition",
    "with_policies",
]

Lines = tuple[tuple[int, str, str, "Callable[..., Any] | str | None"], ...]


# -- called by compiled code ------------------------------------------------------------------------------------------


def failure(error: Exception, lines: Lines, inlined: Sequence[Inlined] = ()) -> WorkflowExecutionError:
    """Make the error of a node that failed; the line of the compiled function says which one it was."""
    from .outcome import describe
    from .traces import attribute

    first = traceback = error.__traceback__
    _, name, _, func = _row(lines, traceback.tb_lineno if traceback else 0)
    while not name and traceback is not None and traceback.tb_next is not None:  # the line calls a part of the function
        traceback = traceback.tb_next
        _, name, _, func = _row(lines, traceback.tb_lineno)
    where = _where(func)
    text = describe(name, where, error)
    if first is not None and inlined:
        attribute(error, inlined, first.tb_frame.f_code.co_filename)
    del error, first, traceback  # they lead to this frame: without this they would keep each other alive
    return WorkflowExecutionError(text, node_name=name, where=where)


def _where(func: Callable[..., Any] | str | None) -> Location | None:
    """Find where a function is defined; of an inlined one the module has only the name."""
    if isinstance(func, str):
        module, _, path = func.partition(":")
        found: Any = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        func = getattr(found, "func", found)
    return signature_of(func).where if callable(func) else None


def choose(
    name: str,
    kind: Kind,
    raw: Any,
    ways: Sequence[tuple[str, bool | str | None, bool]],
    passed: Any,
    taken: dict[str, Any],
) -> tuple[Any, tuple[bool, ...]]:
    """Take apart what a condition or selection returned: the value it passes on, and which of the ways it takes.

    Args:
        name: the node.
        kind: what kind of node it is.
        raw: what its function returned.
        ways: target, branch, and whether the branch is called like the target, of each edge out of it.
        passed: what it passes on if it returned no value of its own.
        taken: where the decision is entered, by the node's name.
    """
    known = frozenset(branch if isinstance(branch, str) else target for target, branch, _ in ways)
    decision, value = decide(name, kind, raw, known)
    taken[name] = decision
    takes = (decision.takes(Guard(-1, branch, target, None, by_name)) for target, branch, by_name in ways)
    return passed if value is UNSET else value, tuple(takes)


def bound_value(workflow: Workflow, node: str, port: str) -> Any:
    """Get the constant that a composed function gives a port."""
    return (workflow.nodes[node].bound or {})[port].value


def inner(workflow: Workflow, node: str) -> Workflow:
    """Get the workflow that a node runs."""
    func: Any = workflow.nodes[node].func
    found: Workflow = func.workflow
    return found


def check_inputs(workflow: Workflow, inputs: Mapping[str, Any]) -> None:
    """Check the inputs of a workflow against the types of its ports.

    Raises:
        InputError: one is of a wrong type.
    """
    fill(workflow.plan(), inputs, validate=_validates())


def with_policies(workflow: Workflow, node: str) -> Callable[..., Any]:
    """Get the call of a node with its policies around it, and with the checks of what its edges do not prove."""
    plan = workflow.plan()
    known: dict[str, Callable[..., Any]] = plan.programs.setdefault("calls", {})
    call = known.get(node)
    if call is None:
        step = next(step for step in plan.steps if step.name == node)
        call = wrapped(step)
        if step.index in doubts(plan):
            call = _checked(wrapped(step, [Validate("boundary", plan)]), call)
        known[node] = call
    return call


def _checked(checked: Call, bare: Call) -> Call:
    """Choose for each call, because compiled code is bound once for all runs."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return (checked if _validates() else bare)(*args, **kwargs)

    return call


def _validates() -> bool:
    """Tell whether values are checked: unless the run that compiled code is a part of leaves that out."""
    config = around()
    return config is None or config.validate != "off"


def exceeded(name: str, context: FSMContext, limit: int, on_max_cycles: Literal["stop", "raise"]) -> None:
    """Warn of a state machine that did not stop itself, or raise."""
    from .outcome import cycles_exceeded

    error = cycles_exceeded(name, context.current_state, limit, on_max_cycles)
    if error is not None:
        raise error


# -- the runner's side ------------------------------------------------------------------------------------------------


def cannot(config: ExecutionConfig, mode: str = "sequential") -> str:
    """Say what of a configuration code that is compiled for a mode does not do; nothing if it does all."""
    if mode == "sequential" and config.mode != "sequential":
        return "runs one node after the other"
    if mode != "sequential" and config.mode != "parallel":
        return f'of mode "{mode}" runs several nodes at once: ask for mode="parallel", or'
    if config.error_strategy != "stop":
        return "stops at the first failure"
    if not config.retry_on_failure:
        return "obeys retry policies"
    if config.timeout_seconds or config.run_timeout_seconds or config.memory_limit_mb:
        return "has no limits of time and memory"
    if config.validate == "all":
        return "does not check again what was proved"
    return ""


class Compiled:
    """The compiled form of a workflow: a driver that walks no plan, and reads from its outcome how the run went."""

    def __init__(self, module: ModuleType, plan: Plan) -> None:
        self.module = module
        self.name = plan.name
        self.program = Program((), (), {}, Graph(plan))
        self.at = {step.name: step.index for step in plan.steps}
        self.decisions = {step.name: step.decision for step in plan.steps if step.decision >= 0}
        self.entry: Callable[..., Any] = module.walk
        self.frame = frame_of(module)
        self.mode: str = module.MODE
        self.runs_as: Mode = "sequential" if self.mode == "sequential" else "parallel"
        self.needs_loop = plan.is_async or self.mode == "asyncio"
        self.skipped: Any = getattr(module, "SKIPPED", SKIPPED)
        self.watched: bool = getattr(module, "WATCHED", False)
        self.kept: Collection[str] = getattr(module, "KEPT", self.at)

    def check(self, config: ExecutionConfig, context: Context) -> None:
        """Refuse what compiled code does not do.

        Raises:
            ValueError: the configuration asks for it, or the context does.

        """
        what = "copies no values" if context.isolated else cannot(config, self.mode)
        if what:
            raise ValueError(f"compiled code {what}: run the workflow itself, {self.module.TARGET or self.name}")

    def drive(self, run: Run) -> None:
        """Call the compiled function without an event loop."""
        drive(self.drive_async(run, alone=True))

    async def drive_async(self, run: Run, *, alone: bool = False) -> None:
        """Call the compiled function, and enter its outcome into the run; ``alone``: there is no loop to go on."""
        taken: dict[str, Any] = {}
        watch = Watching(run, observed=run.emit.observed) if self.watched else None
        call = self._call(run, taken, watch)
        if call is None:
            await self._interpret(run, alone=alone)
            return
        try:
            if self.mode == "sequential":
                await self._straight(run, call, watch)
            else:
                await Groups(run, self.module, watch).go(call, alone=alone)
        finally:
            for name, decision in taken.items():
                decided = decision if isinstance(decision, Decision) else Decision(decision, None, None)
                run.slots[self.decisions[name]] = decided

    async def _interpret(self, run: Run, *, alone: bool) -> None:
        """Run the workflow itself."""
        run.compiled = None
        run.program = bind(run.plan, [Validate("boundary", run.plan)] if _validates() else [])
        if run.plan.machine is not None:
            await machine(run)
        elif self.mode == "sequential":
            await straight(run)
        elif alone:
            threads(run)
        else:
            from .tasks import concurrent

            await concurrent(run)

    async def _straight(self, run: Run, call: Callable[[], Any], watch: Watching | None) -> None:
        try:
            outcome = call()
            if run.plan.is_async:
                outcome = await outcome
        except BaseException as error:
            self._enter_failure(run, error, watch)
            raise
        finally:
            if run.plan.machine is not None and watch is None:  # nobody took the times of the states
                run.record.stamps = [run.record.began] * (len(run.record.visited) + 1)
        if run.plan.machine is None:
            self._enter_results(run, outcome, len(self.at))
        else:
            run.stop_reason, run.slots[PREVIOUS] = outcome

    def _call(self, run: Run, taken: dict[str, Any], watch: Watching | None) -> Callable[..., Any] | None:
        """Give the call with its arguments; ``None`` if ports of one name are given different values."""
        plan = run.plan
        groups: dict[str, list[Input]] = {}
        for entry in plan.inputs:
            groups.setdefault(entry.name, []).append(entry)
        given: dict[str, Any] = {}
        for name, entries in groups.items():
            values = [run.slots[entry.slot] for entry in entries]
            if all(value is entry.default for value, entry in zip(values, entries, strict=True)):
                continue
            if any(value is not values[0] for value in values):
                return None
            given[self.module.INPUTS[name]] = values[0]
        first: list[Any] = [run.context] if plan.machine is not None or plan.shows_context else []
        if plan.machine is not None:
            first.append(run.record.visited if watch is None else [])
        if self.decisions:
            first.append(taken)
        if watch is not None:
            first.append(watch)
        return lambda *crew: self.entry(*crew, *first, **given)

    def _enter_results(self, run: Run, results: Mapping[str, Any], reached: int) -> None:
        """Enter the results of the first steps, of which those that have none were skipped."""
        plan, record = run.plan, run.record
        record.stamps = [] if self.watched else [record.began] * (reached + 1)
        if len(results) < reached:
            missing = (step for step in plan.steps[:reached] if step.name not in results)
            record.skipped.update(step.index for step in missing if step.name in self.kept)
        for _, read in plan.returns.items:
            step = plan.step_of_slot[slot_of(read)]
            run.slots[step.out] = results.get(step.name, SKIPPED)
        if not plan.shows_context:
            run.context.results.update(results)

    def _enter_failure(self, run: Run, error: BaseException, watch: Watching | None) -> None:
        from .traces import attribute, behind

        original = error.__cause__ if isinstance(error, WorkflowExecutionError) and error.__cause__ else error
        found = _passed(original, self.frame)
        if found is None:
            return
        lines: Lines = self.module.LINES
        values: dict[str, Any] = {}
        results: dict[str, Any] = {}
        row = _row(lines, found.tb_lineno)
        while not row[1] and found.tb_next is not None:  # the line calls a part of the function
            values.update(found.tb_frame.f_locals)
            results.update(values[row[2]])
            found = behind(found.tb_next)
            row = _row(lines, found.tb_lineno)
        if not row[1] or row[0] < found.tb_frame.f_code.co_firstlineno:  # interrupted before the first node
            return
        values.update(found.tb_frame.f_locals)
        index = self.at[row[1]]
        if run.plan.machine is None:
            variables = {name: variable for _, name, variable, _ in lines}
            for step in run.plan.steps[:index]:
                value = values.get(variables.get(step.name, ""), self.skipped)
                if value is not self.skipped and step.name in self.kept:
                    results[step.name] = value
            self._enter_results(run, results, index)
            if not self.watched:
                run.record.stamps.append(run.record.began)
        run.failures[index] = original
        if watch is not None:
            watch.failed(index, original)
        if not isinstance(original, Exception):  # one of the others the compiled code has mended itself
            attribute(original, getattr(self.module, "INLINED", ()), self.frame[0])


def _row(lines: Lines, line: int) -> tuple[int, str, str, Callable[..., Any] | str | None]:
    return lines[bisect_right(lines, line, key=itemgetter(0)) - 1]


def _passed(error: BaseException, frame: tuple[str, str]) -> TracebackType | None:
    """Find where a function was when an error passed through it, by the file and name that tracebacks show."""
    from .traces import behind

    entry = error.__traceback__
    while entry is not None:
        found = behind(entry)
        code = found.tb_frame.f_code
        if (code.co_filename, code.co_name) == frame:
            return found
        entry = entry.tb_next
    return None
