"""What is done around the calls of a node, and once before and after them in each run."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from ..context import Context
from ..step import Layer, drive, rescue, running
from .arguments import Arguments
from .callbacks import settled
from .flights import Flight
from .lifecycle import HOOKED, LifecycleHook, NodeLifecycle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ..step import Call, Emit, Step


class Hooks:
    """Calls hooks, in their order, around each call of a node and once at both ends of each run.

    All that a hook does for a node happens in one run, so two runs at once do not disturb each other. A state of a
    machine is initialized when it is first entered.

    Args:
        hooks: of ``on_error``, the first that gives a result wins.
        on_state: told each state that a node comes to.

    Raises:
        TypeError: something that is no hook is among them.

    """

    layer: Layer = Layer.HOOK

    def __init__(
        self, hooks: Iterable[LifecycleHook] = (), *, on_state: Callable[[Any, NodeLifecycle], object] | None = None
    ) -> None:
        self.hooks = tuple(hooks)
        self.on_state = on_state
        for hook in self.hooks:
            if isinstance(hook, type) or not any(hasattr(hook, name) for name in HOOKED):
                raise TypeError(f"{hook!r} is no hook (give an object of a class made from LifecycleHook)")
        self._lives: dict[tuple[int, int], _Life] = {}
        # Reentrant: the garbage collector may close the coroutine of a call, which comes here, in the midst of it.
        self.lock = RLock()

    def __repr__(self) -> str:
        """Render with the hooks."""
        return f"Hooks({list(self.hooks)!r})"

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Put the hooks that say something around the call."""
        around = _Around(self, step)
        if not (around.lives or around.befores or around.afters):
            return rescue(step, call, around.again) if around.rescuers else call

        def run(*args: Any, **kwargs: Any) -> Any:
            life = drive(around.enter())
            try:
                args, kwargs = drive(around.before(args, kwargs))
                value = call(*args, **kwargs)
                return drive(around.after(value))
            except BaseException as error:
                fallback = drive(around.failed(error))
                if fallback is None:
                    raise
                return fallback
            finally:
                drive(around.leave(life))

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            life = await around.enter()
            try:
                args, kwargs = await around.before(args, kwargs)
                value = await call(*args, **kwargs)
                return await around.after(value)
            except BaseException as error:
                fallback = await around.failed(error)
                if fallback is None:
                    raise
                return fallback
            finally:
                await around.leave(life)

        return run_async if step.is_async else run

    async def initialize(self, step: Step) -> None:
        """Initialize a node for the run that goes on, if this has not been done."""
        await _Around(self, step).enter()

    def life(self, around: _Around) -> _Life:
        """Find how far a node is in the run that goes on; a call outside of all runs is like a run of its own."""
        scope = running.get()
        if scope is None:
            return _Life(is_alone=True)
        key = id(scope), id(around.node)  # neither goes before the run has ended

        def end() -> Awaitable[None] | None:
            coming = around.dispose(self._lives.pop(key))
            return coming if around.step.is_async else drive(coming)

        with self.lock:
            found = self._lives.get(key)
            if found is None:
                found = self._lives[key] = _Life()
                scope.at_end(end)
        return found


@dataclass(slots=True)
class _Life:
    """How far a node is in one run."""

    is_alone: bool = False
    begun: list[LifecycleHook] = field(default_factory=list[LifecycleHook])
    ready: tuple[LifecycleHook, ...] | None = None
    """The hooks for which it is initialized."""
    flight: Flight[object] | None = None


