"""The command `indigevent-setprop`: set properties as indi_setprop does.

Exit statuses are the reference's: 0 all were sent, 1 one could not be, 2 trouble; and 130 after Ctrl-C. That a driver
has done what it was asked for is not waited for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from indigevent.protocol.constants import Permission, VectorKind
from indigevent.protocol.message import Message
from indigevent.tools.assignments import TYPE_LETTERS, Assignment, parse_assignments
from indigevent.tools.flags import Flags, Grammar
from indigevent.tools.output import complain
from indigevent.tools.queries import only_device
from indigevent.tools.running import Tool
from indigevent.tools.session import Session
from indigevent.tools.told import Told, tell

_EXIT_INVALID = 1
_USAGE = """\
Usage: indigevent-setprop [options] {[type] spec} ...
Set properties of an INDI server. A spec is
  device.property.e1[;e2...]=v1[;v2...]   or   device.property.e1=v1[;e2=v2...]

Numbers may be sexagesimal, switches are On or Off. A spec with its type before it is sent without looking whether there
is such a property, which is quicker:
  -x text, -n number, -s switch

As in indi_setprop:
  -d FD    use a descriptor that is open to the server
  -h HOST  the server's host, localhost by default
  -p PORT  the server's port, 7624 by default
  -t S     wait at most so many seconds for a definition, 2 by default, 0 is forever
  -v       tell more (-vv: all that the server says)
Beyond it:
  --local PATH      connect to the server's local socket
  --tls             connect with TLS; --tls-ca FILE trusts other authorities than the system's,
                    --tls-certificate FILE and --tls-key FILE are shown to servers that ask for them
  --completion SH   print what bash or zsh has to read for completion: source <(indigevent-setprop --completion bash)
  --version, --help
Exit status:
  0 everything was sent, 1 something could not be set, 2 trouble, 130 Ctrl-C
"""
_GRAMMAR = Grammar(TYPE_LETTERS, last=TYPE_LETTERS)


class _Setter:
    """Sends assignments: those with a type at once, the others when their properties are defined."""

    def __init__(self, session: Session, server: str) -> None:
        self._session = session
        self._server = server
        self._known: dict[str, Told] = {}
        self._open: list[Assignment] = []
        self._devices: set[str] = set()
        self.has_failed = False

    def run(self, assignments: Sequence[Assignment]) -> None:
        """Send all of them; what cannot be sent is told."""
        for assignment in assignments:
            if assignment.kind is None:
                self._open.append(assignment)
            else:
                self._send(assignment, assignment.kind)
        if self._open:
            self._wait()
        for assignment in self._open:
            self._miss(assignment)
        if self._devices:
            self._session.finish_sending(self._devices)

    def _wait(self) -> None:
        self._session.note("Querying for properties")
        self._session.get_properties(only_device([assignment.device for assignment in self._open]))
        deadline = self._session.deadline()
        while self._open and (received := self._session.receive(deadline)) is not None:
            assert isinstance(received, Message)
            told = tell(received)
            if told is not None and told.is_definition:
                deadline = self._session.deadline()
                self._take(told)

    def _take(self, told: Told) -> None:
        self._known[f"{told.device}.{told.name}"] = told
        place = (told.device, told.name)
        for assignment in [each for each in self._open if (each.device, each.name) == place]:
            if told.attributes.get("perm") == Permission.READ_ONLY.value and told.kind is not VectorKind.BLOB:
                self._refuse(assignment, f"{assignment.place} is read-only")
            elif not assignment.missing(told):
                self._check(assignment, told.kind)

    def _check(self, assignment: Assignment, kind: VectorKind) -> None:
        mistake = assignment.mistake(kind)
        if mistake:
            self._refuse(assignment, mistake)
        else:
            self._open.remove(assignment)
            self._send(assignment, kind)

    def _send(self, assignment: Assignment, kind: VectorKind) -> None:
        self._session.send(assignment.message(kind))
        self._devices.add(assignment.device)
        for element, value in assignment.values:
            self._session.note(f"  {assignment.place}.{element} <- {value}")

    def _refuse(self, assignment: Assignment, sentence: str) -> None:
        self._open.remove(assignment)
        self.has_failed = True
        complain(sentence)

    def _miss(self, assignment: Assignment) -> None:
        self.has_failed = True
        for element in assignment.missing(self._known.get(assignment.place)):
            complain(f"No {assignment.place}.{element} from {self._server}")


def _work(flags: Flags) -> int:
    letters = [letter for letter in flags.given if letter in TYPE_LETTERS]
    assignments = parse_assignments(letters, flags.rest)
    with Session(flags) as session:
        setter = _Setter(session, flags.server)
        setter.run(assignments)
    return _EXIT_INVALID if setter.has_failed else 0


main = Tool("indigevent-setprop", _USAGE, _GRAMMAR, _work).main


if __name__ == "__main__":
    sys.exit(main())
