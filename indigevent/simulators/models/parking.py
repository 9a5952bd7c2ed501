"""Where a mount or a dome is between parked and ready for use."""

from __future__ import annotations

from enum import Enum


class Parking(Enum):
    """INDI shows the first and third as Ok, the others as Busy."""

    UNPARKED = "unparked"
    PARKING = "parking"
    PARKED = "parked"
    UNPARKING = "unparking"
