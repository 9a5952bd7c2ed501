"""The simulated camera, as a client of our daemon sees it; telescope, focuser and filter wheel are scripted."""

from __future__ import annotations

import io
import math
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest

pytest.importorskip("astropy", reason="the simulated camera needs the extra `simulators`")

import erfa
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from indigevent.simulators.sky.catalogue import Stars, load
from tests.lab.driver import ScriptedDriver
from tests.lab.instrument import Instrument
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.vocabulary import enable_blob

from .conftest import candidate_kind

DRIVER = "indigevent.simulators.ccd:CCDSimulator"
CAMERA = "CCD Simulator"
MOUNT, FOCUSER, WHEEL = "Telescope Simulator", "Focuser Simulator", "Filter Simulator"
PLEIADES = 56.75, 24.10  # J2000 degrees
ALCYONE = 56.8712, 24.1051
EXPOSURE, VALUE = "CCD_EXPOSURE", "CCD_EXPOSURE_VALUE"
LAST_DEFINED = "CONFIG_PROCESS"
BEST_FOCUS = 49000
Pixels = NDArray[np.float64]


def apparent(ra_deg: float, dec_deg: float) -> tuple[float, float]:
    """Return hours and degrees of date of a J2000 place, as a mount tells them."""
    days = datetime.now(timezone.utc).timestamp() / 86400 + 69.184 / 86400
    ra, dec, origins = erfa.atci13(math.radians(ra_deg), math.radians(dec_deg), 0, 0, 0, 0, 2440587.5, days)
    return math.degrees(ra - origins) % 360 / 15, math.degrees(dec)


def define(device: str, kind: str, name: str, **elements: object) -> str:
    """A definition of a property of a scripted device."""
    extra = " format='%g' min='0' max='0' step='0'" if kind == "Number" else ""
    rule = " rule='AtMostOne'" if kind == "Switch" else ""
    inside = "".join(f"<def{kind} name='{each}'{extra}>{value}</def{kind}>" for each, value in elements.items())
    return f"<def{kind}Vector device='{device}' name='{name}' state='Ok' perm='rw'{rule}>{inside}</def{kind}Vector>"


@dataclass
class Picture:
    """A FITS file as it came."""

    data: bytes

    def __post_init__(self) -> None:
        with fits.open(io.BytesIO(self.data)) as units:
            units.verify("exception")
            self.header = units[0].header
            self.pixels: Pixels = units[0].data.astype(float)

    def place(self, ra_deg: float, dec_deg: float) -> tuple[float, float]:
        """Return the pixel, from 0, where the header says that a J2000 place is."""
        x, y = WCS(self.header, fix=False).all_world2pix(ra_deg, dec_deg, 0)
        return float(x), float(y)

    def in_view(self, stars: Stars) -> Stars:
        """Return the stars that are not at the edge or beyond."""
        x, y = WCS(self.header, fix=False).all_world2pix(stars.ra_deg, stars.dec_deg, 0)
        rows, columns = self.pixels.shape
        return stars.where((x > 10) & (x < columns - 10) & (y > 10) & (y < rows - 10))

    def star(self, ra_deg: float, dec_deg: float, radius: int = 8) -> tuple[float, float]:
        """Return how far the light around a place is from where the header says that it is, in pixels."""
        x, y = self.place(ra_deg, dec_deg)
        left, low = round(x) - radius, round(y) - radius
        box = self.pixels[low : low + 2 * radius + 1, left : left + 2 * radius + 1]
        sky = np.median(self.pixels)
        noise = np.median(np.abs(self.pixels - sky))
        assert box.max() > sky + 20 * noise, "where the header says that there is a star is nothing but sky"
        light = np.clip(box - (box.max() + sky) / 2, 0, None)
        rows, columns = np.indices(light.shape)
        total = light.sum()
        return left + (columns * light).sum() / total - x, low + (rows * light).sum() / total - y

    def width(self, ra_deg: float, dec_deg: float) -> float:
        """Return the diameter of the part of a star that is brighter than half its brightest pixel, in pixels."""
        x, y = map(round, self.place(ra_deg, dec_deg))
        box = self.pixels[y - 30 : y + 31, x - 30 : x + 31] - np.median(self.pixels)
        return 2 * math.sqrt((box > box.max() / 2).sum() / math.pi)


