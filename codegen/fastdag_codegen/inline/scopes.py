"""From a function's text to its tokens, in which each variable is a place to be filled."""

from __future__ import annotations

import ast
import builtins
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import libcst as cst

from .reading import is_normal
from .rules import RefusedError
from .texts import one_line, one_line_part

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator

    from .trees import Meaning

_STATEMENTS: Final = (cst.BaseSmallStatement, cst.BaseCompoundStatement)


class Use(NamedTuple):
    """A place where a variable stands."""

    name: str
    meaning: Meaning


Token = str | Use
_PLAIN: Final = re.compile(r"[\w\[\], |.]+")


class _Scope:
    def __init__(self, around: _Scope | None = None, *, owns: bool = True) -> None:
        self.around = around
        self.names: set[str] = set()
        self.owner: _Scope = self if owns or around is None else around.owner

    def meaning(self, name: str) -> Meaning:
        scope = self
        while scope.around is not None:
            if name in scope.names:
                return "inner"
            scope = scope.around
        return "local" if name in scope.names else "global"


class Script:
    """The tokens of a function, as libcst writes them, with the line of each, and where each part begins and ends.

    Args:
        line: the line of the source file in which the function begins.
        indent: what the text is indented by.
        bare: variables whose annotations are left out.
        is_builtin: tells of a global name whether it is Python's own.
    """

    def __init__(self, line: int, indent: str, bare: Collection[str], is_builtin: Callable[[str], bool]) -> None:
        self.default_indent = indent
        self.default_newline = "\n"
        self.tokens: list[Token] = []
        self.lines: list[int] = []
        self.starts: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self.margins: dict[int, str] = {}
        self.returns: dict[int, int] = {}
        self.locals: set[str] = set()
        self.inner: set[str] = set()
        self._line = line
        self._bare = bare
        self._is_builtin = is_builtin
        self._indents: list[str] = []
        self._stack: list[cst.CSTNode] = []
        self._muted = 0
        self._body: cst.BaseSuite | None = None
        self._strings: list[cst.FormattedString] = []
        self._plain: set[int] = set()
        self._instead: dict[int, str] = {}
        self._aliases: dict[int, str] = {}
        self._scopes: list[_Scope] = [_Scope()]
        self._switch: dict[int, _Scope] = {}
        self._found: list[tuple[int, str, _Scope]] = []

    def record(self, function: cst.FunctionDef) -> None:
        """Write a function down; give every name its meaning."""
        outer = self._scopes[0]
        parameters = function.params
        for one in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params):
            outer.names.add(one.name.value)
        self._muted, self._body = 1, function.body
        function._codegen(self)  # type: ignore[arg-type]  # noqa: SLF001 - the public ways take five times as long
        for index, name, scope in self._found:
            meaning = scope.meaning(name)
            plain = meaning == "global" and self._is_builtin(name)
            self.tokens[index] = name if plain else Use(name, meaning)
            if meaning == "inner":
                self.inner.add(name)
        self.locals = outer.names

    # -- what libcst calls ---------------------------------------------------------------------------------------------

    def increase_indent(self, value: str) -> None:
        """Begin a block."""
        self._indents.append(value)

    def decrease_indent(self) -> None:
        """End a block."""
        self._indents.pop()

    def add_indent_tokens(self) -> None:
        """Begin a line."""
        for one in self._indents:
            self.add_token(one)

    def add_token(self, value: str) -> None:
        """Write a token."""
        node = self._stack[-1]
        written = value
        if isinstance(node, cst.SimpleString):
            written = one_line(value)
        elif isinstance(node, cst.FormattedStringText):
            written = one_line_part(value, self._strings[-1].start)
        elif self._strings and "\n" in value:
            written = value.replace("\\\n", " ").replace("\n", " ")
        if self._strings and isinstance(node, cst.SimpleString) and written != value:
            raise RefusedError("syntax", "a string inside an f-string has escapes or lines", self._line)
        if self._muted:
            written = ""
        elif isinstance(node, cst.Name) and id(node) not in self._plain:
            if not is_normal(value):
                raise RefusedError("names", f"{value} is another name to Python", self._line)
            self._found.append((len(self.tokens), value, self._scopes[-1]))
        self.tokens.append(written)
        self.lines.append(self._line)
        self._line += value.count("\n")

    def before_codegen(self, node: cst.CSTNode) -> None:
        """Begin a node."""
        key = id(node)
        self._stack.append(node)
        self.starts[key] = len(self.tokens)
        if node is self._body:
            self._muted = 0
        enter = _ENTER.get(type(node))
        if enter is not None and not self._muted:
            enter(self, node)
        if isinstance(node, _STATEMENTS):
            self.margins[key] = "".join(self._indents)
        if isinstance(node, cst.Return):
            self.returns[key] = len(self.returns)
        if key in self._switch:
            self._scopes.append(self._switch[key])
        if key in self._instead:
            self._muted += 1

    def after_codegen(self, node: cst.CSTNode) -> None:
        """End a node."""
        key = id(node)
        self._stack.pop()
        if key in self._switch:
            self._scopes.pop()
        if key in self._instead:
            self._muted -= 1
            self._add(self._instead[key])
        if key in self._aliases:
            self._add(" as ")
            self._found.append((len(self.tokens), self._aliases[key], self._scopes[-1]))
            self._add("")
        if self._strings and self._strings[-1] is node:
            self._strings.pop()
        self.ends[key] = len(self.tokens)

    @contextmanager
    def record_syntactic_position(self, node: cst.CSTNode, **_: Any) -> Generator[None]:  # noqa: ARG002 - libcst's
        """Do nothing: parts are known with the whitespace and parentheses around them."""
        yield

    def _add(self, token: str) -> None:
        self.tokens.append(token)
        self.lines.append(self._line)

    # -- what a node means to the names in it ------------------------------------------------------------------------

    def attribute(self, node: cst.Attribute) -> None:
        """Leave alone what is no variable."""
        self._plain.add(id(node.attr))

    def argument(self, node: cst.Arg) -> None:
        """Leave the keyword alone."""
        self._plain.add(id(node.keyword))

    def keyword_pattern(self, node: cst.MatchKeywordElement) -> None:
        """Leave the name of the attribute alone."""
        self._plain.add(id(node.key))

    def import_from(self, node: cst.ImportFrom) -> None:
        """Leave the name of the module alone."""
        self._module(node.module)

    def import_alias(self, node: cst.ImportAlias) -> None:
        """Bind what is imported under a name of its own."""
        self._module(node.name)
        if node.asname is None and isinstance(node.name, cst.Name):
            self._scopes[-1].names.add(node.name.value)
            self._aliases[id(node.name)] = node.name.value

    def _module(self, node: cst.BaseExpression | None) -> None:
        while isinstance(node, cst.Attribute):
            node = node.value
        self._plain.add(id(node))

    def as_name(self, node: cst.AsName) -> None:
        """Bind what follows ``as``."""
        self._bind(node.name)

    def target(self, node: cst.AssignTarget | cst.AugAssign | cst.For | cst.CompFor | cst.Del) -> None:
        """Bind what is assigned, or deleted."""
        self._bind(node.target)

    def annotated(self, node: cst.AnnAssign) -> None:
        """Bind a variable, and keep of its annotation what means the same everywhere."""
        self._bind(node.target)
        if isinstance(node.target, cst.Name) and node.target.value in self._bare:
            if node.value is None:
                self._instead[id(node)] = "pass"
            else:
                self._instead[id(node.annotation)] = ""
        else:
            self._instead[id(node.annotation.annotation)] = self._annotation(node.annotation.annotation)

    def _annotation(self, node: cst.BaseExpression) -> str:
        try:
            text = cst.Module([]).code_for_node(node)
            names = [one.id for one in ast.walk(ast.parse(text, mode="eval")) if isinstance(one, ast.Name)]
        except SyntaxError:
            return "Any"
        plain = _PLAIN.fullmatch(text) is not None and all(self._is_builtin(name) for name in names)
        return text if plain and all(hasattr(builtins, name) for name in names) else "Any"

    def walrus(self, node: cst.NamedExpr) -> None:
        """Bind outside of comprehensions."""
        self._bind(node.target, self._scopes[-1].owner)

    def star_pattern(self, node: cst.MatchStar | cst.MatchAs) -> None:
        """Bind what a pattern captures."""
        if node.name is not None:
            self._bind(node.name)

    def mapping_pattern(self, node: cst.MatchMapping) -> None:
        """Bind the rest of a mapping."""
        if node.rest is not None:
            self._bind(node.rest)

    def function(self, node: cst.Lambda) -> None:
        """Begin the scope of a lambda; its defaults belong to the scope around."""
        around = self._switch.get(id(node), self._scopes[-1])
        inner = self._switch[id(node)] = _Scope(around)
        parameters = node.params
        starred = [one for one in (parameters.star_arg, parameters.star_kwarg) if isinstance(one, cst.Param)]
        for one in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params, *starred):
            inner.names.add(one.name.value)
            if one.default is not None:
                self._switch[id(one.default)] = around

    def comprehension(self, node: cst.BaseComp) -> None:
        """Begin the scope of a comprehension; what it goes through belongs to the scope around."""
        around = self._switch.get(id(node), self._scopes[-1])
        self._switch[id(node)] = _Scope(around, owns=False)
        self._switch[id(node.for_in.iter)] = around

    def formatted(self, node: cst.FormattedString) -> None:
        """Begin an f-string."""
        self._strings.append(node)

    def value(self, node: cst.FormattedStringExpression) -> None:
        """Refuse ``f"{x=}"``."""
        if node.equal is not None:
            raise RefusedError("debug", "an f-string shows the name of a variable", self._line)

    def comment(self, node: cst.Comment) -> None:
        """Leave a comment out."""
        self._instead[id(node)] = ""

    def _bind(self, node: cst.CSTNode, scope: _Scope | None = None) -> None:
        if isinstance(node, cst.Name):
            (scope or self._scopes[-1]).names.add(node.value)
        elif isinstance(node, cst.Tuple | cst.List):
            for element in node.elements:
                self._bind(element.value, scope)


_ENTER: Final[dict[type[cst.CSTNode], Callable[[Script, Any], None]]] = {
    cst.Attribute: Script.attribute,
    cst.Arg: Script.argument,
    cst.MatchKeywordElement: Script.keyword_pattern,
    cst.ImportFrom: Script.import_from,
    cst.ImportAlias: Script.import_alias,
    cst.AsName: Script.as_name,
    cst.AnnAssign: Script.annotated,
    cst.NamedExpr: Script.walrus,
    cst.MatchStar: Script.star_pattern,
    cst.MatchAs: Script.star_pattern,
    cst.MatchMapping: Script.mapping_pattern,
    cst.Lambda: Script.function,
    cst.FormattedString: Script.formatted,
    cst.FormattedStringExpression: Script.value,
    cst.Comment: Script.comment,
    **dict.fromkeys((cst.AssignTarget, cst.AugAssign, cst.For, cst.CompFor, cst.Del), Script.target),
    **dict.fromkeys((cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp), Script.comprehension),
}
