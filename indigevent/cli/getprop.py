"""The command `indigevent-getprop`: print properties as indi_getprop does, and more where that ends.

Exit statuses are the reference's: 0 every query was answered, 1 one was not, 2 trouble; and 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from indigevent.errors import ClientError
from indigevent.protocol.constants import BlobMode, Permission, VectorKind
from indigevent.protocol.message import BlobMessage, Message
from indigevent.protocol.requests import enable_blob
from indigevent.tools.blobs import Folder
from indigevent.tools.board import Board
from indigevent.tools.flags import Flags, Grammar
from indigevent.tools.output import Output, complain, is_terminal, visible
from indigevent.tools.progress import Progress
from indigevent.tools.queries import Query, only_device, parse_query
from indigevent.tools.running import Tool
from indigevent.tools.session import Session
from indigevent.tools.told import Told, tell

_EXIT_UNANSWERED = 1
_USAGE = """\
Usage: indigevent-getprop [options] [device.property.element ...]
Print properties of an INDI server, one device.property.element=value per line.

Any of the three may be "*"; without queries everything is printed. BLOBs are saved in files named
device.property.element.format. Instead of an element: _LABEL, _GROUP, _STATE, _PERM, _TO (timeout) or _TS (time).

As in indi_getprop:
  -1       print the value alone, when there is one query without "*"
  -d FD    use a descriptor that is open to the server
  -h HOST  the server's host, localhost by default
  -m       go on printing what changes
  -p PORT  the server's port, 7624 by default
  -t S     wait at most so many seconds, 2 by default, 0 is forever
  -v       tell more (-vv: all that the server says)
  -w       print write-only properties too
Beyond it:
  --json            an object per line, with numbers as numbers
  --watch           show all values on one screen, or print changes into a pipe, until Ctrl-C
  --blob DIR        save BLOBs in this folder, never over each other, print where; progress bars on a terminal
  --local PATH      connect to the server's local socket
  --tls             connect with TLS; --tls-ca FILE trusts other authorities than the system's,
                    --tls-certificate FILE and --tls-key FILE are shown to servers that ask for them
  --completion SH   print what bash or zsh has to read for completion: source <(indigevent-getprop --completion bash)
  --version, --help
Exit status:
  0 every query was answered, 1 one was not, 2 trouble, 130 Ctrl-C
"""
_GRAMMAR = Grammar("1mw", frozenset({"json", "watch"}), {"blob": "folder"})


class _Search:
    """Prints what answers the queries, until all are answered or the time is over."""

    def __init__(
        self, flags: Flags, queries: Sequence[Query], session: Session, folder: Folder, board: Board | None
    ) -> None:
        self._flags = flags
        self._queries = queries
        self._session = session
        self._board = board
        self._is_single = len(queries) == 1 and queries[0].is_exact
        self._is_monitor = flags.has("m") or flags.has("watch")
        self._output = Output(flags.has("1") and self._is_single, flags.has("json"))
        self._names_files = "blob" in flags.values or flags.has("json")
        self._folder = folder
        self._subscribed: set[tuple[str, str]] = set()
        self._shows_bar = "blob" in flags.values and board is None and is_terminal(sys.stderr)
        self._has_bar = False
        self._deadline: float | None = None

    def run(self) -> None:
        """Ask, and print the answers."""
        device = only_device([query.device for query in self._queries])
        self._session.get_properties(device)
        self._session.note(f"Queried properties from {device}")
        self._extend()
        try:
            self._follow()
        finally:
            self._clear_bar()

    def _follow(self) -> None:
        while not self._is_complete() and (received := self._session.receive(self._deadline)) is not None:
            if isinstance(received, Progress):
                self._extend()  # what comes is worth waiting for
                self._show(received)
            else:
                self._take(received)
            if not self._session.is_waiting() or (self._board and self._board.is_due):
                self._output.flush()
                self._draw()

    def _is_complete(self) -> bool:
        return not self._is_monitor and all(query.is_exact and query.is_answered for query in self._queries)

    def _extend(self) -> None:
        self._deadline = None if self._flags.has("watch") else self._session.deadline()

    def _take(self, message: Message) -> None:
        if message.tag == "delProperty" and self._board:
            self._board.delete(message.device, message.name)
        told = tell(message)
        asked = [query for query in self._queries if told is not None and query.concerns(told)]
        if told is None or not asked:
            return
        if told.is_definition:
            self._take_definition(told, asked)
        elif told.kind is VectorKind.BLOB or self._is_monitor:
            self._answer(told, asked)

    def _take_definition(self, told: Told, asked: Sequence[Query]) -> None:
        if not self._is_single:
            self._extend()
        if told.attributes.get("perm") == Permission.WRITE_ONLY.value and not self._flags.has("w"):
            return
        place = (told.device, told.name)
        if told.kind is VectorKind.BLOB and place not in self._subscribed:
            self._subscribed.add(place)
            self._session.note(f"sending enableBLOB {told.device}.{told.name}")
            self._session.ask(enable_blob(*place, BlobMode.ALSO.value))
        self._answer(told, asked)

    def _answer(self, told: Told, asked: Sequence[Query]) -> None:
        if told.blobs is not None:
            self._save(told, asked)
        for query in asked:
            for element, text in query.answers(told):
                query.is_answered = True
                (self._board or self._output).value(told, element, text)

    def _save(self, told: Told, asked: Sequence[Query]) -> None:
        assert told.blobs is not None
        self._clear_bar()
        try:
            self._save_all(told, told.blobs, asked)
        except ClientError as error:
            if not self._is_monitor:
                raise
            complain(str(error))

    def _save_all(self, told: Told, message: BlobMessage, asked: Sequence[Query]) -> None:
        for saved in self._folder.save(message, lambda name: any(query.wants(name) for query in asked)):
            for query in asked:
                query.is_answered = query.is_answered or query.wants(saved.element)
            self._session.note(f"Wrote {saved.path}")
            if self._board:
                self._board.value(told, saved.element, str(saved.path))
            elif self._names_files:
                self._output.blob(told, saved)

    def _draw(self) -> None:
        """The board is drawn as often as somebody can read, with what has come until then."""
        board = self._board
        if board is None:
            return
        while not board.is_due and (received := self._session.receive(board.next_drawing)) is not None:
            if isinstance(received, Message):
                self._take(received)
        board.draw()

    def _show(self, progress: Progress) -> None:
        if not self._shows_bar:
            return
        self._has_bar = True
        sys.stderr.write(f"\r{visible(progress.line())}\x1b[K")
        sys.stderr.flush()

    def _clear_bar(self) -> None:
        if self._has_bar:
            self._has_bar = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _work(flags: Flags) -> int:
    queries = [parse_query(word) for word in flags.rest] or [Query("*", "*", "*")]
    if flags.verbosity:
        complain("\n".join(f"looking for {query}" for query in queries))
    board = Board() if flags.has("watch") and not flags.has("json") and is_terminal(sys.stdout) else None
    folder = Folder(Path(flags.values.get("blob", "")), keeps="blob" in flags.values)
    with Session(flags, folder.path) as session, board or nullcontext():
        _Search(flags, queries, session, folder, board).run()
    unanswered = [query for query in queries if not query.is_answered]
    for query in unanswered:
        complain(f"No {query} from {flags.server}")
    return _EXIT_UNANSWERED if unanswered else 0


main = Tool("indigevent-getprop", _USAGE, _GRAMMAR, _work).main


if __name__ == "__main__":
    sys.exit(main())
