"""The public face of running: configuration, policies and observers in; metrics, results and errors out."""

from __future__ import annotations

import os
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Literal

from ..context import Context, FSMContext
from ..events import RunFinished, RunStarted
from ..exceptions import WorkflowExecutionError
from ..functions import is_async
from ..plan import slot_of
from ..step import SKIPPED, Decision
from ..workflow import InputsT_contra, Workflow
from .bind import Bound, bind, drive, getter, skippable
from .drivers import Run, machine, plain, straight
from .events import Emitter
from .inputs import fill
from .metrics import ExecutionInfo, ExecutionMetrics, Record, node_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..diagnostic import Location
    from ..plan import Plan
    from ..step import Observer, Policy
    from ..workflow import Mode
    from .compiled import Compiled


class Runner(Generic[InputsT_contra]):
    """Runs a workflow.

    Args:
        workflow: what to run; a module that was compiled from a workflow runs in its place, if it is up to date.
        policies: what is put around every node's call, in addition to the node's own.
        observers: what reads the events of each run.
        max_workers: how many nodes may run at once in parallel mode; by default 4 more than there are processors, at
            most 32.

    ``metrics`` are those of the last run, also of one that failed.

    """

    def __init__(
        self,
        workflow: Workflow[Any, InputsT_contra] | ModuleType,
        *,
        policies: Iterable[Policy] = (),
        observers: Iterable[Observer] = (),
        max_workers: int | None = None,
    ) -> None:
        self.policies = tuple(policies)
        self.observers = tuple(observers)
        for observer in self.observers:
            if is_async(observer):
                raise TypeError(f"an observer is called, not awaited: {observer!r} is an async function")
        self._compiled: Compiled | None = None
        if isinstance(workflow, ModuleType):
            from .compiled import adopt

            workflow, self._compiled = adopt(workflow, bare=not (self.policies or self.observers))
        if not isinstance(workflow, Workflow):
            raise TypeError(f"a Runner runs a workflow, or a module compiled from one, not {workflow!r}")
        self.workflow = workflow
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"max_workers is at least 1, not {max_workers}")
        self.max_workers = max_workers or min(32, (os.cpu_count() or 1) + 4)
        self.metrics = ExecutionMetrics()

    def run(
        self,
        inputs: InputsT_contra | None = None,
        mode: Mode = "sequential",
        *,
        context: Context | None = None,
    ) -> ExecutionMetrics:
        """Run the workflow with inputs by port name.

        Without async nodes no event loop is started. With them, one is: in a thread of its own where this thread
        already runs one.

        Raises:
            WorkflowValidationError: the workflow is not valid.
            InputError: an input is missing, unknown or of a wrong type; no node has run.
            WorkflowExecutionError: a node failed; its exception is the cause.

        """
        run = self._begin(inputs, mode, context)
        error: BaseException | None = None
        try:
            self._announce(run)
            (_in_a_loop if run.plan.is_async else _sync)(run, mode)
        except BaseException as raised:  # noqa: BLE001 - recorded, then raised again
            error = raised
        return self._finish(run, error)

    async def run_async(
        self,
        inputs: InputsT_contra | None = None,
        mode: Mode = "sequential",
        *,
        context: Context | None = None,
    ) -> ExecutionMetrics:
        """Run the workflow on the current event loop; otherwise as ``run``."""
        run = self._begin(inputs, mode, context)
        error: BaseException | None = None
        try:
            self._announce(run)
            await _driver(run, mode)
        except BaseException as raised:  # noqa: BLE001 - recorded, then raised again
            error = raised
        return self._finish(run, error)

    def _begin(self, inputs: Any, mode: Mode, context: Context | None) -> Run:
        if mode not in ("sequential", "parallel"):
            raise ValueError(f'mode is "sequential" or "parallel", not {mode!r}')
        plan = self.workflow.plan()
        if context is not None and not isinstance(context, Context):
            hint = 'an input called "context" is given as inputs={"context": ...}'
            raise TypeError(f"a run takes a Context, not {context!r} ({hint})")
        if context is None:
            context = FSMContext() if plan.machine else Context()
        elif plan.machine and not isinstance(context, FSMContext):
            raise TypeError(f"a state machine runs with an FSMContext, not with a {type(context).__name__}")
        record = Record(plan, parallel=mode == "parallel" and plan.machine is None)
        slots, stand_ins = fill(plan, inputs or {})
        if isinstance(context, FSMContext):
            context.restart()
        context.metadata = {**plan.metadata, **context.metadata}
        context.execution_info = ExecutionInfo(record)
        slots[0] = context
        emitter = Emitter(self.observers, record)
        compiled = self._compiled
        if compiled is not None and mode == "parallel":
            raise ValueError(
                f'a compiled module runs one node after the other: mode "parallel" is for {plan.name} itself'
            )
        program = self._program(plan, emitter) if compiled is None else ()
        return Run(plan, program, slots, context, record, stand_ins, self.max_workers, emitter, compiled)

    def _announce(self, run: Run) -> None:
        run.record.began = perf_counter()
        if self.observers:
            run.emit(RunStarted(run.plan.name, len(run.plan.steps)))
            run.record.began = perf_counter()

    def _program(self, plan: Plan, emitter: Emitter) -> tuple[Bound, ...]:
        """Bind; what depends on no policy and no observer is kept for the next run."""
        if self.policies or self.observers or plan.has_policies:
            return bind(plan, self.policies, emitter, observed=bool(self.observers))
        found: tuple[Bound, ...] | None = plan.programs.get("bound")
        if found is None:
            found = plan.programs["bound"] = bind(plan)
        return found

    def _finish(self, run: Run, error: BaseException | None) -> ExecutionMetrics:
        failure = _failure(run, error)
        self.metrics = metrics = _metrics(run, perf_counter(), failure)
        metrics.workflow = self.workflow.seen_with(run.context)
        self.workflow.context = run.context
        if isinstance(error, Exception) and not run.failures:
            metrics.errors.append(_outside(error))
        if self.observers:
            try:
                run.emit(RunFinished(run.plan.name, metrics.total_time, failure))
            except BaseException as raised:  # noqa: BLE001 - recorded, then raised again
                if isinstance(raised, Exception):
                    metrics.errors.append(_outside(raised))
                if failure is None:
                    failure = raised
                    metrics.stop_reason, metrics.value = _stop_reason(raised), None
        if failure is not None:
            raise failure
        return metrics


