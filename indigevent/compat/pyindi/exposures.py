"""Images that are still to come: a script that asks for an exposure and ends there wants the image all the same.

When the interpreter ends, it waits for exposures that the script asked for, of devices whose BLOBs it enabled, as long
as they take: the time that was asked for and a minute for the download. Ctrl-C ends the waiting.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from indigevent.client.model import Property
from indigevent.protocol.constants import PropertyState

# INDI's standard properties that end in a BLOB.
_EXPOSURES = frozenset({"CCD_EXPOSURE", "GUIDER_EXPOSURE", "SENSOR_INTEGRATION"})
_DOWNLOAD_S = 60.0
# The BLOB may come after the property's last message; where it does not, it was stored at the driver's side.
_LATE_BLOB_S = 5.0


@dataclass(eq=False)
class _Exposure:
    """One exposure that was asked for."""

    known: Property
    updates: int
    until_s: float
    ended_s: float | None = None

    def left_s(self, now_s: float) -> float:
        """For how long, in seconds, it is worth to wait on; 0 when it is over."""
        if self.known.updates == self.updates or self.known.state is PropertyState.BUSY:
            self.ended_s = None
            return max(0.0, self.until_s - now_s)
        if self.known.state is PropertyState.ALERT:
            return 0.0
        self.ended_s = self.ended_s or now_s
        return max(0.0, self.ended_s + _LATE_BLOB_S - now_s)


class Exposures:
    """The exposures that a client waits for."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], _Exposure] = {}

    def __str__(self) -> str:
        return ", ".join(f"{device}.{name}" for device, name in self._asked)

    def asked_for(self, known: Property) -> None:
        """A new value of a property was sent."""
        if known.name in _EXPOSURES:
            duration_s = max((float(element.value) for element in known.elements.values()), default=0.0)
            until_s = time.monotonic() + duration_s + _DOWNLOAD_S
            self._asked[known.device, known.name] = _Exposure(known, known.updates, until_s)

    def of(self, device: str) -> list[_Exposure]:
        """The device's exposures that are still to come."""
        return [exposure for (of, _), exposure in self._asked.items() if of == device]

    def came(self, exposures: list[_Exposure]) -> None:
        """The script's callbacks for a BLOB have returned, which was that of one of these."""
        # A callback may have asked for the next one, which is not meant.
        self._asked = {key: exposure for key, exposure in self._asked.items() if exposure not in exposures}

    def left_s(self) -> float:
        """For how long, in seconds, it is worth to wait on; 0 when nothing is to come."""
        now_s = time.monotonic()
        return max((exposure.left_s(now_s) for exposure in list(self._asked.values())), default=0.0)
