"""How the loop of a state machine reads what a state returns: the value, and the number of the state that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed.hints import class_of, members_of
from fastdag_typed.ports import EMPTY
from fastdag_typed.returns import ConditionalReturn, FSMReturn, SelectReturn

from .flows import assign
from .names import literal, string
from .returned import OPEN, STEERING, made, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastdag_typed.plan import Transition
    from fastdag_typed.step import Step

    from .inline import Returned
    from .returned import Leaf, Made

_GOES_ON: Final = {"stop_condition": False, "continue_execution": True, "stop": False}
"""What an ``FSMReturn`` that goes on is given."""


class Choice(NamedTuple):
    """The number of a state, and the test whether it follows; without a test it does."""

    test: str
    number: int


class Known(NamedTuple):
    """A state of the machine: its name and number, and how the module calls the state itself."""

    name: str
    number: int
    itself: Callable[[], str]


@dataclass(frozen=True)
class Loop:
    """The variables of the loop, and what the module binds for it.

    Args:
        transition: the function that reads whatever a state may return.
        states: the table of the states' numbers by their names.
        at: gives a table that has them by the states themselves, too.
        state: tells of a state, given by name or as itself; ``None`` of anything else.
        need: imports a name of ``fastdag_typed.returns``.
        local: makes a variable.
        late: whether the objects that states return may be others when the machine runs.
    """

    name: str
    raw: str
    value: str
    following: str
    stop: str
    transition: str
    states: str
    at: Callable[[], str]
    state: Callable[[object], Known | None]
    need: Callable[[str], str]
    local: Callable[[str], str]
    late: bool


class Steering:
    """Reads what one state returns."""

    def __init__(self, step: Step, ways: Sequence[Transition], loop: Loop) -> None:
        self._name = step.name
        self._kinds = set(map(class_of, members_of(step.node.signature.hints.get("return", EMPTY))))
        self._ways: dict[Any, int] = {way.branch: way.target for way in reversed(ways)}  # the first of a branch counts
        self._rows = [f"({literal(way.branch)}, {way.target})" for way in ways]
        self._loop = loop
        self._knows = False
        self._left: set[str] = set()

    # -- a call ------------------------------------------------------------------------------------------------------

    def called(self) -> list[str]:
        """Write the lines that read what a call returned: short if it is what the function is declared to return."""
        following, lines = self._loop.following, self._read()
        return lines if self._is_plain else [f"{following} = None", *lines]

    def _read(self) -> list[str]:
        loop = self._loop
        if self._kinds == {bool}:
            return [
                f"if {loop.raw} is True:",
                f"    {loop.value}, {loop.following} = True, {self._by(branch=True)}",
                f"elif {loop.raw} is False:",
                f"    {loop.value}, {loop.following} = False, {self._by(branch=False)}",
                "else:",
                *indented(self._read_object()),
            ]
        if self._is_plain:
            steering = [loop.need(kind.__name__) for kind in STEERING]
            steering += ["bool"] if True in self._ways or False in self._ways else []
            return [
                f"if isinstance({loop.raw}, ({', '.join(steering)})):",
                *indented(self._read_object()),
                "else:",
                f"    {loop.value}, {loop.following} = {loop.raw}, {self._by(branch=None)}",
            ]
        goes_on = f"{loop.raw}.continue_execution and not {loop.raw}.stop_condition"
        return [
            f"if type({loop.raw}) is {loop.need('FSMReturn')} and {goes_on}:",
            f"    {loop.value}, {loop.following} = {loop.raw}.value, {loop.at()}.get({loop.raw}.next_state)",
            f"if {loop.following} is None:",
            *indented(self._read_object()),
        ]

    @property
    def _is_plain(self) -> bool:
        """Whether the function is declared to return values that do not say what follows."""
        return all(isinstance(kind, type) and kind not in (Any, object, *STEERING) for kind in self._kinds)

    def _by(self, *, branch: bool | None) -> int | None:
        """Give the state that follows a plain value, or one that is a bool."""
        return self._ways.get(branch, self._ways.get(None))

    def _read_object(self) -> list[str]:
        loop = self._loop
        known = f"({', '.join(self._rows)}{',' if len(self._rows) == 1 else ''})"
        targets = f"{loop.value}, {loop.following}, {loop.stop}"
        return assign(targets, loop.transition, [loop.name, loop.raw, known, loop.states])

    # -- an inlined body ---------------------------------------------------------------------------------------------

    def sink(self, returned: Returned) -> list[str]:
        """Write a return of an inlined body.

        Where it says what follows, no object is made. Nothing is written that may raise what the body itself would not
        have raised there, for it might catch that.
        """
        loop = self._loop
        value = plain(returned.text)
        if value is not None:
            following = self._by(branch=value.value if isinstance(value.value, bool) else None)
            if following is not None:
                self._knows = True
                return [f"{loop.value} = {returned.text}", f"{loop.following} = {following}"]
        found = None if loop.late else made(returned.text, returned.globals)
        lines = found and self._steer(found)
        if lines:
            self._knows = True
            return lines
        self._left.add("anything" if lines is None else "an end")
        return [f"{loop.raw} = {returned.text}", f"{loop.following} = None"]

    def rest(self) -> list[str]:
        """Write the lines after an inlined body, which read what its returns have left to read."""
        if not self._left:
            return []
        lines = self._read() if "anything" in self._left else self._read_object()
        return [f"if {self._loop.following} is None:", *indented(lines)] if self._knows else lines

    def _steer(self, found: Made) -> list[str] | None:
        """Assign the arguments in the order in which they are evaluated, then what follows.

        Nothing is written if none follows, and ``None`` given if any may. Where an argument is not as usual when the
        machine runs, the object is made of them after all.
        """
        loop, given = self._loop, found.given
        texts = {name: argument.text for name, argument in given.items()}
        for name, argument in given.items():
            if name == "value" or argument.value is OPEN:
                texts[name] = loop.value if name == "value" else loop.local(f"{self._name}_{name}")
        flags = {name: given[name].value for name in _GOES_ON if name in given}
        if any(value is not OPEN and bool(value) is not _GOES_ON[name] for name, value in flags.items()):
            return []
        choices = self._choices(found, texts)
        if not choices:
            return None if choices is None else []
        unsure = bool(choices[-1].test)
        doubts = [f"{loop.following} is None"] if unsure else []
        doubts += [f"{texts[name]} is not {_GOES_ON[name]}" for name, value in flags.items() if value is OPEN]
        if found.kind is not FSMReturn and "value" in given and given["value"].value is OPEN:
            doubts.append(f"{loop.value} is {loop.need('UNSET')}")
        lines = [f"{texts[name]} = {argument.text}" for name, argument in given.items() if texts[name] != argument.text]
        lines += [] if "value" in given else [f"{loop.value} = None"]
        chain = [f"{number} if {test}" if test else str(number) for test, number in choices]
        lines.append(f"{loop.following} = {' else '.join([*chain, 'None'] if unsure else chain)}")
        if doubts:
            self._left.add("an object")
            call = f"{loop.need(found.kind.__name__)}({', '.join(f'{name}={text}' for name, text in texts.items())})"
            lines += [f"if {' or '.join(doubts)}:", f"    {loop.raw}, {loop.following} = {call}, None"]
        return lines

    def _choices(self, found: Made, texts: Mapping[str, str]) -> list[Choice] | None:
        """List the states that may follow; ``None`` if any may."""
        goal = STEERING[found.kind][0]
        if goal not in found.given:
            return []
        if found.kind is ConditionalReturn:
            return self._answers(found, texts[goal])
        return self._goals(found.given[goal].leaves, texts[goal], self._ways if found.kind is SelectReturn else {})

    def _goals(self, leaves: Sequence[Leaf], text: str, ways: Mapping[Any, int]) -> list[Choice] | None:
        """List the states that are named, or given by variables, which may mean others later; not both in one place."""
        found: list[Choice] = []
        for leaf in leaves:
            state = self._loop.state(leaf.meaning if leaf.value is OPEN else leaf.value)
            if isinstance(leaf.value, str):
                name, test = leaf.value, f"{text} == {string(leaf.value)}"
            elif leaf.value is OPEN and state is not None:
                name, test = state.name, f"{text} is {state.itself()}"
            elif leaf.value is None:
                continue
            else:
                return None
            number = ways.get(name, state.number if state else None)
            found += [] if number is None else [Choice(test, number)]
        kinds = {type(leaf.value) for leaf in leaves}
        if kinds == {str} and len(found) == len(leaves):
            found[-1] = Choice("", found[-1].number)
        return None if {str, object} <= kinds else found

    def _answers(self, found: Made, text: str) -> list[Choice] | None:
        """List the states that follow the answers of a condition."""
        choices: list[Choice] = []
        known = found.given["condition"].value
        for answer, name in ((True, "true_branch"), (False, "false_branch")):
            if known is not OPEN and bool(known) is not answer:
                continue
            branch = found.given[name].value if name in found.given else None
            if not (branch is None or isinstance(branch, str)):
                return None
            state = self._loop.state(branch)
            number = self._ways.get(answer) if branch is None else state.number if state else None
            choices += [] if number is None else [Choice(f"{text} is {answer}" if known is OPEN else "", number)]
        return choices


def indented(lines: list[str]) -> list[str]:
    """Write lines one level deeper."""
    return [f"    {line}" for line in lines]
