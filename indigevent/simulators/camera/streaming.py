"""The video of the simulated camera: small frames of eight bits, one after the other."""

from __future__ import annotations

import abc
import time
from dataclasses import dataclass, field, replace

from indigevent.driver import (
    BLOB,
    Blob,
    BLOBVector,
    Number,
    NumberVector,
    Permission,
    PropertyState,
    Refused,
    Switch,
    SwitchVector,
    Wanted,
)
from indigevent.simulators.camera.chip import HEIGHT, WIDTH, Chip, whole_numbers
from indigevent.simulators.camera.scene import Reading, Scene
from indigevent.simulators.models.exposure import FrameRate

_GROUP = "Streaming"
_EXPOSURE = "STREAMING_EXPOSURE_VALUE"
_DIVISOR = "STREAMING_DIVISOR_VALUE"


def _pixels(name: str, label: str, value: float, min: float, max: float) -> Number:
    return Number(name, label, value, format="%.f", min=min, max=max)


@dataclass(eq=False)
class _Video:
    """A video under way; its next frame is due at `due` of `time.monotonic()`."""

    due: float
    rate: FrameRate = field(default_factory=FrameRate)


class Streaming(Chip):
    """Frames of format `.stream`: the rows of CCD_STREAM_FRAME, a byte for each pixel, as libindi's RAW encoder."""

    image = BLOBVector("CCD1", BLOB("CCD1", "Image"), label="Image Data", group="Image Info", perm=Permission.READ_ONLY)
    video = SwitchVector(
        "CCD_VIDEO_STREAM",
        Switch("STREAM_ON", "Stream On"),
        Switch("STREAM_OFF", "Stream Off", True),
        label="Video Stream",
        group=_GROUP,
    )
    stream_exposure = NumberVector(
        "STREAMING_EXPOSURE",
        Number(_EXPOSURE, "Duration (s)", 0.1, format="%.6f", min=1e-6, max=60, step=0.1),
        Number(_DIVISOR, "Divisor", 1, format="%.f", min=1, max=15, step=1),
        label="Expose",
        group=_GROUP,
        saved=True,
    )
    limits = NumberVector(
        "LIMITS",
        Number("LIMITS_PREVIEW_FPS", "Maximum Preview FPS", 10, format="%.0f", min=1, max=120, step=1),
        label="Limits",
        group=_GROUP,
        saved=True,
    )
    fps = NumberVector(
        "FPS",
        Number("EST_FPS", "Instant.", 0, format="%.2f", max=999),
        Number("AVG_FPS", "Average (1 sec.)", 0, format="%.2f", max=999),
        label="FPS",
        group=_GROUP,
        perm=Permission.READ_ONLY,
    )
    stream_frame = NumberVector(
        "CCD_STREAM_FRAME",
        _pixels("X", "Left", 0, 0, WIDTH - 1),
        _pixels("Y", "Top", 0, 0, HEIGHT - 1),
        _pixels("WIDTH", "Width", WIDTH, 1, WIDTH),
        _pixels("HEIGHT", "Height", HEIGHT, 1, HEIGHT),
        label="Frame",
        group=_GROUP,
    )
    encoder = SwitchVector("CCD_STREAM_ENCODER", Switch("RAW", "RAW", True), label="Encoder", group=_GROUP)

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.task: object | None = None

    def disconnect(self) -> None:
        """End the video."""
        self._stop()
        super().disconnect()

    @property
    def is_streaming(self) -> bool:
        """Whether a video is under way."""
        return isinstance(self.task, _Video)

    @abc.abstractmethod
    def scene(self, reading: Reading, seconds: float) -> Scene:
        """Return what is seen in an exposure that ends now; for the camera to tell."""

    @abc.abstractmethod
    def draw_video(self, scene: Scene) -> bytes:
        """Return a frame's rows, a byte for each pixel; for the camera to do, in any thread."""

    def frame_changed(self) -> None:
        """CCD_STREAM_FRAME is a part of CCD_FRAME, in its binned pixels: it is all of it again."""
        reading = self.reading()
        self._fit("X", "WIDTH", reading.width // reading.bin_x)
        self._fit("Y", "HEIGHT", reading.height // reading.bin_y)

    @stream_frame.on_new
    def _set_stream_frame(self, wanted: Wanted) -> None:
        part = whole_numbers(wanted)
        for start, size in (("X", "WIDTH"), ("Y", "HEIGHT")):
            whole = self.stream_frame.elements[size].max
            if part[start] < 0 or part[size] < 1 or part[start] + part[size] > whole:
                raise Refused(f"{start} and {size} leave CCD_FRAME, which has {whole:.0f} binned pixels there")
        self.stream_frame.set(part)

    @video.on_new
    def _switch_video(self, wanted: Wanted) -> None:
        if wanted["STREAM_OFF"]:
            self._stop()
        elif self.task is None:
            self.task = _Video(time.monotonic() + self._interval_s())
            self.video.choose("STREAM_ON", state=PropertyState.BUSY)
            self._await_frame(self.task)
        elif self.is_streaming:
            self.video.send()
        else:
            raise Refused("The camera is exposing: abort the exposure, or wait for it, and then start the video")

    def _stop(self) -> None:
        if self.is_streaming:
            self.task = None
        self.video.choose("STREAM_OFF", state=PropertyState.IDLE)

    def _interval_s(self) -> float:
        exposed = self.stream_exposure[_EXPOSURE] * self.stream_exposure[_DIVISOR]
        return max(exposed, 1 / self.limits["LIMITS_PREVIEW_FPS"])

    def _await_frame(self, video: _Video) -> None:
        self.after(video.due - time.monotonic(), lambda: self._take_frame(video))

    def _take_frame(self, video: _Video) -> None:
        """Drawing and sending have their own thread: a slow client must not keep the driver from obeying."""
        if self.task is video:
            self.spawn(self._send_frame, video, self.scene(self._stream_reading(), self.stream_exposure[_EXPOSURE]))

    def _send_frame(self, video: _Video, scene: Scene) -> None:
        try:
            frame = self.draw_video(scene)
            if self.task is video:
                self.image.send_blobs(CCD1=Blob(frame, ".stream"))
        finally:
            self.call(lambda: self._frame_sent(video))

    def _frame_sent(self, video: _Video) -> None:
        if self.task is not video:
            return
        now = time.monotonic()
        video.rate.count(now)
        self.fps.set(EST_FPS=video.rate.instant, AVG_FPS=video.rate.average)
        video.due = max(video.due + self._interval_s(), now)
        self._await_frame(video)

    def _stream_reading(self) -> Reading:
        whole = self.reading()
        part = self.stream_frame
        return replace(
            whole,
            x=whole.x + int(part["X"]) * whole.bin_x,
            y=whole.y + int(part["Y"]) * whole.bin_y,
            width=int(part["WIDTH"]) * whole.bin_x,
            height=int(part["HEIGHT"]) * whole.bin_y,
        )

    def _fit(self, start: str, size: str, whole: int) -> None:
        self.stream_frame[start], self.stream_frame[size] = 0.0, float(whole)
        self.stream_frame.set_range(start, 0, whole - 1, 0)
        self.stream_frame.set_range(size, 1, whole, 0)
