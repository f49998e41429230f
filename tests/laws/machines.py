"""Random state machines, and what must come of a run of one: the rules in plain words."""

from __future__ import annotations

import asyncio
from inspect import Parameter, Signature, isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdag_typed import FSM, BranchError, ConditionalReturn, FSMContext, FSMReturn, SelectReturn, State
from fastdag_typed.returns import UNSET, name_of
from tests.laws.bench import FAILURES, Bench, Failure, make_error, number_of
from tests.laws.policies import policies_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fastdag_typed.step import Policy

MOVES = ["go", "go", "go", "go to node", "check", "check", "check named", "pick", "pick", "bool", "plain", "plain"]
ENDS = ["stop", "leave", "end", "lost", "pick nothing", "nothing"]


class Planned(NamedTuple):
    """One state to be made: what it returns in one visit after the other, and where its wires lead."""

    seed: int
    moves: tuple[str, ...]
    to: tuple[int, ...]
    ways: tuple[tuple[Any, int], ...]
    port: str
    is_async: bool
    looks: bool
    final: bool
    failure: Failure | None
    policies: tuple[tuple[str, int], ...]


class Machine(NamedTuple):
    """A machine to be made."""

    states: tuple[Planned, ...]
    limit: int
    reaction: str
    given: tuple[int, ...]


def machines(random: Random, *, failing: float, policies: float, can_be_async: bool) -> Machine:
    """Make up a state machine."""
    count = random.randint(1, 7)
    moves = MOVES + ENDS * random.randint(0, 1)
    states: list[Planned] = []
    for _ in range(count):
        looks = random.random() < 0.4
        known = [name for name in policies_of() if name != "cache" or not looks]
        states.append(
            Planned(
                random.randint(0, 9),
                tuple(random.choices(moves, k=random.randint(1, 4))),
                tuple(random.choices(range(count), k=4)),
                tuple(
                    (way, random.randrange(count)) for way in (None, True, False, "b0", "b1") if random.random() < 0.8
                ),
                random.choice(["", "value", "value", "value and more"]),
                can_be_async and random.random() < 0.5,
                looks,
                random.random() < 0.08,
                Failure(random.choice(FAILURES), random.choice([1, 2, 99])) if random.random() < failing else None,
                tuple(
                    (random.choice(known), random.randint(1, 3))
                    for _ in range(random.randint(1, 3) if random.random() < policies else 0)
                ),
            )
        )
    given = tuple(number for number in range(count) if number == 0 or random.random() < 0.2)
    return Machine(tuple(states), random.randint(1, 25), random.choice(["stop", "stop", "raise"]), given)


def build(made: Machine, bench: Bench, prefix: str = "") -> FSM:
    """Make the machine, with policies of its own."""
    fsm = FSM(prefix or "machine", metadata={"m": 1}, max_cycles=made.limit, on_max_cycles=made.reaction)  # type: ignore[arg-type]
    for number, one in enumerate(made.states):
        func = _function(fsm, made, number, prefix, bench)
        policies = tuple(policies_of()[kind](level) for kind, level in one.policies)
        fsm.add_node(State(func, f"s{number}", is_initial=number == 0, is_final=one.final, policies=policies))
    states: list[Any] = list(fsm.nodes.values())
    for number, one in enumerate(made.states):
        state = states[number]
        for way, target in one.ways:
            outlets = {None: state, True: state.on_true, False: state.on_false}
            (outlets[way] if way in outlets else state.on(way)) >> states[target]
    return fsm


def inputs_of(made: Machine) -> dict[str, Any]:
    """Give the inputs that the run is given: always that of the first state."""
    return {f"v{number}": 3 for number in made.given if made.states[number].port}


