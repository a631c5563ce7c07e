"""The grammar of `${{ ... }}`: text to a tree. Knows no scope and no meaning of a name.

The grammar is that of GitHub Actions ("Evaluate expressions in workflows and actions"): literals, `.name`, `['name']`,
`[0]`, `!`, `< <= > >=`, `== !=`, `&&`, `||`, parentheses and functions, binding in this order. Only its filter `.*` is
left out, and there is no NaN and no Infinity, because JSON has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal as OneOf

from runner.graph.expression import (
    ARITY,
    Access,
    Call,
    Chain,
    Comparison,
    ExpressionError,
    Literal,
    Node,
    Not,
    Step,
)
from runner.graph.tokens import FOREIGN_SIGNS, Token, number_of, tokens

DEEPEST = 50
"""How deep an expression may nest; GitHub's limit."""


def parse_expression(text: str, start: int, end: int) -> Node:
    """Parse `text[start:end]`; offsets in the tree and in errors count from the beginning of `text`.

    Raises:
        ExpressionError: it is not an expression.

    """
    return _Parser(text, start, end).whole()


_WORDS: Mapping[str, bool | None] = {"null": None, "true": True, "false": False}
_FUNCTIONS = {name.lower(): name for name in ARITY}
_STATUS_FUNCTIONS = {
    "always": "`trigger: always`",
    "failure": "`trigger: one_failed`",
    "success": "`trigger: all_success` (the default)",
    "cancelled": "`trigger: always`",
}


