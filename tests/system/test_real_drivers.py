"""Debian's simulators through the candidate and through the reference: same names, same values, same FITS headers.

Values and header cards are compared where two runs of the reference agree with each other.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.client import ScriptedClient
from tests.lab.fits import read_header, size_from_header
from tests.lab.lab import Lab
from tests.lab.messages import Message
from tests.lab.server import REFERENCE, Server
from tests.lab.tools import properties, setprop, start_getprop
from tests.lab.vocabulary import EVERYTHING, enable_blob

from .conftest import candidate_kind

SIMULATORS = tuple(
    f"indi_simulator_{kind}" for kind in ("telescope", "ccd", "focus", "wheel", "dome", "guide", "weather", "gps")
)
ALL = "all together"
GROUPS = {name: (name,) for name in SIMULATORS} | {ALL: SIMULATORS}
TELESCOPE, CCD = "Telescope Simulator", "CCD Simulator"
EXPOSURES = 100
STABLE_SHARE = 0.8
POSITION_CARDS = ("RA", "DEC", "OBJCTRA", "OBJCTDEC", "AIRMASS")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("indiserver", "indi_getprop", *SIMULATORS))), reason="indi-bin is not installed"
)
Properties = dict[str, str]


@dataclass
class Runs:
    """What two runs of the reference and one of the candidate gave."""

    reference: dict[str, str]
    again: dict[str, str]
    candidate: dict[str, str]

    def check(self, at_least: float) -> None:
        """Assert that names agree, and values where the reference agrees with itself, on this share or more."""
        stable = {name: value for name, value in self.reference.items() if self.again.get(name) == value}
        assert set(self.candidate) == set(self.reference)
        assert len(stable) >= at_least * len(self.reference)
        assert {name: self.candidate[name] for name in stable} == stable


def serve(lab: Lab, *drivers: str) -> Server:
    """Start simulators with a home folder of their own, where no settings of other runs lie."""
    home = lab.folder / f"home{len(lab.servers)}"
    home.mkdir()
    server = lab.launch(*drivers, HOME=str(home))
    server.wait_until_listening()
    return server


def watcher(lab: Lab, server: Server, devices: int) -> ScriptedClient:
    """Connect a client and wait until so many devices have introduced themselves."""
    client = lab.client(server, f"watcher of {server.name}", EVERYTHING)

    def introduced() -> bool:
        return len({m.attributes["device"] for m in client.inbox if m.tag.startswith("def")}) >= devices

    lab.pump.wait(introduced, f"{devices} devices appear at {server.name}")
    return client


def all_properties(kind: str, folder: Path) -> dict[str, Properties]:
    """Return what indi_getprop shows of each simulator alone and of all together."""
    lab = Lab(kind, folder)
    try:
        servers = {name: serve(lab, *drivers) for name, drivers in GROUPS.items()}
        for name, server in servers.items():
            watcher(lab, server, len(GROUPS[name]))
        started = {name: start_getprop(server) for name, server in servers.items()}
        return {name: properties(getprop) for name, getprop in started.items()}
    finally:
        lab.close()


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runs]:
    """Give the properties of every group in two runs of the reference and one of the candidate."""
    kinds = (REFERENCE, REFERENCE, candidate_kind())
    first, again, ours = (all_properties(kind, tmp_path_factory.mktemp("listed")) for kind in kinds)
    return {name: Runs(first[name], again[name], ours[name]) for name in GROUPS}


@pytest.mark.parametrize("group", GROUPS)
def test_same_properties(group: str, listed: dict[str, Runs]) -> None:
    listed[group].check(at_least=STABLE_SHARE)


class Observatory:
    """A telescope and a camera, controlled by indi_setprop, with a TCP and a local client that receive pictures."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.server = serve(self.lab, "indi_simulator_telescope", "indi_simulator_ccd")
        self.tcp = watcher(self.lab, self.server, 2)
        self.local = self.lab.local_client(self.server, "local", EVERYTHING, enable_blob("Also"))
        self.tcp.send(enable_blob("Also"))
        for device in (TELESCOPE, CCD):
            setprop(self.server, f"{device}.CONNECTION.CONNECT=On")
            self.tcp.expect("setSwitchVector", device=device, name="CONNECTION", state="Ok")
        self.tcp.expect("defNumberVector", device=CCD, name="CCD_FRAME")
        setprop(self.server, f"{CCD}.POLLING_PERIOD.PERIOD_MS=10", f"{TELESCOPE}.POLLING_PERIOD.PERIOD_MS=10")
        setprop(self.server, f"{CCD}.CCD_FRAME.X;Y;WIDTH;HEIGHT=0;0;64;32")
        self.tcp.expect("setNumberVector", device=CCD, name="CCD_FRAME")

    def point(self, way: str, hours: float, degrees: float) -> Message:
        """Point the telescope (`SYNC` or `TRACK`); return the message that says it is there."""
        setprop(self.server, f"{TELESCOPE}.TELESCOPE_PARK.UNPARK=On")
        setprop(self.server, f"{TELESCOPE}.ON_COORD_SET.{way}=On")
        self.tcp.expect("setSwitchVector", device=TELESCOPE, name="ON_COORD_SET")
        setprop(self.server, f"{TELESCOPE}.EQUATORIAL_EOD_COORD.RA;DEC={hours};{degrees}")
        if way == "TRACK":
            self.tcp.expect("setNumberVector", device=TELESCOPE, name="EQUATORIAL_EOD_COORD", state="Busy")
            return self.tcp.expect("setNumberVector", device=TELESCOPE, name="EQUATORIAL_EOD_COORD", state="Ok")
        return self.tcp.expect("setNumberVector", device=TELESCOPE, name="EQUATORIAL_EOD_COORD")

    def expose(self) -> tuple[bytes, bytes]:
        """Take a picture; return it as it came over TCP and over the local socket."""
        setprop(self.server, f"{CCD}.CCD_EXPOSURE.CCD_EXPOSURE_VALUE=0.01")
        return self.receive()

    def receive(self) -> tuple[bytes, bytes]:
        """Return the next picture as it came over TCP and over the local socket."""
        tcp, local = (one.expect("setBLOBVector", device=CCD, name="CCD1") for one in (self.tcp, self.local))
        assert tcp.children[0].attached is None
        assert local.children[0].attached is not None
        return tcp.children[0].payload(), local.children[0].payload()


