"""Devices with which something is wrong, or that are hard to end."""

from __future__ import annotations

import os
import time

from indigevent.driver import Device, Switch, SwitchVector, Text, TextVector, Wanted


def note(text: str) -> None:
    """Write a line to stderr, at once and whatever the state of Python."""
    os.write(2, f"{text}\n".encode())


class Sleeper(Device):
    """Says when it leaves its hardware; may sleep in a handler, also too deeply to be woken."""

    name = "Sleeper"
    has_connection = False
    sleep = SwitchVector("SLEEP", Switch("LIGHT"), Switch("DEEP"), rule="AtMostOne", momentary=True)
    echo = TextVector("ECHO", Text("TEXT"))

    def disconnect(self) -> None:
        note("left")

    @sleep.on_new
    def fall_asleep(self, wanted: Wanted) -> None:
        note("asleep")
        while True:
            try:
                time.sleep(60)
            except BaseException:
                if wanted["LIGHT"]:
                    raise


class Broken(Device):
    """Cannot even be made."""

    def __init__(self) -> None:
        super().__init__()
        raise RuntimeError("the vendor's library is missing")


class Unreachable(Device):
    """Needs hardware that is not there, and has no CONNECTION to say so."""

    name = "Unreachable"
    has_connection = False

    def connect(self) -> None:
        raise OSError("nobody answers on the line")

    def disconnect(self) -> None:
        note("left what was never reached")


class Forgetful(Device):
    """Its constructor does not call that of its base."""

    def __init__(self) -> None:
        self.name = "Forgetful"


class Secretive(Device):
    """Fails when it is asked what it has."""

    name = "Secretive"
    has_connection = False

    def answer(self, name: str) -> None:
        if name != "ECHO":
            raise ValueError("that is a secret")
        super().answer("")

    echo = TextVector("ECHO", Text("TEXT"))
