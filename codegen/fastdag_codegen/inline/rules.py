"""The rules that a function must keep to be inlined: each names a hazard, and whoever breaks one is called instead."""

from __future__ import annotations

from typing import Final, NamedTuple

from fastdag_typed.exceptions import FastDagError


class Rule(NamedTuple):
    """What can go wrong when a body leaves its function, and which functions are therefore called."""

    code: str
    hazard: str
    what: str


class Refusal(NamedTuple):
    """Why a function is called: the code of a rule, a reason in a few words, the line in the source file (0: none)."""

    rule: str
    reason: str
    line: int


class RefusedError(FastDagError):
    """Leads out of the analysis of a function that breaks a rule; ``refusal`` says which."""

    def __init__(self, rule: str, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.refusal = Refusal(rule, reason, line)


RULES: Final = (
    Rule("kind", "What is no plain function has no body of its own to write.", "Lambdas, methods, partials, builtins, "
         "callable objects and wrapped functions (``lru_cache``, ``functools.wraps``) are called."),
    Rule("closure", "A closure's variables belong to another function, which may change them.", "A function with free "
         "variables, or one made inside another function or class, is called."),
    Rule("module", "Names are looked up in the module of the function, which must be found again.", "A function of "
         "``__main__``, of a module that cannot be imported by its name, or whose globals are not that module's, is "
         "called."),
    Rule("source", "The source may not be what runs: edited, patched, rewritten by a tool.", "The file is compiled "
         "again; a function whose code is not exactly the one that was loaded is called."),
    Rule("signature", "A body cannot do what the call does with its arguments.", "Functions with ``*args``, "
         "``**kwargs`` or type parameters are called."),
    Rule("generator", "A generator runs later, piece by piece.", "Functions with ``yield`` are called."),
    Rule("scope", "``global`` and ``nonlocal`` write variables that are not the function's.", "Such functions are "
         "called."),
    Rule("definition", "Functions and classes know the name, module and globals of where they were defined.",
         "Functions that define functions, classes or type aliases are called, and those that give a lambda to what "
         "calls it with more or fewer arguments than it takes, for the error names where it was defined."),
    Rule("frame", "Some functions look at the frame that calls them, its variables, its lines or its references.",
         "Functions that use ``locals``, ``eval``, ``super``, ``sys._getframe``, ``inspect``, three-argument ``type``, "
         "``namedtuple``, tracebacks and the like are called."),
    Rule("logging", "Log records and warnings carry the name, file and line of the function that made them.",
         "Functions that log or warn are called."),
    Rule("debug", '``f"{x=}"`` shows the name of a variable.', "Functions that use it are called."),
    Rule("escape", "A lambda or generator that outlives its function keeps the function's variables.", "Those that "
         "are not used up on the spot by a builtin such as ``sum`` or ``sorted``, or by a loop, make that the "
         "function is called."),
    Rule("import", "A relative import means another module elsewhere, and ``import a.b`` binds another name than it "
         "says.", "Functions with such imports are called."),
    Rule("annotation", "The target of an annotation may be evaluated.", "Functions that annotate anything but a plain "
         "variable are called."),
    Rule("global", "A name that neither the module nor Python knows fails in its own way.", "Functions that read such "
         "a name are called."),
    Rule("unbound", "A variable that may have no value fails with its name, or has an old value in a loop.",
         "Functions in which a variable is read that is not certainly bound are called."),
    Rule("lifetime", "Variables end with their function, in an order that destructors can tell.", "They are deleted at "
         "the end of the body in that order; a function in which it depends on the version of Python is called."),
    Rule("default", "A default value is one object for all calls.", "It is written as a literal if that gives exactly "
         "it, and read from the function otherwise; where that cannot be reached, the function is called."),
    Rule("return", "A body that goes on in the middle of other code cannot return.", "Returns become branches, the "
         "``else`` of loops, or a loop that runs once; where none of these does the same (a return in ``finally``, or "
         "out of a loop that is also left by ``break``), or something is done after the value is known (``finally``, "
         "the end of a ``with``), the function is called."),
    Rule("coroutine", "A coroutine turns a ``StopIteration`` that leaves it into a ``RuntimeError``.", "Async "
         "functions that call ``next`` or raise it are called."),
    Rule("depth", "CPython allows 20 nested blocks.", "Functions that would pass that inside the compiled module are "
         "called."),
    Rule("long", "A long function gains nothing.", "Functions of more than 200 statements are called."),
    Rule("syntax", "What is not known cannot be renamed.", "Functions with syntax that the compiler does not know are "
         "called."),
    Rule("names", "A variable that is renamed in one place and not in another is another variable.", "Variables are "
         "found twice, in two different trees, and compared with those that Python found; functions in which these "
         "differ are called."),
    Rule("internal", "The compiler may be wrong.", "Whatever goes wrong while a function is analysed makes that it is "
         "called."),
)  # fmt: skip
"""Every rule, in the order in which they are looked at."""