@dataclass
class Night:
    """What one observing session gave."""

    headers: dict[str, str]
    right_ascension: list[float]
    same_over_both_ways: bool
    pixel_bytes: int
    pictures: int


def observe(kind: str, folder: Path) -> Night:
    """Connect, point, slew, and take pictures."""
    lab = Lab(kind, folder)
    try:
        observatory = Observatory(lab)
        observatory.point("SYNC", 5, 20)
        first, _ = observatory.expose()
        observatory.point("TRACK", 5.05, 20.5)
        tcp, local = observatory.expose()
        headers = read_header(tcp)
        rights = [float(read_header(picture)["RA"]) for picture in (first, tcp)]
        return Night(headers, rights, tcp == local, size_from_header(headers), pictures_in_a_row(observatory))
    finally:
        lab.close()


def pictures_in_a_row(observatory: Observatory) -> int:
    """Take EXPOSURES pictures; return how many arrived whole over both ways."""
    seconds = "<oneNumber name='CCD_EXPOSURE_VALUE'>0.01</oneNumber>"
    command = f"<newNumberVector device='{CCD}' name='CCD_EXPOSURE'>{seconds}</newNumberVector>"
    whole = 0
    for _ in range(EXPOSURES):
        observatory.tcp.send(command)
        tcp, local = observatory.receive()
        whole += tcp == local and size_from_header(read_header(tcp)) < len(tcp)
    return whole


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """Give two nights with the reference and one with the candidate."""
    kinds = (REFERENCE, REFERENCE, candidate_kind())
    return [observe(kind, tmp_path_factory.mktemp("night")) for kind in kinds]


def _without_position(header: dict[str, str]) -> dict[str, str]:
    """The cards but those where the telescope points, whose last digits vary: it is moving while the camera reads."""
    return {name: value for name, value in header.items() if name not in POSITION_CARDS}


def test_fits_headers_are_the_same(nights: list[Night]) -> None:
    Runs(*(_without_position(night.headers) for night in nights)).check(at_least=STABLE_SHARE)
    positions = [float(night.headers["RA"]) for night in nights]
    assert positions == pytest.approx([positions[0]] * len(positions), abs=0.01)


def test_fits_arrives_over_tcp_and_the_local_socket(nights: list[Night]) -> None:
    assert nights[-1].same_over_both_ways
    assert nights[-1].pixel_bytes == 64 * 32 * 2


def test_camera_follows_the_telescope(nights: list[Night]) -> None:
    # J2000 degrees in the header; the telescope was sent to 5 h and 5.05 h of today's equinox.
    for night in nights:
        before, after = night.right_ascension
        assert before == pytest.approx(75, abs=1)
        assert after - before == pytest.approx(0.75, abs=0.05)


def test_every_exposure_arrives(nights: list[Night]) -> None:
    assert [night.pictures for night in nights] == [EXPOSURES] * 3