def _function(fsm: FSM, made: Machine, number: int, prefix: str, bench: Bench) -> Callable[..., Any]:
    one, name = made.states[number], f"{prefix}s{number}"
    parameters = [Parameter(f"v{number}", Parameter.POSITIONAL_OR_KEYWORD)] if one.port else []
    if one.looks:
        parameters.append(Parameter("context", Parameter.POSITIONAL_OR_KEYWORD))
    if one.port == "value and more":
        parameters.append(Parameter("more", Parameter.POSITIONAL_OR_KEYWORD, default=5))
    signature = Signature(parameters)

    def work(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        context: FSMContext | None = given.pop("context", None)
        visit = bench.calls[name] = bench.calls.get(name, 0) + 1
        bench.log.append(("begin", name, f"{given}{'' if context is None else _seen(context)}"))
        if one.failure and visit % 4 and visit <= one.failure.times:
            raise make_error(one.failure.kind, name)
        total = one.seed + visit + sum(3**place * number_of(value) for place, value in enumerate(given.values()))
        return _move(fsm, one, one.moves[total % len(one.moves)], total % 1_000_003)

    def body(*args: Any, **kwargs: Any) -> Any:
        return work(args, kwargs)

    async def later(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return work(args, kwargs)

    func: Any = later if one.is_async else body
    func.__signature__ = signature
    return func


def _seen(context: FSMContext) -> str:
    facts = (context.results, context.cycle_count, context.current_state, context.state_history, context.cycle_results)
    return f" {facts} {context.metadata}"


def _move(fsm: FSM, one: Planned, move: str, total: int) -> Any:
    following = f"s{one.to[total % len(one.to)]}"
    holds, branch = total % 2 == 0, f"b{total % 2}"
    ways: dict[str, Any] = {
        "go": FSMReturn(following, total),
        "go to node": FSMReturn(fsm.nodes[following], total),
        "check": ConditionalReturn(holds, total),
        "check named": ConditionalReturn(holds, total, following, fsm.nodes["s0"]),
        "pick": SelectReturn(total, branch if any(way == branch for way, _ in one.ways) else following),
        "bool": holds,
        "stop": FSMReturn(following, total, stop=True),
        "leave": FSMReturn(following, total, continue_execution=False),
        "end": FSMReturn(None, total),
        "lost": FSMReturn("nowhere", total),
        "pick nothing": SelectReturn(branch=None),
        "nothing": None,
    }
    return ways.get(move, total)


class Model:
    """Carries out a machine that was made up (rulings 14 to 18)."""

    def __init__(self, fsm: FSM, made: Machine, policies: Sequence[Policy], strategy: str) -> None:
        self.fsm = fsm
        self.made = made
        self.policies = policies
        self.strategy = strategy
        self.inputs = inputs_of(made)
        self.context = FSMContext(metadata={"m": 1})
        self.reason = "completed"
        self.order: list[str] = []
        self.retried: list[Any] = []
        self.failure: tuple[str, Exception] | None = None
        self.value: Any = None

    @property
    def attempts(self) -> dict[str, int]:
        """How often each state was tried."""
        tried = [*self.order, *(event.node for event in self.retried)]
        return {name: tried.count(name) for name in self.fsm.nodes}

    async def go(self) -> None:
        """Enter one state after the other."""
        context, number = self.context, 0
        while True:
            name = f"s{number}"
            context.cycle_count += 1
            context.current_state = name
            self.order.append(name)
            try:
                raw = self._called(number)
                if isawaitable(raw):
                    raw = await raw
                value, following, stops = self._read(number, raw)
            except Exception as error:  # noqa: BLE001 - noted
                self._fail(name, error)
                return
            self.value = context.results[name] = value
            context.cycle_results.setdefault(name, []).append((context.cycle_count, value))
            if stops:
                self.reason = "stopped"
            elif self.made.states[number].final:
                self.reason = "final"
            elif following is not None and context.cycle_count == self.made.limit:
                self.reason = "max_cycles"
            elif following is not None:
                context.state_history.append(f"s{following}")
                number = following
                continue
            context.state_history.append("END")
            return

    def _fail(self, name: str, error: Exception) -> None:
        self.failure = name, error
        self.reason = "failed"
        if self.strategy != "stop":
            self.context.state_history.append("END")

    def _called(self, number: int) -> Any:
        step = self.fsm.plan().steps[number]
        one = self.made.states[number]
        given = [self.inputs.get(f"v{number}", self.value)] if one.port else []
        if one.looks:
            given.append(self.context)
        if one.port == "value and more":
            given.append(5)
        return wrapped(step, self.policies, self.retried.append)(*given)

    def _read(self, number: int, raw: Any) -> tuple[Any, int | None, bool]:
        """Read what a state returned: its value, the number of the state that follows, whether the run stops."""
        ways = dict(self.made.states[number].ways)
        if isinstance(raw, FSMReturn):
            stops = raw.stop_condition or not raw.continue_execution
            return raw.value, None if stops else self._number(raw.next_state), stops
        value = getattr(raw, "value", raw)
        value = None if value is UNSET else value
        if isinstance(raw, ConditionalReturn):
            named = raw.true_branch if raw.condition else raw.false_branch
            return value, self._number(named) if named is not None else ways.get(raw.condition), False
        if isinstance(raw, SelectReturn):
            wired = raw.branch is not None and raw.branch in ways
            return value, ways[raw.branch] if wired else self._number(raw.branch), False
        return value, ways.get(raw if isinstance(raw, bool) and raw in ways else None), False

    def _number(self, state: Any) -> int | None:
        if state is None:
            return None
        if name_of(state) not in self.fsm.nodes:
            raise BranchError(name_of(state))
        return int(name_of(state)[1:])
