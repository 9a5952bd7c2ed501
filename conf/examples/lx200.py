#!/usr/bin/env python3
"""A telescope mount that speaks the LX200 protocol on a serial line, with pyserial in plain blocking style.

    pip install pyserial                (where indigevent is installed)
    indigevent ./lx200.py               (or under indiserver, which runs any executable)

Every call of `ask` waits for the mount, up to a second. That stops nobody else: a driver is a process or a thread of
its own, and clients that only want to know the properties are answered meanwhile.
"""

import serial

from indigevent.driver import (
    Device,
    Interface,
    Number,
    NumberVector,
    PropertyState,
    Refused,
    Switch,
    SwitchVector,
    Text,
    TextVector,
    every,
    format_number,
    parse_number,
    run,
)

TIMEOUT_S = 1.0
ARRIVED_HOURS, ARRIVED_DEGREES = 1 / 1800, 1 / 60


class LX200Mount(Device):
    """The mount: where it points, where to go, and how to stop it."""

    name = "LX200 Mount"
    version = "1.0"
    interface = Interface.TELESCOPE

    port = TextVector("DEVICE_PORT", Text("PORT", "Port", "/dev/ttyUSB0"), label="Ports", always=True, saved=True)
    action = SwitchVector(
        "ON_COORD_SET", Switch("TRACK", "Track", True), Switch("SYNC", "Sync"), label="On Set", group="Main Control"
    )
    position = NumberVector(
        "EQUATORIAL_EOD_COORD",
        Number("RA", "RA (hh:mm:ss)", format="%010.6m", min=0, max=24),
        Number("DEC", "DEC (dd:mm:ss)", format="%010.6m", min=-90, max=90),
        label="Eq. Coordinates",
        timeout=60,
    )
    abort = SwitchVector(
        "TELESCOPE_ABORT_MOTION", Switch("ABORT", "Abort"), rule="AtMostOne", momentary=True, label="Abort Motion"
    )

    def connect(self):
        """Open the line and see whether somebody answers; what is raised here, the client is told."""
        self.line = serial.Serial(self.port["PORT"], 9600, timeout=TIMEOUT_S)
        self.target = None
        self.read_position()

    def disconnect(self):
        """Close the line."""
        self.line.close()

    @position.on_new
    def go_or_sync(self, wanted):
        """Set the mount's target, then go there, or believe that it is there already."""
        ra, dec = format_number(wanted["RA"], "%9.6m").strip(), format_number(wanted["DEC"], "%9.6m").strip()
        if self.ask(f":Sr{ra}#", 1) != "1" or self.ask(f":Sd{dec.replace(':', '*', 1)}#", 1) != "1":
            raise Refused(f"The mount does not take {ra} {dec} for a target.")
        if self.action["SYNC"]:
            self.ask(":CM#")
            self.read_position()
        elif self.ask(":MS#", 1) != "0":
            raise Refused(f"The mount cannot go there: {self.ask('')}")
        else:
            self.target = (wanted["RA"], wanted["DEC"])
            self.position.set(state=PropertyState.BUSY, message=f"Going to {ra} {dec}.")

    @abort.on_new
    def stop(self, wanted):
        """LX200 answers nothing to :Q#."""
        self.line.write(b":Q#")
        self.target = None

    @every(0.5)
    def read_position(self):
        """Ask where it points, and tell the clients."""
        ra, dec = parse_number(self.ask(":GR#")), parse_number(self.ask(":GD#").replace("*", ":").replace("\xdf", ":"))
        if self.target and abs(ra - self.target[0]) < ARRIVED_HOURS and abs(dec - self.target[1]) < ARRIVED_DEGREES:
            self.target = None
        self.position.set(RA=ra, DEC=dec, state=PropertyState.BUSY if self.target else PropertyState.OK)

    def ask(self, command, count=0):
        """Send a command and return the answer: `count` characters, or all up to the next #."""
        self.line.write(command.encode("latin-1"))
        answer = self.line.read(count) if count else self.line.read_until(b"#")
        if not answer or not (count or answer.endswith(b"#")):
            raise OSError(f"the mount on {self.port['PORT']} does not answer {command}")
        return answer.decode("latin-1").rstrip("#")


if __name__ == "__main__":
    run(LX200Mount)
