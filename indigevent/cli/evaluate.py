"""The command `indigevent-eval`: an expression over properties, as a value, as an exit status, or to wait for.

As with indi_eval what `-e`, `-f` and `-o` print goes to stderr, and the exit status is 0 when the expression is true, 1
when it is 0 (and for a wrong command line), 2 for trouble; and 130 after Ctrl-C.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from datetime import datetime, timezone

from indigevent.errors import RemoteProtocolError
from indigevent.protocol.constants import PropertyState, SwitchState, VectorKind
from indigevent.protocol.message import Message
from indigevent.protocol.numbers import parse_number
from indigevent.tools.expression import Expression, compile_expression
from indigevent.tools.flags import Flags, Grammar, UsageError, as_text
from indigevent.tools.output import complain
from indigevent.tools.running import EXIT_TROUBLE, Tool
from indigevent.tools.session import Session
from indigevent.tools.told import Told, tell

_EXIT_FALSE = 1
_STATES = tuple(state.value for state in PropertyState)
_USAGE = """\
Usage: indigevent-eval [options] [expression]
Evaluate an expression of properties; exit 0 when it is true (not 0), 1 when it is 0, 2 in trouble, 130 after Ctrl-C.

  operators   || && == != < <= > >= + - * / ! ( )
  functions   sin cos tan asin acos atan atan2(y,x) abs degrad raddeg floor log log10 exp sqrt pow(x,y), and pi
  operands    "device.property.element", quotes included: numbers (12:30:00 is 12.5), switches (0 Off, 1 On), lights
              (0 Idle, 1 Ok, 2 Busy, 3 Alert); the element may be _STATE (0 to 3) or _TS (time in seconds since 1970)
  example     indigevent-eval -t 0 -w '"CCD Simulator.CCD_TEMPERATURE.CCD_TEMPERATURE_VALUE" < -9.5'

As in indi_eval, where -e, -f and -o print to stderr:
  -b       beep when it is true
  -d FD    use a descriptor that is open to the server
  -e       print the value each time that it is evaluated
  -f       print the final value
  -h HOST  the server's host, localhost by default
  -i       read the expression from stdin
  -o       print the operands as they come
  -p PORT  the server's port, 7624 by default
  -t S     wait at most so many seconds for values, 2 by default, 0 is forever
  -v       tell more (-vv: all that the server says)
  -w       wait until it is true
Beyond it:
  --json            print the value (with -e each) and the operands to stdout, an object per line
  --local PATH      connect to the server's local socket
  --tls             connect with TLS; --tls-ca FILE trusts other authorities than the system's,
                    --tls-certificate FILE and --tls-key FILE are shown to servers that ask for them
  --version, --help
"""
_GRAMMAR = Grammar("befiow", frozenset({"json"}))


class _Evaluation:
    """Follows the operands of an expression, and evaluates it when all are known."""

    def __init__(self, flags: Flags, text: str, expression: Expression) -> None:
        self._flags = flags
        self._text = text
        self._expression = expression
        self._values: dict[str, float] = {}
        self._result: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is a value, and a true one when that is waited for."""
        return self._result is not None and (bool(self._result) or not self._flags.has("w"))

    def evaluate(self) -> None:
        """Evaluate it, if all operands are known."""
        if len(self._values) < len(self._expression.operands):
            return
        self._result = self._expression.value(self._values)
        if self._flags.has("e"):
            self._print()

    def take(self, told: Told) -> bool:
        """Take in what is told; whether an operand was among it."""
        found = {name: value for name, value in _numbers(told) if name in self._expression.operands}
        self._values |= found
        if self._flags.has("o"):
            for name, value in found.items():
                complain(f"{name}={value:g}")
        if found:
            self.evaluate()
        return bool(found)

    def finish(self) -> int:
        """Tell the outcome; the exit status."""
        if not self.is_over:
            self._explain()
            return EXIT_TROUBLE
        if self._flags.has("b") and self._result:
            sys.stderr.write("\a")
        if not self._flags.has("e") and (self._flags.has("f") or self._flags.has("json")):
            self._print()
        return 0 if self._result else _EXIT_FALSE

    def _explain(self) -> None:
        missing = [name for name in self._expression.operands if name not in self._values]
        for name in missing:
            complain(f"No values seen for {name}")
        if not self._expression.operands:
            complain("The expression is 0 and has no operands, so that it stays 0")
        elif not missing:
            complain("Timed out waiting for new values")

    def _print(self) -> None:
        assert self._result is not None
        if not self._flags.has("json"):
            complain(f"{self._result:g}")
            return
        operands = {name: _finite(value) for name, value in self._values.items()}
        print(json.dumps({"expression": self._text, "value": _finite(self._result), "operands": operands}), flush=True)


def _work(flags: Flags) -> int:
    text = _expression_text(flags)
    if flags.verbosity:
        complain(f"Compiling: {text}")
    expression = compile_expression(text)
    evaluation = _Evaluation(flags, text, expression)
    if expression.operands:
        with Session(flags) as session:
            _follow(session, expression, evaluation)
    else:
        evaluation.evaluate()
    return evaluation.finish()


def _expression_text(flags: Flags) -> str:
    if len(flags.rest) > 1:
        raise UsageError("Only one expression is evaluated; quote it, so that the shell leaves it in one piece")
    if flags.rest:
        return flags.rest[0]
    return as_text(os.fsdecode(sys.stdin.buffer.read())) if flags.has("i") else ""


def _follow(session: Session, expression: Expression, evaluation: _Evaluation) -> None:
    for device in dict.fromkeys(name.split(".")[0] for name in expression.operands):
        session.get_properties(device)
        session.note(f"sending getProperties for {device}")
    deadline = session.deadline()
    while not evaluation.is_over and (received := session.receive(deadline)) is not None:
        assert isinstance(received, Message)
        told = tell(received)
        if told is not None and evaluation.take(told):
            deadline = session.deadline()


def _numbers(told: Told) -> Iterator[tuple[str, float]]:
    """All in a message that has a value in an expression, by its name."""
    place = f"{told.device}.{told.name}"
    for element, text in told.elements.items():
        if (value := _number(told.kind, text)) is not None:
            yield f"{place}.{element}", value
    state, timestamp = told.attributes.get("state"), told.attributes.get("timestamp")
    if state in _STATES:
        yield f"{place}._STATE", float(_STATES.index(state))
    if timestamp and (seconds := _seconds(timestamp)) is not None:
        yield f"{place}._TS", seconds


def _number(kind: VectorKind, text: str) -> float | None:
    if kind is VectorKind.SWITCH:
        return float(text == SwitchState.ON.value)
    if kind is VectorKind.LIGHT:
        return float(_STATES.index(text)) if text in _STATES else None
    if kind is not VectorKind.NUMBER:
        return None
    try:
        return parse_number(text)
    except RemoteProtocolError:
        return None


def _seconds(timestamp: str) -> float | None:
    """INDI's times are UTC (INDI 1.7); the reference reads them as local ones."""
    whole, _, fraction = timestamp.removesuffix("Z").partition(".")
    try:
        seconds = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp()
        return seconds + float(f"0.{fraction or 0}")
    except ValueError:
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


main = Tool("indigevent-eval", _USAGE, _GRAMMAR, _work, usage_status=1).main


if __name__ == "__main__":
    sys.exit(main())
