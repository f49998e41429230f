"""What is read of a callable: ports, types, context, whether it is async, and for how long it is kept."""

from __future__ import annotations

import asyncio
import functools
import gc
import weakref
from collections.abc import Callable, Coroutine  # noqa: TC003 - signatures are read at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, TypeVar

import pytest

import fastdag_typed
import fastdag_typed as fd
from fastdag_typed import Context as Ctx
from fastdag_typed import FSMContext
from fastdag_typed.ports import EMPTY, Signature, signature_of

if TYPE_CHECKING:
    from decimal import Decimal

    from fastdag_typed import Context

T = TypeVar("T")


@dataclass
class Settings:
    path: str
    depth: Later = None  # type: ignore[assignment]


class Later: ...


class Scaler:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def scale(self, value: float, *, twice: bool = False) -> float:
        return value * self.factor * (2 if twice else 1)

    @classmethod
    def make(cls, factor: float) -> Scaler:
        return cls(factor)

    @staticmethod
    def half(value: float) -> float:
        return value / 2

    def __call__(self, value: float) -> str:
        return str(value)


class AsyncCall:
    async def __call__(self, value: int) -> str:
        return str(value)


def traced(func: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        return func(*args, **kwargs)

    return wrapper


def awaited(func: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    @functools.wraps(func)
    async def wrapper(*args: Any, **kwargs: Any) -> T:
        return func(*args, **kwargs)

    return wrapper


def three(first: int, second: str, third: bytes = b"") -> list[int]:
    return [first, len(second), len(third)]


async def later(first: int) -> str:
    return str(first)


def ports(func: Any) -> dict[str, Any]:
    """Types of the input ports by name."""
    return {port.name: port.type for port in Signature(func).inputs}


def kinds(func: Any) -> list[tuple[str, str, bool]]:
    """Name, kind and whether it is required, of each port."""
    return [(port.name, port.kind, port.required) for port in Signature(func).inputs]


# -- kinds of callables ----------------------------------------------------------------------------------------------


def test_a_function_has_a_port_for_each_parameter() -> None:
    assert ports(three) == {"first": int, "second": str, "third": bytes}
    assert kinds(three) == [("first", "standard", True), ("second", "standard", True), ("third", "standard", False)]
    assert Signature(three).returns == list[int]
    where = Signature(three).where
    assert where is not None
    assert (where.file, where.line) == (__file__, three.__code__.co_firstlineno)


def test_all_kinds_of_parameters_are_told_apart() -> None:
    def every(one: int, /, two: str, *rest: bytes, three: float, four: bool = True, **more: list[int]) -> None:
        raise AssertionError(one, two, rest, three, four, more)

    assert kinds(every) == [
        ("one", "positional", True),
        ("two", "standard", True),
        ("rest", "args", False),
        ("three", "keyword", True),
        ("four", "keyword", False),
        ("more", "kwargs", False),
    ]
    assert ports(every) == {"one": int, "two": str, "rest": bytes, "three": float, "four": bool, "more": list[int]}
    assert Signature(every).returns is type(None)


def test_a_lambda_has_ports_without_types() -> None:
    signature = Signature(lambda left, right=1: (left, right))
    assert [(p.name, p.type, p.default) for p in signature.inputs] == [("left", EMPTY, EMPTY), ("right", EMPTY, 1)]
    assert signature.returns is EMPTY
    assert signature.bare == ("left", "right")


def test_a_bound_method_has_no_port_for_self() -> None:
    assert ports(Scaler(2.0).scale) == {"value": float, "twice": bool}
    assert ports(Scaler.make) == {"factor": float}
    assert ports(Scaler.half) == {"value": float}
    assert Signature(Scaler.make).returns is Scaler
    assert ports(Scaler.scale) == {"self": EMPTY, "value": float, "twice": bool}


def test_a_partial_has_the_ports_that_are_left() -> None:
    assert ports(functools.partial(three, 1)) == {"second": str, "third": bytes}
    by_name = Signature(functools.partial(three, second="x"))
    assert [(p.name, p.kind, p.required) for p in by_name.inputs] == [
        ("first", "standard", True),
        ("second", "keyword", False),
        ("third", "keyword", False),
    ]
    assert ports(functools.partial(functools.partial(three, 1), "x")) == {"third": bytes}
    assert Signature(functools.partial(Scaler, 1.0)).returns is Scaler
    assert ports(functools.partial(Scaler(1.0), 2.0)) == {}


def test_a_callable_object_has_the_ports_of_its_call() -> None:
    signature = Signature(Scaler(2.0))
    assert ports(Scaler(2.0)) == {"value": float}
    assert signature.returns is str
    assert signature.where is not None


def test_a_class_has_the_ports_of_its_constructor_and_returns_itself() -> None:
    assert ports(Scaler) == {"factor": float}
    assert Signature(Scaler).returns is Scaler
    assert ports(Settings) == {"path": str, "depth": Later}
    assert Signature(Settings).fields == {"path": (str, "attr"), "depth": (Later, "attr")}
    assert Signature(int).returns is int


def test_a_local_class_is_read_too() -> None:
    class Inner: ...

    @dataclass
    class Outer:
        inner: Inner

    assert ports(Outer) == {"inner": Inner}


def test_a_builtin_has_the_ports_that_it_tells() -> None:
    assert kinds(len) == [("obj", "positional", True)]
    assert kinds(max) == [("args", "args", False), ("kwargs", "kwargs", False)]
    assert kinds(print)[:2] == [("args", "args", False), ("sep", "keyword", False)]
    assert ports(list[int]().append) == {"object": EMPTY}
    assert Signature(len).returns is EMPTY


@pytest.mark.parametrize("wrap", [traced, functools.cache, functools.lru_cache(maxsize=3)])
def test_a_wrapper_has_the_ports_of_what_it_wraps(wrap: Callable[[Any], Any]) -> None:
    assert ports(wrap(three)) == {"first": int, "second": str, "third": bytes}
    assert Signature(wrap(three)).returns == list[int]


def test_a_signature_that_is_given_goes_before_the_function() -> None:
    import inspect

    def loose(**values: object) -> object:
        return values

    loose.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("width", inspect.Parameter.KEYWORD_ONLY, annotation=int)], return_annotation=str
    )
    assert ports(loose) == {"width": int}
    assert Signature(loose).returns is str


