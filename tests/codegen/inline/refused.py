"""Functions that are called, because inlining them would not be the same; each with the rule that says so."""

# fmt: off

import collections
import contextlib
import enum
import functools
import inspect
import logging
import sys
import traceback
import typing
import warnings
from typing import NewType

REFUSED: list = []
LIMIT = 3
log = logging.getLogger(__name__)
anything: typing.Any = None


def rule(code: str):
    """Expect a rule to refuse a function; the function itself is what is bound."""

    def keep(func):
        REFUSED.append((func, code))
        return func

    return keep


def decorated(func):
    @functools.wraps(func)
    def call(*args):
        return func(*args)

    return call


def made(k):
    def add(x):
        return x + k

    def alone(x):
        return x

    return add, alone


class Some:
    def method(self):
        return self

    @staticmethod
    def static(x):
        return x

    def __call__(self, x):
        return x


rule("kind")(lambda x: x)
rule("kind")(Some().method)
rule("closure")(Some.static)
rule("closure")(Some.method)
rule("kind")(Some())
rule("kind")(Some)
rule("kind")(len)
rule("kind")(functools.partial(print, 1))
rule("kind")(functools.lru_cache(decorated))
rule("closure")(made(1)[0])
rule("closure")(made(1)[1])


@rule("kind")
@decorated
def wrapped(x):
    return x


@rule("signature")
def any_arguments(*args):
    return args


@rule("signature")
def any_keywords(**options):
    return options


@rule("generator")
def generates(x):
    yield x


@rule("generator")
async def generates_later(x):
    yield x


@rule("scope")
def writes_a_global(x):
    global LIMIT
    LIMIT = x


@rule("definition")
def defines_a_function(x):
    def inner():
        return 1

    return inner()


@rule("definition")
def defines_a_class(x):
    class Inner: ...

    return Inner


@rule("frame")
def uses_locals(x):
    return locals()


@rule("frame")
def uses_a_hidden_locals(x):
    return [f() for f in [locals]]


@rule("frame")
def uses_vars(x):
    return vars()


@rule("frame")
def uses_dir(x):
    return dir(*[])


@rule("frame")
def uses_globals(x):
    return globals()["x"]


@rule("frame")
def uses_eval(x):
    return eval("x")


@rule("frame")
def uses_exec(x):
    exec("x")


@rule("frame")
def uses_compile(x):
    return compile("x: y", "f", "exec")


@rule("frame")
def uses_super(x):
    return super(Some, x).__init__()


@rule("frame")
def uses_breakpoint(x):
    breakpoint()


@rule("frame")
def makes_a_type(x):
    return type("T", (), {})


@rule("frame")
def makes_a_type_later(x):
    make = type
    return make("T", (), {})


@rule("frame")
def looks_at_its_frame(x):
    return sys._getframe().f_code.co_name


@rule("frame")
def looks_at_the_stack(x):
    return inspect.stack()[0]


@rule("frame")
def imports_what_looks_at_the_stack(x):
    from inspect import currentframe as here

    return here()


@rule("frame")
def imports_frames_of_sys(x):
    from sys import _getframe

    return _getframe()


@rule("frame")
def formats_a_traceback(x):
    return traceback.format_exc()


@rule("frame")
def reads_a_traceback(x):
    try:
        return 1 / x
    except ZeroDivisionError as error:
        return error.__traceback__.tb_lineno


@rule("frame")
def counts_references(x):
    return sys.getrefcount(x)


@rule("frame")
def makes_a_namedtuple(x):
    return collections.namedtuple("N", "a b")


@rule("frame")
def makes_a_new_type(x):
    return NewType("N", int)


@rule("frame")
def makes_an_enum(x):
    return enum.Enum("E", "a b")


@rule("frame")
def asks_a_table(x):
    limit = 3
    return x.query("a > @limit")


@rule("frame")
def makes_a_type_variable(x):
    return typing.TypeVar("T")


@rule("logging")
def logs(x):
    logging.info("x")


@rule("logging")
def logs_to_a_logger(x):
    log.info("x")


@rule("logging")
def hands_a_logger_on(x):
    return print(log)


@rule("logging")
def logs_to_what_may_be_a_logger(x):
    x.warning("x")


@rule("logging")
def warns(x):
    warnings.warn("x")


