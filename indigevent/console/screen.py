"""Showing lines: printed once or again and again, and on a terminal drawn in place without flicker."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from indigevent.console.tables import Line
from indigevent.console.text import cut, visible

_STYLES = {"heading": "1", "alert": "1;31", "warning": "33", "faint": "2"}
_ENTER = "\x1b[?1049h\x1b[?25l"  # another screen, no cursor
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_REST_OF_LINE = "\x1b[K"
_REST_OF_SCREEN = "\x1b[J"
_SIGNAL_ENDED = 128
# What ends us; all but SIGTERM come from a terminal.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)

Draw = Callable[[], Sequence[Line]]


def has_colours(is_terminal: bool) -> bool:
    """Whether lines may stand out; NO_COLOR in the environment says no."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def written(line: Line, colours: bool) -> str:
    """The characters for a line."""
    text = visible(line.text)
    return f"\x1b[{_STYLES[line.style]}m{text}\x1b[0m" if colours and line.style else text


def show(lines: Sequence[Line]) -> None:
    """Print lines, whole ones."""
    colours = has_colours(sys.stdout.isatty())
    _write("".join(written(line, colours) + "\n" for line in lines))


def watch(draw: Draw, interval_s: float) -> None:
    """Show what `draw` returns, every `interval_s` seconds, until Ctrl-C or a signal ends it.

    Where stdout is no terminal, one block follows another.
    """
    if not sys.stdout.isatty():
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                show([*draw(), Line("")])
                select.select([], [], [], interval_s)
        return
    with _other_screen(), _resizes() as resized, contextlib.suppress(KeyboardInterrupt):
        while True:
            lines = draw()
            _redraw(lines)
            while _was_resized(resized, interval_s):
                _redraw(lines)


def fit(lines: Sequence[Line], columns: int, rows: int) -> list[Line]:
    """As many lines, and as much of each, as a terminal of this size has room for."""
    shown = list(lines)
    if len(shown) > rows:
        hidden = len(shown) - rows + 1
        shown = [*shown[: rows - 1], Line(f"… {hidden} more lines; a higher window shows them", "faint")]
    return [Line(cut(line.text, columns), line.style) for line in shown]


def _redraw(lines: Sequence[Line]) -> None:
    """In one write, over what is there: nothing is cleared first, so nothing flickers."""
    size = shutil.get_terminal_size()
    colours = has_colours(True)
    rows = (written(line, colours) + _REST_OF_LINE for line in fit(lines, size.columns, size.lines))
    _write(_HOME + "\r\n".join(rows) + _REST_OF_SCREEN)


def _write(text: str) -> None:
    """What the terminal's character set has not is replaced, not refused."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.buffer.write(text.encode(encoding, errors="replace"))
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def _other_screen() -> Iterator[None]:
    """Leave the terminal as it was, whatever ends or suspends us but SIGKILL and SIGSTOP."""
    handlers = {**dict.fromkeys(_ENDING, _end), signal.SIGTSTP: _suspend}
    heeded = [number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN]  # nohup ignores SIGHUP
    before = {number: signal.signal(number, handlers[number]) for number in heeded}
    try:
        _write(_ENTER)
        yield
    finally:
        _write(_LEAVE)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _resizes() -> Iterator[socket.socket]:
    """Give a socket that becomes readable when the window gets another size."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        handler = signal.signal(signal.SIGWINCH, lambda number, frame: None)
        previous = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(previous)
            signal.signal(signal.SIGWINCH, handler)


def _was_resized(resized: socket.socket, seconds: float) -> bool:
    ready, _, _ = select.select([resized], [], [], seconds)
    return bool(ready and resized.recv(4096))


def _end(number: int, _: FrameType | None) -> None:
    """The first one has the terminal restored; a second one must not come between."""
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(_SIGNAL_ENDED + number)


def _suspend(number: int, _: FrameType | None) -> None:
    """Ctrl-Z: the shell gets its screen back until it lets us go on; then all is drawn again, as after a resize.

    Nothing goes through the buffer here: it may be in use where the signal came.
    """
    terminal = sys.stdout.fileno()
    os.write(terminal, _LEAVE.encode())
    handler = signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.signal(number, handler)
    os.write(terminal, _ENTER.encode())