class _Parser:
    """Recursive descent; one method for each level of binding."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.end = end
        self.tokens = list(tokens(text, start, end))
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        if not self.tokens:
            raise ExpressionError("this expression is empty", offset=self.end, hint="write a name such as `params.x`")
        node = self.either()
        if (token := self.peek()) is not None:
            raise ExpressionError(
                f"`{token.text}` is not expected here",
                offset=token.offset,
                length=len(token.text),
                hint="is an operator missing before it, such as `&&` or `==`?",
            )
        return node

    def either(self) -> Node:
        return self.chain("||")

    def chain(self, operator: OneOf["&&", "||"]) -> Node:
        operands = [self.operand(operator)]
        while self.take(operator):
            operands.append(self.operand(operator))
        return operands[0] if len(operands) == 1 else Chain(operator=operator, operands=tuple(operands))

    def operand(self, operator: OneOf["&&", "||"]) -> Node:
        return self.chain("&&") if operator == "||" else self.comparison(("==", "!="))

    def comparison(self, operators: tuple[str, ...]) -> Node:
        tighter = operators[0] == "=="
        left = self.comparison(("<", "<=", ">", ">=")) if tighter else self.unary()
        entered = self.depth
        while (token := self.peek()) is not None and token.text in operators and token.kind == "sign":
            self.deeper(token.offset)
            self.at += 1
            right = self.comparison(("<", "<=", ">", ">=")) if tighter else self.unary()
            left = Comparison(operator=token.text, left=left, right=right)
        self.depth = entered
        return left

    def unary(self) -> Node:
        token = self.peek()
        if token is None or not self.take("!"):
            return self.accessed()
        self.deeper(token.offset)
        node = Not(of=self.unary())
        self.depth -= 1
        return node

    def accessed(self) -> Node:
        first = self.expected("a value is missing here")
        node = self.primary(first)
        steps: list[Step] = []
        while (token := self.peek()) is not None and token.kind == "sign" and token.text in (".", "["):
            self.at += 1
            steps.append(self.name_step() if token.text == "." else self.index_step(token))
        if isinstance(node, Access) and not node.steps:
            root, of = node.root, node.of
        elif steps:
            root, of = None, node
        else:
            return node
        last = steps[-1] if steps else None
        end = last.offset + last.length if last else first.offset + len(first.text)
        return Access(root=root, of=of, steps=tuple(steps), offset=first.offset, length=end - first.offset)

    def name_step(self) -> Step:
        token = self.expected("a name is missing after the `.`")
        if token.kind != "word":
            hint = FOREIGN_SIGNS.get(token.text, "names that are no plain words stand in brackets: `needs['a.b']`")
            raise ExpressionError("a name is missing after the `.`", offset=token.offset, hint=hint)
        return Step(key=Literal(value=token.text), name=token.text, offset=token.offset, length=len(token.text))

    def index_step(self, opened: Token) -> Step:
        self.deeper(opened.offset)
        start = self.peek()
        key = self.either()
        end = self.close("]", opened)
        self.depth -= 1
        literal = key.value if isinstance(key, Literal) else None
        name = literal if isinstance(literal, str | int) and not isinstance(literal, bool) else None
        offset = start.offset if start else opened.offset
        return Step(key=key, name=name, offset=offset, length=end.offset - offset)

    def primary(self, token: Token) -> Node:
        if token.kind == "number":
            return _number(token)
        if token.kind == "text":
            return Literal(value=token.text[1:-1].replace("''", "'"))
        if token.kind == "sign":
            return self.parenthesis(token)
        if token.text in _WORDS:
            return Literal(value=_WORDS[token.text])
        opened = self.peek()
        if opened is not None and opened.text == "(" and self.take("("):
            return self.call(token, opened)
        return Access(root=token.text, offset=token.offset, length=len(token.text))

    def parenthesis(self, opened: Token) -> Node:
        if opened.text != "(":
            raise ExpressionError(
                f"a value is missing before `{opened.text}`", offset=opened.offset, length=len(opened.text)
            )
        self.deeper(opened.offset)
        node = self.either()
        self.close(")", opened)
        self.depth -= 1
        return node

    def call(self, name: Token, opened: Token) -> Node:
        function = _function(name)
        self.deeper(opened.offset)
        arguments: list[Node] = []
        if not self.take(")"):
            arguments.append(self.either())
            while self.take(","):
                arguments.append(self.either())
            self.close(")", opened)
        self.depth -= 1
        _check_arguments(function, arguments, name)
        return Call(function=function, arguments=tuple(arguments), offset=name.offset, length=len(name.text))

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, sign: str) -> bool:
        token = self.peek()
        found = token is not None and token.kind == "sign" and token.text == sign
        self.at += found
        return found

    def expected(self, complaint: str) -> Token:
        token = self.peek()
        if token is None:
            raise ExpressionError(complaint, offset=self.end)
        self.at += 1
        return token

    def close(self, sign: str, opened: Token) -> Token:
        token = self.peek()
        if token is None or not self.take(sign):
            raise ExpressionError(f"this `{opened.text}` is never closed by `{sign}`", offset=opened.offset)
        return token

    def deeper(self, offset: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(
                f"this expression nests deeper than {DEEPEST} levels", offset=offset, hint="compute it in a task"
            )


def _number(token: Token) -> Literal:
    value = number_of(token.text)
    if not math.isfinite(value):
        message = "this number is larger than JSON knows"
        raise ExpressionError(message, offset=token.offset, length=len(token.text))
    return Literal(value=value)


def _function(name: Token) -> str:
    known = _FUNCTIONS.get(name.text.lower())
    if known is not None:
        return known
    if name.text in _STATUS_FUNCTIONS:
        raise ExpressionError(
            f"`{name.text}()` is not a function here: outcomes belong in `trigger`",
            offset=name.offset,
            length=len(name.text) + 2,
            hint=f"write {_STATUS_FUNCTIONS[name.text]} beside the task's `needs`",
        )
    raise ExpressionError(
        f"there is no function `{name.text}`",
        offset=name.offset,
        length=len(name.text),
        hint=f"the functions are {', '.join(ARITY)}",
    )


def _check_arguments(function: str, arguments: list[Node], name: Token) -> None:
    least, most = ARITY[function]
    offset, length = name.offset, len(name.text)
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} or more" if most > 2 else f"{least} or {most}"
        message = f"`{function}` takes {wanted} argument{'s' if most > 1 else ''}, not {len(arguments)}"
        raise ExpressionError(message, offset=offset, length=length)
    if function == "format" and isinstance(arguments[0], Literal):
        used = [int(digits) for digits in re.findall(r"\{(\d+)\}", str(arguments[0].value).replace("{{", ""))]
        if used and max(used) > len(arguments) - 2:
            message = f"`format` has no argument for `{{{max(used)}}}`; counting starts at {{0}}"
            raise ExpressionError(message, offset=offset, length=length)
