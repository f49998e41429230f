"""The public face of running: configuration, policies and observers in; metrics, results and errors out."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic

from ..context import Context, FSMContext
from ..events import RunFinished, RunStarted
from ..functions import is_async
from ..step import drive, running
from ..workflow import InputsT_contra, Mode, Workflow
from .config import ExecutionConfig, around, check_choice
from .drivers import lean, machine, straight
from .events import Emitter
from .inputs import fill
from .metrics import ExecutionInfo, ExecutionMetrics, Record
from .outcome import failure_of, metrics_of, outside, stop_reason
from .prepare import How, prepare
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Self

    from ..plan import Plan
    from ..step import Observer, Policy, Scope
    from ..workers import Workers
    from ..workflow import ErrorStrategy
    from .adoption import Form
    from .bind import Program
    from .compiled import Compiled


class Runner(Generic[InputsT_contra]):
    """Runs a workflow.

    Args:
        workflow: what to run; a module that was compiled from a workflow stands for it, and runs in its place.
        config: how it is run.
        policies: what is put around every node's call; where a node has one of the same kind of its own (place,
            time-out, retry, breaker, cache), that one is taken.
        observers: what reads the events of each run.
        max_workers: how many nodes may run at once; goes before the one of ``config``, and so does ``error_strategy``.
        compiled: runs in the place of the workflow: a module that was compiled from it, the file of one, or what its
            ``compile`` gave. If it is not up to date, or the environment has ``FASTDAG_INTERPRET=1``, the workflow is
            interpreted, in the first case with a ``StaleModuleWarning``.

    ``metrics`` are those of the last run, also of one that failed. The processes of a runner stay for its next run:
    ``close`` ends them, and so does leaving a ``with`` block, or the end of the runner itself.

    """

    def __init__(
        self,
        workflow: Workflow[Any, InputsT_contra] | ModuleType,
        config: ExecutionConfig | None = None,
        *,
        policies: Iterable[Policy] = (),
        observers: Iterable[Observer] = (),
        max_workers: int | None = None,
        error_strategy: ErrorStrategy | None = None,
        compiled: Form | None = None,
    ) -> None:
        self._follows = config is None
        config = config or ExecutionConfig()
        self.config = replace(
            config,
            max_workers=config.max_workers if max_workers is None else max_workers,
            error_strategy=error_strategy or config.error_strategy,
        )
        self.observers = tuple(observers)
        for observer in self.observers:
            if is_async(observer):
                raise TypeError(f"an observer is called, not awaited: {observer!r} is an async function")
        self._limits: tuple[Policy, ...] = ()
        if config.memory_limit_mb is not None:  # one account for all runs of this runner
            from ..policies.resources import ResourceManager

            self._limits = (ResourceManager(config.memory_limit_mb),)
        self.policies = policies
        self.workflow, self._compiled = self._chosen(workflow, compiled)
        self.metrics = ExecutionMetrics()
        self._workers: Workers | None = None

    def _chosen(
        self, workflow: Workflow[Any, InputsT_contra] | ModuleType, compiled: Form | None
    ) -> tuple[Workflow[Any, InputsT_contra], Compiled | None]:
        """Give the workflow, and what runs in its place, if something does."""
        if isinstance(workflow, Workflow) and compiled is None:
            return workflow, None
        from .adoption import adopt

        has = {"policies": bool(self.policies), "observers": bool(self.observers)}
        if isinstance(workflow, Workflow) and compiled is not None:
            return adopt(compiled, workflow, **has)
        if isinstance(workflow, ModuleType) and compiled is None:
            return adopt(workflow, None, **has)
        what = repr(workflow) if compiled is None else f"{workflow!r} and what was compiled"
        raise TypeError(f"a Runner runs a workflow, or a module compiled from one, not {what}")

    @property
    def policies(self) -> tuple[Policy, ...]:
        """What is put around every node's call."""
        return tuple(policy for policy in self._policies if policy not in self._limits)

    @policies.setter
    def policies(self, policies: Iterable[Policy]) -> None:
        self._policies = (*policies, *self._limits)
        self._programs: tuple[Plan | None, dict[object, Program]] = (None, {})

    def __enter__(self) -> Self:
        """Keep processes until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self.close()

    def close(self) -> None:
        """End the processes of this runner, if there are any; the next run that needs some starts new ones."""
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.close()

    def _hire(self) -> Workers:
        if self._workers is None:
            import os

            from ..workers import Workers

            self._workers = Workers(min(self.config.max_workers, os.cpu_count() or 1))
        return self._workers

    def run(
        self,
        inputs: InputsT_contra | None = None,
        mode: Mode | None = None,
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
        run, mode = self._begin(inputs, mode, context)
        error: BaseException | None = None
        try:
            with _present(run):
                self._announce(run)
                if run.plan.is_async or (run.compiled is not None and run.compiled.needs_loop):
                    from ..policies.callbacks import in_own_loop

                    in_own_loop(_driver(run, mode))
                else:
                    _sync(run, mode)
        except BaseException as raised:  # noqa: BLE001 - recorded, then raised again
            error = raised
        return self._finish(run, error)

    async def run_async(
        self,
        inputs: InputsT_contra | None = None,
        mode: Mode | None = None,
        *,
        context: Context | None = None,
    ) -> ExecutionMetrics:
        """Run the workflow on the current event loop; otherwise as ``run``."""
        run, mode = self._begin(inputs, mode, context)
        error: BaseException | None = None
        try:
            with _present(run):
                self._announce(run)
                await _driver(run, mode)
        except BaseException as raised:  # noqa: BLE001 - recorded, then raised again
            error = raised
        return self._finish(run, error)

    def _begin(self, inputs: Any, mode: Mode | None, context: Context | None) -> tuple[Run, Mode]:
        config, parent = self.config, running.get()
        outer = around() if self._follows else None
        if outer is not None and outer.validate != config.validate:
            config = replace(config, validate=outer.validate)
        if mode is None:
            mode = self._compiled.runs_as if self._compiled is not None and self._follows else config.mode
        check_choice("mode", mode, Mode)
        plan = self.workflow.plan()
        context = _context(plan, context, parent)
        record = Record(plan, parallel=mode != "sequential" and plan.machine is None)
        slots, stand_ins = fill(plan, inputs or {}, validate=config.validate != "off")
        if isinstance(context, FSMContext):
            context.restart()
        context.metadata = {**plan.metadata, **context.metadata}
        context.execution_info = ExecutionInfo(record)
        context.nested_in(parent)
        slots[0] = context
        timed = config.run_timeout_seconds is not None or (parent is not None and parent.deadline is not None)
        compiled = self._compiled
        if compiled is not None:
            compiled.check(replace(config, mode=mode), context)
        program = (
            self._program(plan, config, mode, timed=timed, isolated=context.isolated)
            if compiled is None
            else compiled.program
        )
        if program.check is not None:
            program.check(slots)
        emitter = Emitter(self.observers, record)
        run = Run(plan, program, slots, context, record, stand_ins, config, emitter, self._hire, parent, compiled)
        run.failures = record.failed
        return run, mode

    def _announce(self, run: Run) -> None:
        run.record.began = perf_counter()
        if self.observers:
            run.emit(RunStarted(run.plan.name, len(run.plan.steps)))
            run.record.began = perf_counter()
        limit, parent = run.config.run_timeout_seconds, run.parent
        if limit is not None:
            run.deadline = run.record.began + limit
        if parent is not None and parent.deadline is not None:
            run.deadline = min(parent.deadline, run.deadline or parent.deadline)

    def _program(self, plan: Plan, config: ExecutionConfig, mode: Mode, *, timed: bool, isolated: bool) -> Program:
        """Bind once: for the plan where nothing of this runner's own is around the calls, else for this runner."""
        how = How(
            elsewhere=mode == "processes",
            heavy=mode == "parallel" and config.use_process_pool,
            observed=bool(self.observers),
            lossy=config.error_strategy != "stop" and plan.machine is None,
            isolated=isolated,
            timed=timed,
            seconds=config.timeout_seconds,
            retries=config.retry_on_failure,
            validate=config.validate,
        )
        kept: dict[object, Program] = plan.programs
        if self._policies:
            if self._programs[0] is not plan:
                self._programs = (plan, {})
            kept = self._programs[1]
        found = kept.get(how)
        if found is None:
            found = kept[how] = prepare(plan, self._policies, how)
        return found

    def _finish(self, run: Run, error: BaseException | None) -> ExecutionMetrics:
        failure = failure_of(run, error)
        self.metrics = metrics = metrics_of(run, perf_counter(), failure)
        metrics.workflow = self.workflow.seen_with(run.context)
        self.workflow.context = run.context
        if isinstance(error, Exception) and not run.failures:
            metrics.errors.append(outside(error))
        metrics.errors.extend(map(outside, run.outside))
        if self.observers:
            late: BaseException | None = run.emit.failure if failure is None else None
            try:
                run.emit(RunFinished(run.plan.name, metrics.total_time, failure or late))
            except BaseException as raised:  # noqa: BLE001 - recorded, then raised again
                late = late or raised
                if failure is not None and isinstance(raised, Exception):
                    metrics.errors.append(outside(raised))
            if failure is None and late is not None:
                failure = late
                metrics.stop_reason, metrics.value = stop_reason(late), None
                if isinstance(late, Exception):
                    metrics.errors.append(outside(late))
        if failure is not None:
            raise failure
        return metrics