def test_an_attribute_on_a_function_changes_nothing() -> None:
    def marked(value: int) -> int:
        return value

    marked.owner = "me"  # type: ignore[attr-defined]
    assert ports(marked) == {"value": int}


def test_what_answers_to_every_name_is_read_without_end() -> None:
    class Yes:
        def __getattr__(self, name: str) -> Yes:
            return self

        def __call__(self, value: int) -> int:
            return value

    assert Signature(Yes()).names


# -- async -----------------------------------------------------------------------------------------------------------


def test_async_callables_are_recognised_in_every_form() -> None:
    class Service:
        async def fetch(self, key: str) -> int:
            return len(key)

    is_async: list[Any] = [
        later,
        Service().fetch,
        functools.partial(later, 1),
        AsyncCall(),
        functools.partial(AsyncCall(), 1),
    ]
    is_not: list[Any] = [three, Scaler(1.0), Scaler, len, lambda: 1, functools.partial(three, 1)]
    assert [Signature(func).is_async for func in is_async] == [True] * len(is_async)
    assert [Signature(func).is_async for func in is_not] == [False] * len(is_not)
    assert Signature(Service().fetch).returns is int


def test_a_wrapper_is_async_if_itself_or_what_it_wraps_is() -> None:
    assert Signature(traced(later)).is_async
    assert Signature(awaited(three)).is_async
    assert asyncio.run(awaited(three)(1, "")) == [1, 0, 0]
    assert not Signature(traced(three)).is_async


def test_a_function_that_says_it_returns_a_coroutine_is_async() -> None:
    def start(first: int) -> Coroutine[Any, Any, str]:
        return later(first)

    assert Signature(start).is_async
    assert Signature(start).returns is str


# -- annotations written as text -------------------------------------------------------------------------------------


def test_a_local_class_is_found_while_its_function_runs() -> None:
    class Local: ...

    def make(value: list[Local]) -> Local:
        return value[0]

    assert ports(make) == {"value": list[Local]}
    assert Signature(make).returns is Local


def test_a_local_class_is_found_through_a_helper_of_another_function() -> None:
    class Local: ...

    def inner() -> Signature:
        def make(value: Local) -> None:
            raise AssertionError(value)

        return helper(make)

    assert inner().hints == {"value": Local, "return": type(None)}


def helper(func: Callable[..., Any]) -> Signature:
    Local = int  # noqa: F841, N806 - it must not be taken for the class of that name
    return Signature(func)


def test_a_local_class_that_the_function_uses_is_found_after_its_scope_has_ended() -> None:
    def make() -> Callable[..., Any]:
        class Local: ...

        def build(value: Local) -> Local:
            return value or Local()

        return build

    func = make()
    (found,) = set(ports(func).values())
    assert found.__name__ == "Local"


def test_a_class_scope_is_searched_while_the_class_is_made() -> None:
    class Pipe:
        class Row(NamedTuple):
            size: int

        def load(row: Row) -> Row:  # type: ignore[misc]  # noqa: N805 - a node, not a method
            return row

        signature = Signature(load)

    assert Pipe.signature.returns is Pipe.Row