def _sync(run: Run, mode: Mode) -> None:
    if run.compiled is not None:
        run.compiled.drive(run)
    elif run.plan.machine is not None:
        drive(machine(run))
    elif mode == "parallel":
        from .parallel import threads

        threads(run)
    elif run.plan.guarded:
        drive(straight(run))
    else:
        plain(run)


async def _driver(run: Run, mode: Mode) -> None:
    if run.compiled is not None:
        await run.compiled.drive_async(run)
    elif run.plan.machine is not None:
        await machine(run)
    elif mode == "parallel":
        from .parallel import concurrent

        await concurrent(run)
    else:
        await straight(run)


def _in_a_loop(run: Run, mode: Mode) -> None:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(_driver(run, mode))
        return
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    with ThreadPoolExecutor(1, thread_name_prefix="fastdag-loop") as pool:
        pool.submit(copy_context().run, asyncio.run, _driver(run, mode)).result()


def _failure(run: Run, error: BaseException | None) -> BaseException | None:
    """Choose what the run raises: of several failed nodes the first in the plan's order."""
    if error is not None and not isinstance(error, Exception):
        return error  # Ctrl-C, exit, cancellation: not a failure of a node
    if not run.failures:
        return error or _cycles_exceeded(run)
    index = min(run.failures)
    original = run.failures[index]
    if not isinstance(original, Exception):
        return original
    node = run.plan.steps[index].node
    failure = WorkflowExecutionError(describe(node.name, node.where, original), node_name=node.name, where=node.where)
    failure.__cause__ = original
    return failure


def describe(name: str, where: Location | None, error: BaseException) -> str:
    """Say which node failed, where it is defined, and how."""
    place = f" ({where})" if where else ""
    return f'Error in node "{name}"{place}: {_shown(error)}'


def _outside(error: BaseException) -> str:
    return f"Error outside of the nodes: {_shown(error)}"


def _shown(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}{f': {text}' if text else ''}"


def _stop_reason(error: BaseException) -> str:
    return "failed" if isinstance(error, Exception) else "interrupted"


def _cycles_exceeded(run: Run) -> WorkflowExecutionError | None:
    facts = run.plan.machine
    if facts is None or run.stop_reason != "max_cycles":
        return None
    last = getattr(run.context, "current_state", None)
    return cycles_exceeded(run.plan.name, last, facts.max_cycles, facts.on_max_cycles)


def cycles_exceeded(
    name: str, last: str | None, limit: int, on_max_cycles: Literal["stop", "raise"]
) -> WorkflowExecutionError | None:
    """Make the error of a state machine that did not stop itself, or only log a warning."""
    message = f'State machine "{name}" stopped in state "{last}" after max_cycles={limit} cycles'
    if on_max_cycles == "raise":
        return WorkflowExecutionError(message, node_name=last)
    from logging import getLogger

    getLogger("fastdag_typed").warning("%s", message)
    return None


def _metrics(run: Run, ended: float, failure: BaseException | None) -> ExecutionMetrics:
    record, plan = run.record, run.plan
    record.failed = run.failures
    for step in plan.steps if plan.guarded else ():
        if step.decision >= 0 and isinstance(decision := run.slots[step.decision], Decision):
            record.branches[step.name] = decision.branch
    record.closed = True
    order, starts, ends = record.columns()
    names = plan.names
    executed = names[: len(order)] if isinstance(order, range) else [names[i] for i in order]
    reason = run.stop_reason
    if failure is not None and reason != "max_cycles":
        reason = _stop_reason(failure)
    steps = plan.steps
    return ExecutionMetrics(
        total_time=ended - record.began,
        node_times=node_times(executed, starts, ends) if run.compiled is None else {},  # compiled code reads no clock
        nodes_executed=len(executed) - len(run.failures),
        errors=[describe(names[i], steps[i].node.where, run.failures[i]) for i in sorted(run.failures)],
        execution_order=list(executed),
        stop_reason=reason,
        results=run.context.results,
        value=None if failure is not None else _value(plan, run.slots),
        executions=run.context.execution_info,
    )


def _value(plan: Plan, slots: list[Any]) -> Any:
    """Read the final value; what was skipped is ``None``, and left out of a dict."""
    returns = plan.returns
    skipped = {slot for _, read in returns.items if slots[slot := slot_of(read)] is SKIPPED} & skippable(plan)
    if returns.form == "dict":
        return {name: getter(read)(slots) for name, read in returns.items if slot_of(read) not in skipped}
    values = [None if slot_of(read) in skipped else getter(read)(slots) for _, read in returns.items]
    if returns.form == "one":
        return values[0]
    return tuple(values) if returns.form == "tuple" else values
