"""How long a look-up waits for what is not known yet: until definitions have been quiet for a second, once per name.

Scripts look up devices right after they have connected, and properties right after they have switched a device on;
the real module gives them nothing then, and most end in a segmentation fault.
"""

from __future__ import annotations

import time

_QUIET_S = 1.0
_LONGEST_S = 5.0


class Patience:
    """What was active when, and what was waited for in vain."""

    def __init__(self) -> None:
        self._active_s: dict[str, float] = {}
        self._missed: set[tuple[str, str]] = set()

    def note(self, device: str) -> None:
        """The device has defined something, or was told or has told about its connection."""
        self._active_s[device] = time.monotonic()

    def begin_anew(self, device: str = "") -> None:
        """There is reason to hope again: a device was told to connect, or a server was connected to."""
        if device:
            self._missed = {key for key in self._missed if key[0] != device}
            self.note(device)
        else:
            self._missed.clear()
            self._active_s.clear()

    def first_miss(self, device: str, name: str) -> bool:
        """Whether nobody has waited for this in vain."""
        return (device, name) not in self._missed

    def missed(self, device: str, name: str) -> None:
        """It was waited for in vain."""
        self._missed.add((device, name))

    def limit_s(self) -> float:
        """Until when, on the monotonic clock, a look-up that begins now waits at most."""
        return time.monotonic() + _LONGEST_S

    def left_s(self, device: str, limit_s: float, is_connecting: bool) -> float:
        """For how long, in seconds, to wait on now; 0 or less when it is time to give up.

        A device that has not said anything may still be starting as long as others are, and one that is connecting to
        its instrument defines more when it has.
        """
        active_s = self._active_s.get(device, max(self._active_s.values(), default=None))
        until_s = limit_s if active_s is None or is_connecting else min(limit_s, active_s + _QUIET_S)
        return until_s - time.monotonic()
