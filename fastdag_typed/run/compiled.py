"""Running a compiled module in the place of its workflow, and what compiled code calls now and then."""

from __future__ import annotations

import os
import sys
import warnings
from bisect import bisect_right
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..checks import doubts
from ..exceptions import StaleModuleWarning, WorkflowExecutionError
from ..plan import PREVIOUS, slot_of
from ..policies.validate import Validate
from ..ports import signature_of
from ..returns import UNSET
from ..step import SKIPPED, Decision, Guard, drive
from .bind import Graph, Program, bind, decide, wrapped
from .config import around
from .drivers import machine, straight, transition
from .inputs import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from types import CodeType, ModuleType, TracebackType

    from ..context import Context, FSMContext
    from ..plan import Input, Plan
    from ..step import Call, Kind
    from ..workflow import Workflow
    from .config import ExecutionConfig
    from .run import Run

__all__ = [
    "Compiled",
    "adopt",
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

Lines = tuple[tuple[int, str, str, "Callable[..., Any] | None"], ...]


# -- called by compiled code ------------------------------------------------------------------------------------------


def failure(error: Exception, lines: Lines) -> WorkflowExecutionError:
    """Make the error of a node that failed; the line of the compiled function says which one it was."""
    from .outcome import describe

    traceback = error.__traceback__
    _, name, _, func = _row(lines, traceback.tb_lineno if traceback else 0)
    while not name and traceback is not None and traceback.tb_next is not None:  # the line calls a part of the function
        traceback = traceback.tb_next
        _, name, _, func = _row(lines, traceback.tb_lineno)
    where = signature_of(func).where if func is not None else None
    return WorkflowExecutionError(describe(name, where, error), node_name=name, where=where)


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


def cannot(config: ExecutionConfig) -> str:
    """Say what of a configuration compiled code does not do; nothing if it does all."""
    if config.mode != "sequential":
        return "runs one node after the other"
    if config.error_strategy != "stop":
        return "stops at the first failure"
    if not config.retry_on_failure:
        return "obeys retry policies"
    if config.timeout_seconds or config.run_timeout_seconds or config.memory_limit_mb:
        return "has no limits of time and memory"
    if config.validate == "all":
        return "does not check again what was proved"
    return ""


def adopt(module: ModuleType, *, bare: bool) -> tuple[Workflow, Compiled | None]:
    """Find the workflow that a module was compiled from; without the compiled form if that one is not to be used.

    Raises:
        TypeError: the module is not a compiled one.
        ValueError: policies or observers are wanted, for which compiled code has no place.
    """
    if not all(hasattr(module, name) for name in ("TARGET", "PLAN", "SOURCES", "INPUTS", "LINES")):
        raise TypeError(f'module "{module.__name__}" is not compiled from a workflow: give the workflow itself')
    target: str = module.TARGET
    if not bare:
        raise ValueError(f"compiled code has no place for policies and observers: give the workflow itself, {target}")
    place, _, attribute = target.partition(":")
    workflow: Workflow = attrgetter(attribute)(import_module(place))
    if os.environ.get("FASTDAG_INTERPRET"):
        return workflow, None
    reason = next(filter(None, (_changed(*source) for source in module.SOURCES)), "")
    if not reason and workflow.plan().hash != module.PLAN:
        reason = f"the wiring of {target} has changed"
    if not reason:
        return workflow, Compiled(module, workflow.plan())
    file = getattr(module, "__file__", None) or f"{module.__name__}.py"
    warnings.warn(
        f'Compiled module "{module.__name__}" is out of date, because {reason}. Its workflow is interpreted instead. '
        f"Compile it again: fastdag compile {target} -o {os.path.relpath(file)}",
        StaleModuleWarning,
        stacklevel=3,
    )
    return workflow, None


def _changed(module: str, path: str, digest: str) -> str:
    """Say what is wrong with a source file; nothing if it is as it was."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):
            spec = None
        file = spec.origin if spec is not None else None
    try:
        text = Path(file or "").read_bytes()
    except OSError:
        return f"its source {path} cannot be found"
    same = sha256(text.replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf")).hexdigest() == digest
    return "" if same else f"{path} has changed"


class Compiled:
    """The compiled form of a workflow: a driver that walks no plan, and reads from its outcome how the run went."""

    def __init__(self, module: ModuleType, plan: Plan) -> None:
        self.module = module
        self.program = Program((), (), {}, Graph(plan))
        self.at = {step.name: step.index for step in plan.steps}
        self.decisions = {step.name: step.decision for step in plan.steps if step.decision >= 0}
        self.entry: Callable[..., Any] = module.walk
        self.skipped: Any = getattr(module, "SKIPPED", SKIPPED)
        self.kept: Collection[str] = getattr(module, "KEPT", self.at)

    def check(self, config: ExecutionConfig, context: Context) -> None:
        """Refuse what compiled code does not do.

        Raises:
            ValueError: the configuration asks for it, or the context does.

        """
        what = "copies no values" if context.isolated else cannot(config)
        if what:
            raise ValueError(f"compiled code {what}: run the workflow itself, {self.module.TARGET}")

    def drive(self, run: Run) -> None:
        """Call the compiled function without an event loop."""
        drive(self.drive_async(run))

    async def drive_async(self, run: Run) -> None:
        """Call the compiled function, and enter its outcome into the run."""
        taken: dict[str, Any] = {}
        call = self._call(run, taken)
        if call is None:
            run.compiled = None
            run.program = bind(run.plan, [Validate("boundary", run.plan)] if _validates() else [])
            await (straight(run) if run.plan.machine is None else machine(run))
            return
        already = len(getattr(run.context, "state_history", ()))
        try:
            outcome = call()
            if run.plan.is_async:
                outcome = await outcome
        except BaseException as error:
            self._enter_failure(run, error, already)
            raise
        finally:
            for name, decision in taken.items():
                decided = decision if isinstance(decision, Decision) else Decision(decision, None, None)
                run.slots[self.decisions[name]] = decided
        if run.plan.machine is None:
            self._enter_results(run, outcome, len(self.at))
        else:
            run.stop_reason, run.slots[PREVIOUS] = outcome
            self._enter_states(run, already)

    def _call(self, run: Run, taken: dict[str, Any]) -> Callable[[], Any] | None:
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
        first: list[Any] = [run.context] if plan.machine is not None or plan.uses_context else []
        if self.decisions:
            first.append(taken)
        return partial(self.entry, *first, **given)

    def _enter_results(self, run: Run, results: Mapping[str, Any], reached: int) -> None:
        """Enter the results of the first steps, of which those that have none were skipped."""
        plan, record = run.plan, run.record
        record.stamps = [record.began] * (reached + 1)
        if len(results) < reached:
            missing = (step for step in plan.steps[:reached] if step.name not in results)
            record.skipped.update(step.index for step in missing if step.name in self.kept)
        for _, read in plan.returns.items:
            step = plan.step_of_slot[slot_of(read)]
            run.slots[step.out] = results.get(step.name, SKIPPED)
        if not plan.uses_context:
            run.context.results.update(results)

    def _enter_states(self, run: Run, already: int) -> None:
        """Enter the states of one run of a machine; those before it in the context are of earlier runs."""
        now = run.record.began
        machine: Any = run.plan.machine
        history: Sequence[str] = getattr(run.context, "state_history", ())[already:]
        visited = [machine.initial, *(self.at[name] for name in history if name != "END")]
        run.record.visited.extend(visited)
        run.record.stamps = [now] * (len(visited) + 1)

    def _enter_failure(self, run: Run, error: BaseException, already: int) -> None:
        original = error.__cause__ if isinstance(error, WorkflowExecutionError) and error.__cause__ else error
        found = _passed(original, self.entry.__code__)
        if found is None:
            return
        lines: Lines = self.module.LINES
        values: dict[str, Any] = {}
        results: dict[str, Any] = {}
        row = _row(lines, found.tb_lineno)
        while not row[1] and found.tb_next is not None:  # the line calls a part of the function
            values.update(found.tb_frame.f_locals)
            results.update(values[row[2]])
            found = found.tb_next
            row = _row(lines, found.tb_lineno)
        if not row[1] or row[0] < found.tb_frame.f_code.co_firstlineno:  # interrupted before the first node
            return
        values.update(found.tb_frame.f_locals)
        index = self.at[row[1]]
        if run.plan.machine is not None:
            self._enter_states(run, already)
        else:
            variables = {name: variable for _, name, variable, _ in lines}
            for step in run.plan.steps[:index]:
                value = values.get(variables[step.name], self.skipped)
                if value is not self.skipped and step.name in self.kept:
                    results[step.name] = value
            self._enter_results(run, results, index)
            run.record.stamps.append(run.record.began)
        run.failures[index] = original


def _row(lines: Lines, line: int) -> tuple[int, str, str, Callable[..., Any] | None]:
    return lines[bisect_right(lines, line, key=itemgetter(0)) - 1]


def _passed(error: BaseException, code: CodeType) -> TracebackType | None:
    """Find where a function was when an error passed through it."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code is not code:
        traceback = traceback.tb_next
    return traceback
