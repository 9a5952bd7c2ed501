"""A simulated camera: it shows the stars where the telescope points, as sharp as the focuser makes them.

Drawing needs the extra `simulators`; without it the driver runs and says so when a client connects it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from indigevent import __version__
from indigevent.driver import (
    Blob,
    Interface,
    Number,
    NumberVector,
    PropertyState,
    Refused,
    Switch,
    SwitchVector,
    Text,
    TextVector,
    Wanted,
    debug,
    run,
)
from indigevent.errors import DriverError
from indigevent.simulators.camera.cooling import Cooled
from indigevent.simulators.camera.guide_port import GuidePort
from indigevent.simulators.camera.scene import Reading, Scene
from indigevent.simulators.camera.storage import Storage
from indigevent.simulators.camera.streaming import Streaming
from indigevent.simulators.camera.surroundings import Surroundings
from indigevent.simulators.models.exposure import Exposure

if TYPE_CHECKING:
    from indigevent.simulators.camera.picture import Studio

_VALUE = "CCD_EXPOSURE_VALUE"
_OF_THE_EXTRA = ("astropy", "erfa", "numpy")
_WHAT_TO_INSTALL = "The camera simulator draws stars with astropy: install it with pip install 'indigevent[simulators]'"


@dataclass(frozen=True, eq=False)
class _Exposing:
    """An exposure under way, and how the chip will be read at its end."""

    exposure: Exposure
    reading: Reading


class CCDSimulator(Streaming, Cooled, Surroundings, GuidePort, Storage):
    """The camera."""

    name = "CCD Simulator"
    version = __version__
    interface = Interface.CCD | Interface.GUIDER

    exposure = NumberVector(
        "CCD_EXPOSURE",
        Number(_VALUE, "Duration (s)", 1, format="%5.2f", min=0.01, max=3600, step=1),
        label="Expose",
    )
    abort = SwitchVector(
        "CCD_ABORT_EXPOSURE", Switch("ABORT", "Abort"), rule="AtMostOne", momentary=True, label="Abort"
    )
    compression = SwitchVector(
        "CCD_COMPRESSION",
        Switch("INDI_ENABLED", "Enabled"),
        Switch("INDI_DISABLED", "Disabled", True),
        label="Compression",
        group="Image Settings",
        saved=True,
    )
    header = TextVector(
        "FITS_HEADER",
        Text("FITS_OBSERVER", "Observer"),
        Text("FITS_OBJECT", "Object"),
        label="FITS Header",
        group="General Info",
    )
    debugging = debug()

    _studio: Studio

    def connect(self) -> None:
        """Have what pictures are drawn with."""
        try:
            from indigevent.simulators.camera.picture import Studio  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in _OF_THE_EXTRA:
                raise
            self.log.error(_WHAT_TO_INSTALL)
            raise DriverError(_WHAT_TO_INSTALL) from None
        self._studio = Studio()
        super().connect()

    def disconnect(self) -> None:
        """Give up the exposure."""
        self._give_up()
        super().disconnect()

    def scene(self, reading: Reading, seconds: float) -> Scene:
        """Return what is seen in an exposure that ends now."""
        guided_ra_deg, guided_dec_deg = self.guided_deg()
        return Scene(
            camera=self.name,
            start=datetime.now(timezone.utc) - timedelta(seconds=seconds),
            seconds=seconds,
            celsius=self.celsius(),
            reading=reading,
            outlook=self.outlook(),
            guided_ra_deg=guided_ra_deg,
            guided_dec_deg=guided_dec_deg,
            best_focus=self.focusing["SIM_FOCUS_POSITION"],
            seeing_arcsec=self.focusing["SIM_SEEING"],
            observer=self.header["FITS_OBSERVER"],
            target=self.header["FITS_OBJECT"],
        )

    def draw_video(self, scene: Scene) -> bytes:
        """Return a frame of the video."""
        return self._studio.video(scene)

    @exposure.on_new
    def _expose(self, wanted: Wanted) -> None:
        """Begin; an exposure under way is given up for the new one, as libindi's cameras do it."""
        if self.is_streaming:
            raise Refused("The camera is streaming: switch CCD_VIDEO_STREAM off first")
        self.task = _Exposing(Exposure(wanted[_VALUE], time.monotonic()), self.reading())
        self._count_down(self.task)

    @abort.on_new
    def _abort(self, wanted: Wanted) -> None:
        self._give_up()

    def _give_up(self) -> None:
        if not self.is_streaming:
            self.task = None
        self.exposure.set({_VALUE: 0.0}, state=PropertyState.IDLE)

    def _count_down(self, task: _Exposing) -> None:
        """Tell the seconds that are left; at the end take the picture."""
        if self.task is not task:
            return
        now = time.monotonic()
        left = task.exposure.remaining(now)
        self.exposure.set({_VALUE: left}, state=PropertyState.BUSY)
        if left:
            self.after(task.exposure.next_report(now) - now, lambda: self._count_down(task))
        else:
            self.spawn(self._read_out, task, self.scene(task.reading, task.exposure.seconds))

    def _read_out(self, task: _Exposing, scene: Scene) -> None:
        """Draw and hand out the picture, in a thread of its own; a failure ends the exposure, too."""
        failure: Exception | None = None
        try:
            picture = self._studio.fits(scene)
            if self.task is task:
                self._hand_out(picture)
        except DriverError as error:
            failure = error
        except Exception as error:
            failure = error
            raise
        finally:
            self.call(lambda: self._finish(task, failure))

    def _hand_out(self, picture: bytes) -> None:
        if self.goes_to_disk:
            self.store(picture)
        if self.goes_to_clients:
            self.image.send_blobs(CCD1=Blob(picture, ".fits", compress=self.compression["INDI_ENABLED"]))

    def _finish(self, task: _Exposing, failure: Exception | None) -> None:
        if self.task is not task:
            return
        self.task = None
        state = PropertyState.ALERT if failure else PropertyState.OK
        self.exposure.set({_VALUE: 0.0}, state=state, message=str(failure or ""))


if __name__ == "__main__":
    run(CCDSimulator)