class Observatory:
    """The camera in a daemon, what it follows, and a client that gets its pictures."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.others: ScriptedDriver = lab.driver("others")
        self.server: Server = lab.server(self.others, DRIVER, HOME=str(lab.folder))
        for device in (MOUNT, FOCUSER, WHEEL):
            self.others.send(define(device, "Text", "DRIVER_INFO", DRIVER_NAME=device))
        self.others.ping()
        self.camera = Instrument(lab, self.server, CAMERA)
        self.client = self.camera.client
        self.client.send(enable_blob("Also", CAMERA))
        self.camera.definition("CONNECTION")
        self.camera.connect()
        self.camera.definition(LAST_DEFINED)
        self.camera.set("POLLING_PERIOD", PERIOD_MS=50)
        for device, name in ((MOUNT, "EQUATORIAL_EOD_COORD"), (FOCUSER, "ABS_FOCUS_POSITION"), (WHEEL, "FILTER_NAME")):
            self.others.expect("getProperties", device=device, name=name)

    def tell(self, *messages: str) -> None:
        """Have the scripted devices say something; return when it is on its way to the camera."""
        self.others.send(*messages)
        self.others.ping()

    def point(self, ra_deg: float = PLEIADES[0], dec_deg: float = PLEIADES[1], focal_length_mm: float = 300) -> None:
        """Have the telescope point at a J2000 place."""
        hours, degrees = apparent(ra_deg, dec_deg)
        self.tell(
            define(MOUNT, "Number", "EQUATORIAL_EOD_COORD", RA=hours, DEC=degrees),
            define(MOUNT, "Number", "TELESCOPE_INFO", TELESCOPE_APERTURE=80, TELESCOPE_FOCAL_LENGTH=focal_length_mm),
            define(MOUNT, "Switch", "TELESCOPE_PIER_SIDE", PIER_WEST="Off", PIER_EAST="On"),
        )

    def focus(self, position: float) -> None:
        """Have the focuser at a position."""
        self.tell(define(FOCUSER, "Number", "ABS_FOCUS_POSITION", FOCUS_ABSOLUTE_POSITION=position))

    def reset(self) -> None:
        """Have the camera and the others as they were at first."""
        self.point()
        self.focus(BEST_FOCUS)
        self.camera.set("CCD_VIDEO_STREAM", STREAM_OFF=True)
        self.camera.set("CCD_ABORT_EXPOSURE", ABORT=True)
        self.camera.set("CCD_FRAME_RESET", RESET=True)
        self.camera.set("CCD_FRAME_TYPE", FRAME_LIGHT=True)
        self.camera.set("UPLOAD_MODE", UPLOAD_CLIENT=True)
        self.camera.expect("UPLOAD_MODE", "Ok")

    def expose(self, seconds: float = 0.05) -> Picture:
        """Take a picture."""
        self.camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=seconds)
        return Picture(self.blob(".fits"))

    def blob(self, form: str) -> bytes:
        """Wait for a picture of a format."""
        message = self.client.expect("setBLOBVector", device=CAMERA, name="CCD1")
        assert message.children[0].attributes["format"] == form
        return message.children[0].payload()

    def crop(self, x: int, y: int, width: int, height: int, bin_x: int = 1, bin_y: int = 1) -> None:
        """Have only a part of the chip read."""
        self.camera.set("CCD_FRAME", X=x, Y=y, WIDTH=width, HEIGHT=height)
        self.camera.set("CCD_BINNING", HOR_BIN=bin_x, VER_BIN=bin_y)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    lab = Lab(candidate_kind(), tmp_path_factory.mktemp("observatory"))
    try:
        yield Observatory(lab)
    finally:
        lab.close()


@pytest.fixture
def observatory(shared: Observatory) -> Observatory:
    shared.reset()
    return shared


@pytest.fixture
def camera(observatory: Observatory) -> Instrument:
    return observatory.camera


def test_the_header_says_where_the_telescope_points(observatory: Observatory) -> None:
    header = observatory.expose().header
    assert header["RA"] == pytest.approx(PLEIADES[0], abs=1e-4)
    assert header["DEC"] == pytest.approx(PLEIADES[1], abs=1e-4)
    hours, minutes, seconds = map(float, header["OBJCTRA"].split())
    assert (hours + minutes / 60 + seconds / 3600) * 15 == pytest.approx(PLEIADES[0], abs=1e-3)
    assert header["OBJCTDEC"].startswith("+24 0") or header["OBJCTDEC"].startswith("+24 1")
    assert (header["TELESCOP"], header["INSTRUME"], header["FOCALLEN"]) == (MOUNT, CAMERA, 300)
    assert (header["EXPTIME"], header["FRAME"]) == (0.05, "Light")
    age = datetime.now(timezone.utc) - datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=timezone.utc)
    assert 0 <= age.total_seconds() < 60


@pytest.mark.parametrize("side", ["PIER_EAST", "PIER_WEST"])
def test_the_brightest_stars_of_the_catalogue_are_where_the_header_says(observatory: Observatory, side: str) -> None:
    on = {"PIER_WEST": "Off", "PIER_EAST": "Off", side: "On"}
    observatory.tell(define(MOUNT, "Switch", "TELESCOPE_PIER_SIDE", **on))
    observatory.focus(BEST_FOCUS + 1500)  # so that nothing is saturated
    picture = observatory.expose(0.01)
    assert picture.pixels.shape == (1024, 1280)
    x, y = picture.place(*ALCYONE)
    brightest = np.unravel_index(picture.pixels.argmax(), picture.pixels.shape)
    assert (brightest[1], brightest[0]) == (pytest.approx(x, abs=2), pytest.approx(y, abs=2))
    stars = picture.in_view(load().within(*PLEIADES, 1.0))
    assert len(stars) >= 6
    for ra_deg, dec_deg in zip(stars.ra_deg, stars.dec_deg, strict=True):
        assert picture.star(ra_deg, dec_deg) == (pytest.approx(0, abs=2), pytest.approx(0, abs=2))
    assert np.sign(picture.header["CD2_2"]) == (1 if side == "PIER_EAST" else -1)


@pytest.mark.parametrize("part", [(500, 400, 301, 203, 1, 1), (400, 300, 640, 480, 2, 2), (400, 350, 601, 400, 3, 4)])
def test_a_part_of_the_chip_and_binned(observatory: Observatory, part: tuple[int, ...]) -> None:
    _, _, width, height, bin_x, bin_y = part
    observatory.crop(*part)
    picture = observatory.expose()
    assert picture.pixels.shape == (height // bin_y, width // bin_x)
    assert (picture.header["XBINNING"], picture.header["YBINNING"]) == (bin_x, bin_y)
    assert picture.star(*ALCYONE) == (pytest.approx(0, abs=1), pytest.approx(0, abs=1))


def test_a_frame_that_is_not_on_the_chip_is_refused(camera: Instrument) -> None:
    camera.set("CCD_FRAME", X=1000)
    assert "X 1000 and WIDTH 1280 reach to pixel 2280" in camera.refusal("CCD_FRAME")
    camera.set("CCD_FRAME", X=0, Y=0, WIDTH=3, HEIGHT=100)
    camera.expect("CCD_FRAME", "Ok")
    camera.set("CCD_BINNING", HOR_BIN=4, VER_BIN=4)
    assert "WIDTH 3 is less than one pixel" in camera.refusal("CCD_BINNING")
    camera.set("CCD_FRAME_RESET", RESET=True)
    assert camera.expect("CCD_FRAME", "Ok") == {"X": 0, "Y": 0, "WIDTH": 1280, "HEIGHT": 1024}
    assert camera.expect("CCD_FRAME_RESET", "Ok") == {"RESET": False}


def test_an_exposure_counts_down_and_ends_with_the_picture(observatory: Observatory) -> None:
    observatory.crop(0, 0, 32, 32)
    begin = len(observatory.client.inbox)
    observatory.camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=1.1)
    observatory.camera.expect(EXPOSURE, "Ok")
    told = observatory.client.inbox[begin:]
    story = [m for m in told if m.attributes.get("name") in (EXPOSURE, "CCD1") and m.tag.startswith("set")]
    states = [(m.attributes["name"], m.attributes["state"]) for m in story]
    assert states == [(EXPOSURE, "Busy")] * 3 + [("CCD1", "Ok"), (EXPOSURE, "Ok")]
    left = [float(m.children[0].text) for m in story if m.attributes["name"] == EXPOSURE]
    assert left == [pytest.approx(1.1, abs=0.09), pytest.approx(0.9, abs=0.1), 0, 0]


def test_an_exposure_can_be_aborted(observatory: Observatory) -> None:
    camera = observatory.camera
    observatory.crop(0, 0, 32, 32)
    pictures = sum(m.tag == "setBLOBVector" for m in observatory.client.inbox)
    camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=60)
    camera.expect(EXPOSURE, "Busy")
    camera.set("CCD_ABORT_EXPOSURE", ABORT=True)
    assert camera.expect(EXPOSURE, "Idle") == {VALUE: 0}
    assert camera.expect("CCD_ABORT_EXPOSURE", "Ok") == {"ABORT": False}
    observatory.expose()
    camera.expect(EXPOSURE, "Ok")
    assert sum(m.tag == "setBLOBVector" for m in observatory.client.inbox) == pictures + 1


def test_a_new_exposure_takes_the_place_of_one_under_way(observatory: Observatory) -> None:
    observatory.crop(0, 0, 32, 32)
    observatory.camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=60)
    assert observatory.expose(0.02).header["EXPTIME"] == 0.02


def test_stars_are_wide_when_the_focuser_is_elsewhere(observatory: Observatory) -> None:
    observatory.point(*ALCYONE, focal_length_mm=900)
    observatory.crop(512, 384, 256, 256)
    widths = []
    for position in (BEST_FOCUS, BEST_FOCUS - 5000, BEST_FOCUS + 10000):
        observatory.focus(position)
        picture = observatory.expose(0.01)
        assert picture.header["FOCUSPOS"] == position
        widths.append(picture.width(*ALCYONE))
    assert widths == [pytest.approx(3, abs=1), pytest.approx(10.4, rel=0.1), pytest.approx(20.2, rel=0.1)]


def test_the_filter_is_named_and_lets_less_light_pass(observatory: Observatory) -> None:
    observatory.crop(512, 384, 256, 256)
    observatory.focus(BEST_FOCUS + 2500)
    light = []
    for slot in (1, 2):
        observatory.tell(
            define(WHEEL, "Text", "FILTER_NAME", FILTER_SLOT_NAME_1="Clear", FILTER_SLOT_NAME_2="Red"),
            define(WHEEL, "Number", "FILTER_SLOT", FILTER_SLOT_VALUE=slot),
        )
        picture = observatory.expose(0.01)
        assert picture.header["FILTER"] == ("Clear", "Red")[slot - 1]
        light.append((picture.pixels - np.median(picture.pixels)).max())
    assert light[1] == pytest.approx(0.3 * light[0], rel=0.1)


def test_frames_without_sky_and_flats(observatory: Observatory) -> None:
    observatory.crop(512, 384, 256, 256)
    medians = {}
    for kind in ("BIAS", "DARK", "FLAT"):
        observatory.camera.set("CCD_FRAME_TYPE", **{f"FRAME_{kind}": True})
        picture = observatory.expose(0.5)
        assert picture.header["FRAME"] == kind.capitalize()
        assert "CRVAL1" not in picture.header
        medians[kind] = np.median(picture.pixels)
    assert medians["BIAS"] == pytest.approx(500, abs=2)
    assert medians["DARK"] < 510
    assert medians["FLAT"] == pytest.approx(10500, rel=0.01)


def test_gain_offset_and_texts_are_in_the_header(observatory: Observatory) -> None:
    camera = observatory.camera
    observatory.crop(0, 0, 64, 64)
    camera.set("CCD_FRAME_TYPE", FRAME_BIAS=True)
    camera.set("CCD_OFFSET", OFFSET=1000)
    camera.set("CCD_GAIN", GAIN=30)
    camera.set("FITS_HEADER", FITS_OBSERVER="Jürgen", FITS_OBJECT="M 45")
    picture = observatory.expose()
    assert (picture.header["OBSERVER"], picture.header["OBJECT"]) == ("J?rgen", "M 45")
    assert picture.header["GAIN"] == pytest.approx(10**0.3)
    assert np.median(picture.pixels) == pytest.approx(1000, abs=1)
    camera.set("CCD_OFFSET", OFFSET=500)
    camera.set("CCD_GAIN", GAIN=90)


def test_a_compressed_picture_is_the_same(observatory: Observatory) -> None:
    observatory.crop(0, 0, 64, 64)
    observatory.camera.set("CCD_COMPRESSION", INDI_ENABLED=True)
    observatory.camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=0.01)
    picture = Picture(zlib.decompress(observatory.blob(".fits.z")))
    assert picture.pixels.shape == (64, 64)
    observatory.camera.set("CCD_COMPRESSION", INDI_DISABLED=True)


def test_guide_pulses_move_what_is_seen(observatory: Observatory) -> None:
    camera = observatory.camera
    observatory.crop(0, 0, 32, 32)
    before = observatory.expose().header
    camera.set("TELESCOPE_TIMED_GUIDE_WE", TIMED_GUIDE_W=200, TIMED_GUIDE_E=0)
    camera.set("TELESCOPE_TIMED_GUIDE_NS", TIMED_GUIDE_N=300)
    assert camera.expect("TELESCOPE_TIMED_GUIDE_WE", "Busy") == {"TIMED_GUIDE_W": 200, "TIMED_GUIDE_E": 0}
    assert camera.expect("TELESCOPE_TIMED_GUIDE_WE", "Idle") == {"TIMED_GUIDE_W": 0, "TIMED_GUIDE_E": 0}
    assert camera.expect("TELESCOPE_TIMED_GUIDE_NS", "Idle") == {"TIMED_GUIDE_N": 0, "TIMED_GUIDE_S": 0}
    after = observatory.expose().header
    assert (after["RA"] - before["RA"]) * 3600 == pytest.approx(-7.52 * 0.2, abs=0.05)
    assert (after["DEC"] - before["DEC"]) * 3600 == pytest.approx(7.52 * 0.3, abs=0.05)
    camera.set("TELESCOPE_TIMED_GUIDE_NS", TIMED_GUIDE_N=100, TIMED_GUIDE_S=100)
    assert "to both sides at once" in camera.refusal("TELESCOPE_TIMED_GUIDE_NS")


def test_the_sensor_is_cooled(observatory: Observatory) -> None:
    camera = observatory.camera
    observatory.crop(0, 0, 32, 32)
    camera.set("CCD_TEMP_RAMP", RAMP_SLOPE=0, RAMP_THRESHOLD=2)
    camera.set("CCD_TEMPERATURE", CCD_TEMPERATURE_VALUE=12.9)
    assert camera.expect("CCD_COOLER", "Busy") == {"COOLER_ON": True, "COOLER_OFF": False}
    assert camera.expect("CCD_TEMPERATURE", "Busy")["CCD_TEMPERATURE_VALUE"] == pytest.approx(15, abs=0.1)
    assert camera.expect("CCD_TEMPERATURE", "Ok")["CCD_TEMPERATURE_VALUE"] == pytest.approx(14.8, abs=0.2)
    assert camera.expect("CCD_COOLER_POWER", "Busy")["CCD_COOLER_VALUE"] > 1
    assert 12 < observatory.expose().header["CCD-TEMP"] < 15
    camera.set("CCD_TEMPERATURE", CCD_TEMPERATURE_VALUE=-45)
    assert "-45.0 °C cannot be held" in camera.refusal("CCD_TEMPERATURE")
    camera.set("CCD_COOLER", COOLER_OFF=True)
    assert camera.expect("CCD_COOLER", "Idle")["COOLER_OFF"]
    assert camera.expect("CCD_TEMPERATURE", "Idle")


def test_video(observatory: Observatory) -> None:
    camera = observatory.camera
    observatory.crop(480, 384, 320, 256, 2, 2)
    alcyone = observatory.expose(0.02).place(*ALCYONE)
    camera.set("CCD_STREAM_FRAME", X=20, Y=10, WIDTH=100, HEIGHT=100)
    camera.expect("CCD_STREAM_FRAME", "Ok")
    camera.set("STREAMING_EXPOSURE", STREAMING_EXPOSURE_VALUE=0.02)
    camera.set("CCD_VIDEO_STREAM", STREAM_ON=True)
    assert camera.expect("CCD_VIDEO_STREAM", "Busy") == {"STREAM_ON": True, "STREAM_OFF": False}
    frames = [np.frombuffer(observatory.blob(".stream"), np.uint8).reshape(100, 100) for _ in range(3)]
    assert frames[0].max() > 200
    assert np.median(frames[0]) < 20
    y, x = np.argwhere(frames[0] == frames[0].max()).mean(axis=0)
    assert (x + 20, y + 10) == (pytest.approx(alcyone[0], abs=2), pytest.approx(alcyone[1], abs=2))
    assert (frames[0] != frames[1]).any()
    assert camera.expect("FPS", "Ok")["AVG_FPS"] > 0
    camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=1)
    assert "streaming" in camera.refusal(EXPOSURE)
    camera.set("CCD_VIDEO_STREAM", STREAM_OFF=True)
    assert camera.expect("CCD_VIDEO_STREAM", "Idle")["STREAM_OFF"]
    camera.set("CCD_STREAM_FRAME", X=100, Y=0, WIDTH=160, HEIGHT=100)
    assert "160 binned pixels" in camera.refusal("CCD_STREAM_FRAME")
    camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=60)
    camera.expect(EXPOSURE, "Busy")
    camera.set("CCD_VIDEO_STREAM", STREAM_ON=True)
    assert "The camera is exposing" in camera.refusal("CCD_VIDEO_STREAM")


def test_pictures_are_kept_on_disk(observatory: Observatory, tmp_path: Path) -> None:
    camera = observatory.camera
    observatory.crop(0, 0, 32, 32)
    folder = tmp_path / "new" / "folder"
    camera.set("UPLOAD_SETTINGS", UPLOAD_DIR=str(folder), UPLOAD_PREFIX="night_XXX")
    camera.set("UPLOAD_MODE", UPLOAD_LOCAL=True)
    camera.client.expect("defTextVector", device=CAMERA, name="CCD_FILE_PATH")
    for number in (1, 2):
        camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=0.01)
        path = camera.expect("CCD_FILE_PATH", "Ok")["FILE_PATH"]
        assert path == str(folder / f"night_00{number}.fits")
        assert Picture(Path(path).read_bytes()).pixels.shape == (32, 32)
        camera.expect(EXPOSURE, "Ok")
    camera.set("UPLOAD_MODE", UPLOAD_BOTH=True)
    picture = observatory.expose()
    camera.expect(EXPOSURE, "Ok")
    assert (folder / "night_003.fits").read_bytes() == picture.data
    camera.set("UPLOAD_MODE", UPLOAD_CLIENT=True)
    camera.client.expect("delProperty", device=CAMERA, name="CCD_FILE_PATH")


def test_a_folder_that_cannot_be_written_fails_the_exposure(observatory: Observatory, tmp_path: Path) -> None:
    camera = observatory.camera
    (tmp_path / "file").touch()
    camera.set("UPLOAD_SETTINGS", UPLOAD_DIR=str(tmp_path / "file" / "folder"), UPLOAD_PREFIX="x")
    camera.set("UPLOAD_MODE", UPLOAD_LOCAL=True)
    camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=0.01)
    assert f"cannot be written to {tmp_path}/file/folder: Not a directory; set UPLOAD_DIR" in camera.refusal(EXPOSURE)
    camera.set("UPLOAD_SETTINGS", UPLOAD_DIR=str(tmp_path), UPLOAD_PREFIX="../x")
    assert "the folder goes into UPLOAD_DIR" in camera.refusal("UPLOAD_SETTINGS")
    assert "Traceback" not in observatory.server.log


def test_it_follows_whom_active_devices_names(observatory: Observatory) -> None:
    camera = observatory.camera
    observatory.crop(0, 0, 32, 32)
    for device in ("", "Other"):
        camera.set("ACTIVE_DEVICES", ACTIVE_TELESCOPE=device)
        header = observatory.expose().header
        assert "TELESCOP" not in header
        assert (header["RA"], header["FOCALLEN"]) == (pytest.approx(56.72, abs=0.01), 900)
    hours, degrees = apparent(83.0, -5.0)
    observatory.tell(define("Other", "Number", "EQUATORIAL_EOD_COORD", RA=hours, DEC=degrees))
    camera.set("SCOPE_INFO", FOCAL_LENGTH=1000)
    header = observatory.expose().header
    assert (header["TELESCOP"], header["FOCALLEN"], header["RA"]) == ("Other", 1000, pytest.approx(83.0, abs=1e-2))
    camera.set("ACTIVE_DEVICES", ACTIVE_TELESCOPE=MOUNT)
    camera.set("SCOPE_INFO", FOCAL_LENGTH=0)
    assert observatory.expose().header["TELESCOP"] == MOUNT


def test_alone_it_shows_stars(lab: Lab) -> None:
    server = lab.server(DRIVER, HOME=str(lab.folder))
    camera = Instrument(lab, server, CAMERA)
    camera.client.send(enable_blob("Also"))
    camera.definition("CONNECTION")
    camera.connect()
    camera.definition(LAST_DEFINED)
    camera.set(EXPOSURE, CCD_EXPOSURE_VALUE=1)
    picture = Picture(camera.client.expect("setBLOBVector", device=CAMERA).children[0].payload())
    bright = picture.pixels > np.median(picture.pixels) + 1000
    assert bright.sum() > 100
    assert picture.star(*ALCYONE) == (pytest.approx(0, abs=1), pytest.approx(0, abs=1))


def test_a_field_without_bright_stars_shows_stars(observatory: Observatory) -> None:
    observatory.point(0.0, 89.8, focal_length_mm=900)
    observatory.focus(50000)
    observatory.tell(
        define(WHEEL, "Text", "FILTER_NAME", FILTER_SLOT_NAME_1="Red"),
        define(WHEEL, "Number", "FILTER_SLOT", FILTER_SLOT_VALUE=1),
    )
    picture = observatory.expose(1)
    assert (picture.pixels > np.median(picture.pixels) + 50).sum() > 200


def test_without_astropy_it_says_what_to_install(lab: Lab) -> None:
    program = lab.folder / "camera_without_astropy"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.modules.update(astropy=None, numpy=None, erfa=None)\n"
        "from indigevent.driver import run\nfrom indigevent.simulators.ccd import CCDSimulator\nrun(CCDSimulator)\n"
    )
    program.chmod(0o755)
    server = lab.server(program, HOME=str(lab.folder))
    camera = Instrument(lab, server, CAMERA)
    camera.set("CONNECTION", CONNECT=True)
    assert camera.refusal("CONNECTION").endswith("install it with pip install 'indigevent[simulators]'")
    server.wait_for_log(r"pip install 'indigevent\[simulators\]'")
    assert "Traceback" not in server.log