@rule("logging")
def warns_after_an_import(x):
    from warnings import warn

    warn("x")


@rule("debug")
def shows_a_name(x):
    return f"{x=}"


@rule("definition")
def orders_by_a_lambda_that_takes_nothing(x):
    return sorted(x, key=lambda: 1)


@rule("definition")
def orders_by_a_lambda_that_takes_more_by_name(x):
    return sorted(x, key=lambda y, *, z: y)


@rule("definition")
def maps_by_a_lambda_that_takes_more(x):
    return list(map(lambda y, z: y, x))


@rule("definition")
def reduces_by_a_lambda_that_takes_less(x):
    return functools.reduce(lambda y: y, x)


@rule("unbound")
def orders_by_a_lambda_with_a_variable(x):
    return sorted(x, key=lambda y: (z := z))


@rule("escape")
def returns_a_lambda(x):
    return lambda: x


@rule("escape")
def returns_a_generator(x):
    return (y for y in x)


@rule("escape")
def keeps_a_lambda(x):
    f = lambda y: x + y
    return f(1)


@rule("escape")
def hands_a_lambda_on(x):
    return anything(lambda: x)


@rule("escape")
def returns_a_lazy_map(x):
    return map(lambda y: x, [1])


@rule("escape")
def orders_by_a_closure_of_what_may_be_no_list(x, k):
    x.sort(key=lambda y: y * k)


@rule("escape")
def returns_the_greatest_generator(x):
    return max((y for y in x), (y for y in x))


@rule("escape")
def gives_a_key_that_gives_lambdas(x):
    return sorted(x, key=lambda y: lambda: y)


@rule("escape")
def joins_with_what_may_be_no_string(x, glue):
    return glue.join(str(y) for y in x)


@rule("import")
def imports_from_here(x):
    from . import flat

    return flat


@rule("import")
def imports_a_dotted_module(x):
    import os.path

    return os


@rule("annotation")
def annotates_an_attribute(x):
    x.y: int = 3


@rule("annotation")
def annotates_in_parentheses(x):
    (y): int = 3
    return y


@rule("global")
def reads_an_unknown_name(x):
    return not_known_at_all


@rule("unbound")
def reads_a_loop_variable(xs):
    for x in xs:
        pass
    return x


@rule("unbound")
def reads_what_one_branch_binds(x):
    if x:
        y = 1
    return y


@rule("unbound")
def reads_what_is_deleted(x):
    del x
    return x


@rule("unbound")
def deletes_twice(x):
    if LIMIT:
        del x
    del x


@rule("unbound")
def reads_the_name_of_an_error(x):
    error = None
    try:
        x()
    except ValueError as error:
        pass
    return error


@rule("unbound")
def reads_what_a_swallowed_error_leaves_out(x):
    with contextlib.suppress(KeyError):
        y = x["y"]
    return y


@rule("unbound")
def reads_in_finally(x):
    try:
        y = x()
    finally:
        print(y)


@rule("unbound")
def reads_after_a_walrus_that_may_not_run(x):
    if x and (y := x + 1):
        pass
    return y


@rule("unbound")
def reads_in_the_next_round(x):
    for y in x:
        if y:
            print(z)
        z = y
        del z


@rule("unbound")
def reads_what_a_pattern_may_bind(x):
    match x:
        case [y]:
            pass
    return y


@rule("unbound")
def adds_to_nothing(x):
    if x:
        y = 1
    y += 1


@rule("lifetime")
def ends_in_an_order_of_its_own(x):
    a = x()
    b = x()
    return [a + y for y in x], b


@rule("unbound")
def reads_a_variable_of_a_comprehension_before_it_is_bound(data):
    return [data for c in [1] for data in [data, c]]


@rule("return")
def returns_in_finally(x):
    try:
        x()
    finally:
        return 1


@rule("return")
def returns_and_breaks(xs):
    for x in xs:
        if x:
            break
        return 1
    return 2


@rule("return")
def returns_out_of_a_loop_in_a_block(xs):
    try:
        for x in xs:
            if x:
                return 1
    except ValueError:
        pass
    return 2


@rule("coroutine")
async def calls_next(x):
    return next(x)


@rule("coroutine")
async def stops(x):
    raise StopIteration(x)