def test_a_class_that_is_defined_below_is_found_later() -> None:
    signature = Signature(uses_below)
    assert signature.hints == {"value": Below}


def uses_below(value: Below):  # type: ignore[no-untyped-def]
    return value


class Below: ...


def test_a_name_that_only_checkers_see_leaves_the_port_without_type() -> None:
    def pay(amount: Decimal, times: int) -> Decimal:
        return amount * times

    signature = Signature(pay)
    assert ports(pay) == {"amount": EMPTY, "times": int}
    assert signature.bare == ("amount",)
    assert signature.returns is EMPTY


# -- the context -----------------------------------------------------------------------------------------------------


def test_the_context_is_known_by_its_name_or_by_its_type() -> None:  # noqa: C901 - many small functions
    def by_name(context, x: int) -> int:  # type: ignore[no-untyped-def]
        return x

    def by_alias(ctx: Ctx, x: int) -> int: ...  # type: ignore[empty-body]
    def by_kind(state: FSMContext, x: int) -> int: ...  # type: ignore[empty-body]
    def maybe(x: int, ctx: Ctx | None = None) -> int: ...  # type: ignore[empty-body]
    def optional(x: int, ctx: Optional[Ctx] = None) -> int: ...  # type: ignore[empty-body]  # noqa: UP045 - as an older module has it
    def dotted(x: int, *, run: fd.Context) -> int: ...  # type: ignore[empty-body]
    def checkers_only(c: Context, x: int) -> int: ...  # type: ignore[empty-body]
    def checkers_maybe(x: int, c: Context | None = None) -> int: ...  # type: ignore[empty-body]
    def real(x: int, c=None) -> int: ...  # type: ignore[no-untyped-def,empty-body]

    real.__annotations__["c"] = Ctx | None
    found: dict[str, str | None] = {}
    every: list[Any] = [by_name, by_alias, by_kind, maybe, optional, dotted, checkers_only, checkers_maybe, real]
    for func in every:
        signature = Signature(func)
        assert signature.names == ("x",), func
        found[func.__name__] = signature.context
    assert found == {
        "by_name": "context",
        "by_alias": "ctx",
        "by_kind": "state",
        "maybe": "ctx",
        "optional": "ctx",
        "dotted": "run",
        "checkers_only": "c",
        "checkers_maybe": "c",
        "real": "c",
    }


def test_another_class_called_context_is_a_port() -> None:
    class Context: ...

    def draw(surface: Context) -> None:
        raise AssertionError(surface)

    assert ports(draw) == {"surface": Context}


def test_a_second_context_is_a_port() -> None:
    def both(context: Ctx, other: Ctx) -> None:
        raise AssertionError(context, other)

    signature = Signature(both)
    assert (signature.context, signature.names) == ("context", ("other",))


def test_variadic_parameters_are_never_the_context() -> None:
    def many(*context: int) -> None:
        raise AssertionError(context)

    assert Signature(many).names == ("context",)


# -- what is returned ------------------------------------------------------------------------------------------------


def test_a_steering_return_carries_its_value() -> None:
    def check(x: int) -> fastdag_typed.ConditionalReturn[str]: ...  # type: ignore[empty-body]
    def either(x: int) -> fastdag_typed.FSMReturn[str] | int: ...  # type: ignore[empty-body]
    def unknown(x: int) -> fastdag_typed.SelectReturn: ...  # type: ignore[empty-body]
    def some(x: int) -> fastdag_typed.SelectReturn | int: ...  # type: ignore[empty-body]

    assert Signature(check).returns is str
    assert Signature(either).returns == str | int
    assert Signature(unknown).returns is EMPTY
    assert Signature(some).returns is EMPTY


# -- keeping ---------------------------------------------------------------------------------------------------------


def test_a_signature_is_read_once_while_it_is_in_use() -> None:
    first = signature_of(three)
    assert signature_of(three) is first


def test_a_signature_that_nothing_uses_keeps_no_function_alive() -> None:
    def use() -> list[weakref.ref[Any]]:
        class Local:
            def step(self, value: list[Local]) -> Local:
                return value[0]

        namespace: dict[str, Any] = {}
        exec("def func(x: int = 1) -> int: return x", namespace)  # noqa: S102 - the text is the one above
        assert signature_of(namespace["func"]).hints == {"x": int, "return": int}
        assert signature_of(Local.step).hints["return"] is Local
        return [weakref.ref(namespace["func"]), weakref.ref(Local.step)]

    references = use()
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_functions_that_come_and_go_do_not_take_the_signature_of_another() -> None:
    for name in map("p{}".format, range(50)):
        namespace: dict[str, Any] = {}
        exec(f"def func({name}): ...", namespace)  # noqa: S102 - the text is the one above
        assert signature_of(namespace.pop("func")).names == (name,)
