"""A driver that prints where INDI would be harmed by it: while it is imported, made and used."""

from __future__ import annotations

from indigevent.driver import Device, Text, TextVector, Wanted

TOO_MUCH = "<defTextVector device='Talkative' name='PRINTED'>" * 2
print(TOO_MUCH, flush=True)


class Talkative(Device):
    """The driver."""

    name = "Talkative"
    has_connection = False
    echo = TextVector("ECHO", Text("TEXT"))

    def __init__(self) -> None:
        super().__init__()
        print(TOO_MUCH, flush=True)

    @echo.on_new
    def say(self, wanted: Wanted) -> None:
        print(TOO_MUCH, flush=True)
