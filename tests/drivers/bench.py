"""A device with a property for everything that the framework promises, which tests drive as clients."""

from __future__ import annotations

import hashlib
import os
import socket
from typing import Any

from indigevent.driver import (
    BLOB,
    Blob,
    BLOBVector,
    Device,
    Light,
    LightVector,
    Number,
    NumberVector,
    Permission,
    PropertyState,
    Refused,
    Switch,
    SwitchVector,
    Text,
    TextVector,
    Wanted,
    debug,
    run,
    simulation,
)

PICTURE = bytes(range(256)) * 40


def numbers(name: str, *elements: str, **options: Any) -> NumberVector:
    return NumberVector(name, *(Number(each) for each in elements), **options)


def switches(name: str, *elements: str, **options: Any) -> SwitchVector:
    return SwitchVector(name, *(Switch(each) for each in elements), **options)


class Bench(Device):
    """The device under test."""

    name = "Bench"
    version = "2.5"
    sockets: Any = socket

    words = TextVector(
        "WORDS",
        Text("FIRST", "First word", "eins & <zwei>"),
        Text("SECOND", value="°ü"),
        label="Some words",
        group="Texts",
        timeout=5,
        state=PropertyState.OK,
    )
    place = NumberVector(
        "PLACE",
        Number("RA", "Right ascension", 5.5, format="%010.6m", min=0, max=24, step=0.5),
        Number("DEC", "Declination", -10.25, format="%8.3f", min=-90, max=90, step=0.1),
        Number("FREE"),
        group="Numbers",
    )
    mode = SwitchVector("MODE", Switch("A", value=True), Switch("B"), Switch("C"), label="One of many")
    at_most = switches("AT_MOST", "X", "Y", rule="AtMostOne")
    any_of = switches("ANY_OF", "P", "Q", rule="AnyOfMany")
    push = switches("PUSH", "GO", "STOP", rule="AtMostOne", momentary=True)
    lamps = LightVector("LAMPS", *(Light(each.name, value=each) for each in PropertyState), state=PropertyState.BUSY)
    image = BLOBVector("IMAGE", BLOB("CCD1", "Picture"), BLOB("CCD2"), perm="ro")
    upload = BLOBVector("UPLOAD", BLOB("DATA"), perm="wo")
    uploaded = TextVector("UPLOADED", Text("FORMAT"), Text("SHA1"), Text("BYTES"), perm="ro")
    fixed = numbers("FIXED", "VALUE", perm=Permission.READ_ONLY)
    unchecked = NumberVector("UNCHECKED", Number("VALUE", min=0, max=1), checked=False)
    limited = numbers("LIMITED", "VALUE")
    width = NumberVector("WIDTH", Number("MAX", value=10, min=1, max=100), Number("VALUE", min=0, max=10))
    slow = TextVector("SLOW", Text("PATH"))
    extra_switch = switches("EXTRA_SWITCH", "DEFINE", "DELETE", rule="AtMostOne", momentary=True)
    say = TextVector("SAY", Text("TEXT"))
    shoot = switches("SHOOT", "BYTES", "PATH", "FILE", "COMPRESSED", "TWO", "MISSING", rule="AtMostOne", momentary=True)
    file = TextVector("FILE", Text("PATH"))
    site = NumberVector("SITE", Number("LAT", value=48.0), Number("LONG", value=11.0), saved=True)
    labels = TextVector("LABELS", Text("ONE", value="first"), saved=True)
    trouble = switches("TROUBLE", "CONNECT", "DISCONNECT", rule="AnyOfMany", always=True)
    left = numbers("LEFT", "TIMES", perm="ro", always=True)
    debug = debug()
    simulation = simulation()

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.extra = numbers("EXTRA", "VALUE", label="Made at run time")
        self.handlers["EXTRA"] = self.set_extra

    def connect(self) -> None:
        if self.trouble["CONNECT"]:
            raise OSError("nobody answers on the line")

    def disconnect(self) -> None:
        self.left.set(TIMES=self.left["TIMES"] + 1)
        if self.trouble["DISCONNECT"]:
            raise OSError("the line is broken")

    @words.on_new
    def set_words(self, wanted: Wanted) -> None:
        self.words.set(FIRST=wanted["FIRST"].upper(), message=f"{','.join(wanted.named)} of {wanted['SECOND']}")

    @place.on_new
    def go(self, wanted: Wanted) -> None:
        self.place.set(RA=wanted["RA"], state=PropertyState.BUSY, message=f"to {self.place.formatted('DEC').strip()}")
        self.place.set(dict(wanted))

    @push.on_new
    def pushed(self, wanted: Wanted) -> None:
        self.message(f"{wanted.on} pushed")

    @mode.on_new
    def set_mode(self, wanted: Wanted) -> None:
        self.log.debug("mode %s was %s", wanted.on, self.mode.on)

    @limited.on_new
    def refuse(self, wanted: Wanted) -> None:
        if wanted["VALUE"] == 13:
            raise ValueError("thirteen")
        if wanted["VALUE"] == 14:
            self.limited.set(NOBODY=1.0)
        if wanted["VALUE"] > 5:
            raise Refused(f"{wanted['VALUE']:g} is too much for me.")

    @width.on_new
    def set_width(self, wanted: Wanted) -> None:
        self.width.set_range("VALUE", 0, wanted["MAX"], 0)
        self.width.set(dict(wanted))

    @slow.on_new
    def be_slow(self, wanted: Wanted) -> None:
        """Block until whoever listens at the path hangs up."""
        with self.sockets.socket(socket.AF_UNIX) as line:
            line.connect(wanted["PATH"])
            line.recv(1)

    @extra_switch.on_new
    def change_extra(self, wanted: Wanted) -> None:
        if wanted["DEFINE"]:
            self.define(self.extra)
        else:
            self.delete(self.extra, message="Not needed any more.")

    def set_extra(self, wanted: Wanted) -> None:
        self.extra.set(VALUE=2 * wanted["VALUE"])

    @say.on_new
    def speak(self, wanted: Wanted) -> None:
        print("<setTextVector device='nobody'>", flush=True)
        self.message(wanted["TEXT"])

    @shoot.on_new
    def send(self, wanted: Wanted) -> None:
        path = self.file["PATH"]
        if wanted["BYTES"]:
            self.image.send_blobs(CCD1=Blob(PICTURE, ".bin"), message="Here it is.")
        elif wanted["PATH"]:
            self.image.send_blobs(CCD1=path)
        elif wanted["FILE"]:
            with open(path, "rb") as opened:
                self.image.send_blobs(CCD1=Blob(opened), state=PropertyState.BUSY)
        elif wanted["COMPRESSED"]:
            self.image.send_blobs(CCD1=Blob(PICTURE, ".bin", compress=True))
        elif wanted["TWO"]:
            self.image.send_blobs({"CCD1": Blob(PICTURE, ".bin"), "CCD2": Blob(b"small", ".txt")})
        else:
            self.image.send_blobs(CCD1=os.path.join(path, "nothing"))

    @upload.on_new
    def take(self, wanted: Wanted) -> None:
        blob = wanted["DATA"]
        self.uploaded.set(FORMAT=blob.format, SHA1=hashlib.sha1(blob.data).hexdigest(), BYTES=str(len(blob.data)))


if __name__ == "__main__":
    run(Bench)
