"""How many lines of the log others may cause: who comes again and again could fill the disk with warnings."""

from __future__ import annotations

import time
from dataclasses import dataclass

from indigevent.logs import log

_MAX_LINES = 30
_PERIOD_S = 60.0
_MAX_REMEMBERED = 1000
_OTHERS = "Many others"


@dataclass
class _Period:
    """A minute, and the lines in it."""

    began_s: float
    lines: int = 0


class Lines:
    """Warnings of which everybody may cause 30 in a minute; what comes then happens, and is counted, without a line."""

    def __init__(self) -> None:
        self._periods: dict[str, _Period] = {}

    def warn(self, cause: str, form: str, *arguments: object) -> None:
        """Log a warning, or the last one for a minute.

        Arguments:
            cause: who has caused it, as a line begins with it, such as `Clients from 10.0.0.7`.
            form, arguments: as for `log.warning`.
        """
        now_s = time.monotonic()
        if cause not in self._periods and len(self._periods) >= _MAX_REMEMBERED:
            self._forget_old(now_s)
            cause = cause if len(self._periods) < _MAX_REMEMBERED else _OTHERS
        period = self._periods.setdefault(cause, _Period(now_s))
        if now_s - period.began_s >= _PERIOD_S:
            period = self._periods[cause] = _Period(now_s)
        period.lines += 1
        if period.lines <= _MAX_LINES:
            log.warning(form, *arguments)
        elif period.lines == _MAX_LINES + 1:
            log.warning("%s: there is no end of warnings about them; more are only counted for a minute", cause)

    def _forget_old(self, now_s: float) -> None:
        periods = self._periods.items()
        self._periods = {cause: period for cause, period in periods if now_s - period.began_s < _PERIOD_S}
