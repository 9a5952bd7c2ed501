"""The expressions of indigevent-eval: C's operators and functions over numbers and `"device.property.element"`. No I/O.

All values are floats, and arithmetic is C's: what is out of range is infinite, what is undefined is nan, which is true.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from indigevent.errors import ClientError

Values = Mapping[str, float]
_Step = Callable[[Values], float]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<operand>\"[^\"]*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\|\||&&|[<>=!]=|[-+*/<>!(),]))"
)
# From the loosest to the tightest; all go from left to right.
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_MAX_DEPTH = 50


class ExpressionError(ClientError):
    """An expression that cannot be read."""


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def _power(base: float, exponent: float) -> float:
    """Python's refuses what in C is infinite: powers that are too large, and negative ones of 0."""
    is_negative = math.copysign(1, base) < 0 and math.fmod(exponent, 2) in (1, -1)
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if is_negative else math.inf
    except ValueError:
        if base:
            raise
        return -math.inf if is_negative else math.inf


def _log(of: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: of(value) if value else -math.inf


_OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "||": lambda left, right: bool(left) or bool(right),
    "&&": lambda left, right: bool(left) and bool(right),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
}
_UNARY: Mapping[str, Callable[[float], float]] = {"-": operator.neg, "+": operator.pos, "!": operator.not_}
_ONE_ARGUMENT: Mapping[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "abs": abs,
    "degrad": math.radians,
    "raddeg": math.degrees,
    "floor": lambda value: math.copysign(math.floor(value), value) if math.isfinite(value) else value,
    "log": _log(math.log),
    "log10": _log(math.log10),
    "exp": math.exp,
    "sqrt": math.sqrt,
}
_TWO_ARGUMENTS: Mapping[str, Callable[[float, float], float]] = {"atan2": math.atan2, "pow": _power}


@dataclass(frozen=True)
class Expression:
    """A compiled expression; `operands` are the names in it, in the order in which they stand there."""

    operands: tuple[str, ...]
    _step: _Step = field(repr=False)

    def value(self, values: Values) -> float:
        """The value, with a value for every operand."""
        return float(self._step(values))


def compile_expression(text: str) -> Expression:
    """Read an expression; raises ExpressionError, which shows where it stops making sense."""
    reader = _Reader(text)
    if not text.strip():
        raise ExpressionError("Compile err: Null program")
    step = reader.level(0)
    if reader.kind:
        problem = "Too many right parens" if reader.token == ")" else "Operator expected"
        raise reader.error(problem)
    return Expression(tuple(reader.operands), step)


class _Reader:
    """Reads from left to right, one token ahead: `kind` and `token` are that one's, "" at the end."""

    def __init__(self, text: str) -> None:
        self.kind = self.token = ""
        self.operands: dict[str, None] = {}
        self._text = text.rstrip()
        self._begin = self._end = 0
        self._depth = 0
        self._advance()

    def error(self, problem: str) -> ExpressionError:
        """An error at the present token."""
        return ExpressionError(f"Compile err: {problem} near `{self._text[self._begin :].strip()}'")

    def level(self, number: int) -> _Step:
        """An expression of operators of this level and tighter ones."""
        if number == len(_LEVELS):
            return self._unary()
        first = self.level(number + 1)
        others = []
        while self.token in _LEVELS[number]:
            others.append((_OPERATORS[self._take()], self.level(number + 1)))
        return _chain(first, others) if others else first

    def _unary(self) -> _Step:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self.error("Nested too deeply")
        step = _call(_UNARY[self._take()], self._unary()) if self.token in _UNARY else self._primary()
        self._depth -= 1
        return step

    def _primary(self) -> _Step:
        if self.kind == "number":
            return _constant(float(self._take()))
        if self.kind == "operand":
            return self._operand()
        if self.kind == "name":
            return self._function()
        if self.token != "(":
            raise self.error("Null expression" if self.token == ")" else "Term or factor expected")
        self._take()
        step = self.level(0)
        self._expect(")", "Unmatched left paren")
        return step

    def _operand(self) -> _Step:
        name = self.token.strip('"')
        parts = name.split(".")
        if len(parts) != 3 or not all(parts):
            raise self.error("Bad field")
        self._take()
        self.operands[name] = None
        return operator.itemgetter(name)

    def _function(self) -> _Step:
        name = self.token
        if name == "pi":
            self._take()
            return _constant(math.pi)
        if name not in _ONE_ARGUMENT and name not in _TWO_ARGUMENTS:
            raise self.error("Bad function")
        self._take()
        self._expect("(", "expecting '(' after function")
        first = self.level(0)
        if name in _ONE_ARGUMENT:
            self._expect(")", "1-arg function arglist error")
            return _call(_ONE_ARGUMENT[name], first)
        self._expect(",", "1st of 2-arg function arglist error")
        second = self.level(0)
        self._expect(")", "2nd of 2-arg function arglist error")
        return _chain(first, [(_TWO_ARGUMENTS[name], second)])

    def _expect(self, token: str, problem: str) -> None:
        if self.token != token:
            raise self.error(problem)
        self._take()

    def _take(self) -> str:
        taken = self.token
        self._advance()
        return taken

    def _advance(self) -> None:
        self._begin = self._end
        found = _TOKEN.match(self._text, self._end)
        if found is not None:
            self._end = found.end()
            self.kind, self.token = found.lastgroup or "", found[found.lastgroup or 0]
        elif self._begin == len(self._text):
            self.kind = self.token = ""
        else:
            rest = self._text[self._begin :].lstrip()
            raise self.error(
                "Bad field" if rest[0] == '"' else "Illegal operator" if rest[0] in "=&|" else "Syntax error"
            )


def _constant(value: float) -> _Step:
    return lambda values: value


def _chain(first: _Step, others: Sequence[tuple[Callable[[float, float], float], _Step]]) -> _Step:
    def step(values: Values) -> float:
        value = first(values)
        for function, other in others:
            value = _as_in_c(function, value, other(values))
        return value

    return step


def _call(function: Callable[[float], float], argument: _Step) -> _Step:
    return lambda values: _as_in_c(function, argument(values))


def _as_in_c(function: Callable[..., float], *arguments: float) -> float:
    try:
        return function(*arguments)
    except ValueError:  # outside of the function's domain
        return math.nan
    except OverflowError:
        return math.inf
