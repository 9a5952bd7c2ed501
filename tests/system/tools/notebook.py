"""A driver that always tells the same, in every notation, and writes down what it is asked for.

Arguments: the file to write to. `Notebook` is to be looked at; `Sink` has one property of each kind to be set;
`Camera` sends BLOBs when its switch is turned on.
"""

from __future__ import annotations

import base64
import os
import sys
import zlib
from xml.etree import ElementTree

from indigevent.protocol.framing import Framer
from indigevent.protocol.message import Message

PIXELS = bytes(range(256)) * 20
_VECTOR = "device='Notebook' group='Notes' state='{}' perm='{}' timeout='60' timestamp='2026-01-02T03:04:05'"
_NUMBER = "format='%g' min='0' max='100' step='1'"
NOTEBOOK = f"""
<defNumberVector name='NUMBERS' label='All numbers' {_VECTOR.format("Ok", "rw")}>
 <defNumber name='DECIMAL' {_NUMBER}> 1.50 </defNumber><defNumber name='RA' format='%9.6m' min='0' max='24' step='0'>
-12:30:15.5
 </defNumber><defNumber name='SMALL' {_NUMBER}>1e-7</defNumber><defNumber name='NAN' {_NUMBER}>nan</defNumber>
</defNumberVector>
<defTextVector name='TEXTS' label='Texts' {_VECTOR.format("Idle", "ro")}><defText name='SPACES'>  two  words  </defText>
 <defText name='EMPTY'></defText><defText name='NONE'/><defText name='QUOTED'>a &lt;b&gt; &amp; "c" 'd' é</defText>
 <defText name='LINES'>first
second</defText><defText name='LONG'>{"0123456789" * 2000}</defText></defTextVector>
<defSwitchVector name='SWITCHES' rule='OneOfMany' {_VECTOR.format("Busy", "rw")}><defSwitch name='LEFT'>
On
</defSwitch><defSwitch name='RIGHT'>Off</defSwitch></defSwitchVector>
<defLightVector name='LIGHTS' {_VECTOR.format("Alert", "ro")}><defLight name='LAMP'>Busy</defLight></defLightVector>
<defTextVector name='SECRET' {_VECTOR.format("Idle", "wo")}><defText name='WORD'>hush</defText></defTextVector>
"""
SINK = """
<defNumberVector device='Sink' name='N' state='Ok' perm='rw'><defNumber name='a' format='%g' min='0' max='9' step='1'>1
</defNumber><defNumber name='b' format='%g' min='0' max='9' step='1'>2</defNumber></defNumberVector>
<defTextVector device='Sink' name='T' state='Ok' perm='wo'><defText name='t'>x</defText></defTextVector>
<defSwitchVector device='Sink' name='S' state='Ok' perm='rw' rule='AnyOfMany'><defSwitch name='s1'>On</defSwitch>
<defSwitch name='s2'>Off</defSwitch></defSwitchVector>
<defTextVector device='Sink' name='FIXED' state='Ok' perm='ro'><defText name='t'>x</defText></defTextVector>
<defLightVector device='Sink' name='L' state='Ok'><defLight name='l'>Ok</defLight></defLightVector>
"""
CAMERA = """
<defSwitchVector device='Camera' name='SHOOT' state='Idle' perm='rw' rule='AtMostOne'><defSwitch name='NOW'>Off
</defSwitch></defSwitchVector>
<defBLOBVector device='Camera' name='PICTURE' state='Idle' perm='ro'><defBLOB name='RAW'/><defBLOB name='PACKED'/>
</defBLOBVector>
"""
DEVICES = {"Notebook": NOTEBOOK, "Sink": SINK, "Camera": CAMERA}


def answer(message: Message) -> str:
    """What the driver says to a message."""
    if message.tag == "getProperties":
        return "".join(text for device, text in DEVICES.items() if message.device in ("", device))
    if message.device == "Camera" and message.name == "SHOOT":
        return picture()
    if message.device == "Sink" and message.tag == "newNumberVector":
        ones = "".join(f"<oneNumber name='{each.get('name')}'>{each.text}</oneNumber>" for each in root(message))
        return f"<setNumberVector device='Sink' name='{message.name}' state='Busy'>{ones}</setNumberVector>"
    return ""


def picture() -> str:
    """The camera's BLOBs, one of them compressed, after its switch."""
    raw, packed = (base64.b64encode(data).decode() for data in (PIXELS, zlib.compress(PIXELS)))
    size = len(PIXELS)
    ones = (
        f"<oneBLOB name='RAW' size='{size}' format='.raw'>{raw}</oneBLOB>"
        f"<oneBLOB name='PACKED' size='{size}' format='.bin.z'>{packed}</oneBLOB>"
    )
    return f"<setBLOBVector device='Camera' name='PICTURE' state='Ok'>{ones}</setBLOBVector>"


def root(message: Message) -> ElementTree.Element:
    """A message's tree."""
    return ElementTree.fromstring(message.data)


def note(message: Message) -> str:
    """A line about a command."""
    ones = ";".join(f"{each.tag} {each.get('name')}={(each.text or '').strip()}" for each in root(message))
    return f"{message.tag} {message.device}.{message.name} {ones}\n"


def main() -> None:
    """Serve until stdin ends."""
    framer = Framer()
    with open(sys.argv[1], "a", encoding="utf-8") as notes:
        while data := os.read(0, 65536):
            for message in framer.feed(data):
                if message.tag.startswith("new"):
                    notes.write(note(message))
                    notes.flush()
                sys.stdout.buffer.write(answer(message).encode())
                sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