class _present:  # noqa: N801 - used as a function, and faster than a generator
    """Make a run the one that goes on; what interrupts it, or the run around, brings its calls to an end."""

    __slots__ = ("_forget", "_run", "_token")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._forget = None if run.parent is None else run.parent.at_stop(run.interrupt)
        self._token = running.set(run)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        running.reset(self._token)
        if self._forget is not None:
            self._forget()
        if kind is not None and not issubclass(kind, Exception):
            self._run.interrupt()


def _context(plan: Plan, context: Context | None, parent: Scope | None) -> Context:
    """Give the context of a run: the one given, or a fresh one; an isolated one in a run with such a one."""
    if context is None and parent is not None and parent.context.isolated:
        from ..policies.isolate import IsolatedContext

        context = IsolatedContext()
    elif context is None:
        context = FSMContext() if plan.machine else Context()
    elif not isinstance(context, Context):
        hint = 'an input called "context" is given as inputs={"context": ...}'
        raise TypeError(f"a run takes a Context, not {context!r} ({hint})")
    elif plan.machine and not isinstance(context, FSMContext):
        raise TypeError(f"a state machine runs with an FSMContext, not with a {type(context).__name__}")
    return context


def _sync(run: Run, mode: Mode) -> None:
    try:
        if run.compiled is not None:
            run.compiled.drive(run)
        elif run.plan.machine is not None:
            drive(machine(run))
        elif mode != "sequential":
            from .threads import threads

            threads(run)
        elif run.program.lean and not run.context.isolated:  # that one copies each result at once
            lean(run)
        else:
            drive(straight(run))
    finally:
        if run.ends:
            drive(run.end(_alone))


async def _alone(coming: Awaitable[object]) -> object:
    """Await something in a loop of its own."""
    from ..policies.callbacks import in_own_loop

    return in_own_loop(coming)


async def _driver(run: Run, mode: Mode) -> None:
    forget = None if run.parent is None else _cancelled_with(run)
    try:
        if run.compiled is not None:
            await run.compiled.drive_async(run)
        elif run.plan.machine is not None:
            await machine(run)
        elif mode != "sequential":
            from .tasks import concurrent

            await concurrent(run)
        else:
            await straight(run)
    finally:
        if forget is not None:
            forget()
        if run.ends:
            await run.end(_here)


def _cancelled_with(run: Run) -> Callable[[], None]:
    """Have the task of a run cancelled, on whatever loop, when the run around is interrupted."""
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    return run.at_stop(lambda: task and loop.call_soon_threadsafe(task.cancel))


async def _here(coming: Awaitable[object]) -> object:
    return await coming
