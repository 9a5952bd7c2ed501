"""Images that are still to come: a script that asks for an exposure and ends there wants the image all the same.

When the interpreter ends, it waits for exposures that the script asked for, of devices whose BLOBs it enabled, as long
as they take: the time that was asked for, a minute for the download, and ten for what the script does with the image.
Ctrl-C ends the waiting.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from indigevent.client.model import Event, EventKind, Property
from indigevent.protocol.constants import PropertyState

# INDI's standard properties that end in a BLOB.
_EXPOSURES = frozenset({"CCD_EXPOSURE", "GUIDER_EXPOSURE", "SENSOR_INTEGRATION"})
_DOWNLOAD_S = 60.0
# For a script's callbacks to work on the image.
_HANDLING_S = 600.0
# The BLOB may come after the property's last message; where it does not, it was stored at the driver's side.
_LATE_BLOB_S = 5.0


@dataclass(eq=False)
class _Exposure:
    """One exposure that was asked for."""

    known: Property
    updates: int
    until_s: float
    ended_s: float | None = None
    is_answered: bool = False

    def is_answer(self, blob_name: str) -> bool:
        """Whether images of this exposure come in this property: a guide head has its own, by INDI's standard names."""
        return (self.known.name == "GUIDER_EXPOSURE") == (blob_name == "CCD2")

    def left_s(self, now_s: float) -> float:
        """For how long, in seconds, it is worth to wait on; 0 when it is over."""
        if self.is_answered:
            return max(0.0, self.until_s - now_s)
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

    def withdraw(self, known: Property) -> None:
        """The property has gone, or the message could not be sent: there will be no image."""
        self._asked = {key: exposure for key, exposure in self._asked.items() if exposure.known is not known}

    def after(self, events: Sequence[Event]) -> list[_Exposure]:
        """What one message has changed: properties go, BLOBs come; the exposures of these, see `answered`."""
        found: list[_Exposure] = []
        for event in events:
            if event.kind is EventKind.DELETED and event.property is not None:
                self.withdraw(event.property)
            elif event.kind is EventKind.BLOB:
                found = self.answered(event.device, event.name)
        return found

    def answered(self, device: str, name: str) -> list[_Exposure]:
        """A BLOB has come, and the script's callbacks are about to be called; the exposures that it is of."""
        found = [one for (of, _), one in self._asked.items() if of == device and one.is_answer(name)]
        for exposure in found:
            exposure.is_answered, exposure.until_s = True, time.monotonic() + _HANDLING_S
        return found

    def handled(self, exposures: list[_Exposure]) -> None:
        """The script's callbacks for the BLOB of these have returned."""
        # A callback may have asked for the next one, which is not meant.
        self._asked = {key: exposure for key, exposure in self._asked.items() if exposure not in exposures}

    def left_s(self) -> float:
        """For how long, in seconds, it is worth to wait on; 0 when nothing is to come."""
        now_s = time.monotonic()
        return max((exposure.left_s(now_s) for exposure in list(self._asked.values())), default=0.0)