class _Around:
    """The hooks of a policy around one step."""

    def __init__(self, policy: Hooks, step: Step) -> None:
        self.policy = policy
        self.step = step
        self.node = step.node
        self.hooks = policy.hooks
        self.arguments = Arguments(step.node.signature)
        overriding = {name: [hook for hook in policy.hooks if _overrides(hook, name)] for name in HOOKED}
        self.befores = overriding["on_before_execute"]
        self.afters = overriding["on_after_execute"]
        self.rescuers = overriding["on_error"]
        ends = overriding["on_before_init"] or overriding["on_after_init"] or overriding["on_dispose"]
        self.lives = policy.on_state is not None or bool(ends)

    def tell(self, state: NodeLifecycle) -> None:
        """Tell the state that the node comes to."""
        if self.policy.on_state is not None:
            self.policy.on_state(self.node, state)

    async def enter(self) -> _Life | None:
        """Initialize, if this has not been done; of several callers at once one does it."""
        _catch_up()
        if not self.lives:
            return None
        life = self.policy.life(self)
        while life.ready is not self.hooks:
            flight, is_mine = self._take_off(life)
            if not is_mine:
                await flight.wait(self.step)
                continue
            try:
                await self._initialize(life)
            finally:
                life.flight = None
                flight.land()
        return life

    def _take_off(self, life: _Life) -> tuple[Flight[object], bool]:
        with self.policy.lock:
            if life.flight is not None and not life.flight.stands_still(self.step):
                return life.flight, False
            flight = life.flight = Flight[object](self.step)
            return flight, True

    async def _initialize(self, life: _Life) -> None:
        self.tell(NodeLifecycle.INITIALIZING)
        further = [hook for hook in self.hooks if all(hook is not known for known in life.begun)]
        begun: list[LifecycleHook] = []
        try:
            for hook in further:
                await self._call(hook, "on_before_init")
                begun.append(hook)
            for hook in further:
                await self._call(hook, "on_after_init")
        except BaseException:
            self.tell(NodeLifecycle.ERROR)
            await self._dispose_quietly(begun)
            raise
        life.begun.extend(begun)
        life.ready = self.hooks
        self.tell(NodeLifecycle.READY)

    async def before(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the arguments of the call."""
        self.tell(NodeLifecycle.EXECUTING)
        if not self.befores:
            return args, kwargs
        inputs = self.arguments.named(args, kwargs)
        name = self.node.signature.context
        context = {name: inputs.pop(name)} if name in inputs else {}
        for hook in self.befores:
            inputs = await self._call(hook, "on_before_execute", inputs)
            if not isinstance(inputs, dict):
                raise TypeError(
                    f'on_before_execute of {_title(hook)} gave {type(inputs).__name__} for node "{self.node.name}", '
                    "not the inputs as a dict (end it with: return inputs)"
                )
        try:
            return self.arguments.placed({**inputs, **context})
        except TypeError as error:
            raise TypeError(f'Node "{self.node.name}" cannot be called as its hooks want: {error}') from None

    async def after(self, value: Any) -> Any:
        """Give the result of the call."""
        for hook in self.afters:
            value = await self._call(hook, "on_after_execute", value)
        self.tell(NodeLifecycle.COMPLETED)
        return value

    async def failed(self, error: BaseException) -> Any:
        """Give a result in the place of an error, ``None`` if there is none."""
        self.tell(NodeLifecycle.ERROR)
        for hook in self.rescuers if isinstance(error, Exception) else ():
            try:
                value = await self._call(hook, "on_error", error)
            except Exception as own:  # noqa: BLE001 - it must not hide the node's error
                if own is not error:
                    error.add_note(f"{_shown(own)} was raised by on_error of {_title(hook)}")
                    self._log(own)
                continue
            if value is not None:
                self.tell(NodeLifecycle.COMPLETED)
                return value
        return None

    async def again(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Give a result in the place of an error, or raise it."""
        del args, kwargs
        _catch_up()
        value = await self.failed(error)
        if value is None:
            raise error
        return value

    async def dispose(self, life: _Life) -> None:
        """Dispose of what was initialized.

        Raises:
            Exception: a hook failed.
            ExceptionGroup: several did.

        """
        _catch_up()
        errors = await self._dispose(life.begun)
        if life.ready is not None:
            self.tell(NodeLifecycle.DISPOSED)
        if len(errors) > 1:
            raise ExceptionGroup(f'Several hooks of node "{self.node.name}" failed', errors)
        if errors:
            raise errors[0]

    async def leave(self, life: _Life | None) -> None:
        """Dispose after a call outside of all runs."""
        if life is not None and life.is_alone:
            await self._dispose_quietly(life.begun)
            self.tell(NodeLifecycle.DISPOSED)

    async def _dispose_quietly(self, hooks: list[LifecycleHook]) -> None:
        for error in await self._dispose(hooks):
            self._log(error)

    async def _dispose(self, hooks: list[LifecycleHook]) -> list[Exception]:
        errors: list[Exception] = []
        for hook in hooks:
            try:
                await self._call(hook, "on_dispose")
            except Exception as error:  # noqa: BLE001 - handed on, when all hooks have had their turn
                errors.append(error)
        return errors

    async def _call(self, hook: LifecycleHook, name: str, *given: Any) -> Any:
        if not _overrides(hook, name):
            return None
        method = getattr(hook, name)
        try:
            coming = method(self.node, _context(), *given)
            return await coming if getattr(method, "steady", False) else await settled(self.step, coming)
        except Exception as error:
            if all(error is not one for one in given):
                error.add_note(f'raised by {name} of {_title(hook)} at node "{self.node.name}"')
            raise

    def _log(self, error: Exception) -> None:
        from logging import getLogger

        getLogger("fastdag_typed").error('A hook of node "%s" failed', self.node.name, exc_info=error)


def _context() -> Context:
    scope = running.get()
    return Context() if scope is None else scope.context


def _catch_up() -> None:
    """Have the results so far in the context, once for all hooks of a call."""
    scope = running.get()
    if scope is not None:
        scope.catch_up()


def _overrides(hook: LifecycleHook, name: str) -> bool:
    """Tell whether a hook says something of its own there."""
    method = getattr(hook, name, None)
    return method is not None and getattr(method, "__func__", None) is not getattr(LifecycleHook, name)


def _title(hook: LifecycleHook) -> str:
    return type(hook).__qualname__


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
