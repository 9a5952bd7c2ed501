"""Which BLOBs a program wants, and how to say that to any server; without I/O.

The reference takes enableBLOB for a device as one for everything (its version 1.9.9). So what is not wanted is said
before what is, and what comes all the same is not let through here.
"""

from __future__ import annotations

from indigevent.protocol.constants import BlobMode
from indigevent.protocol.vectors import EnableBLOB

_EVERYTHING = ("", "")


class BlobModes:
    """BLOB modes by scope: property, device, everything; the most specific one rules.

    Arguments:
        is_only: for a connection on which nothing but BLOBs shall come: Also is said as Only.
    """

    def __init__(self, is_only: bool) -> None:
        self._is_only = is_only
        self._modes: dict[tuple[str, str], BlobMode] = {}

    def __bool__(self) -> bool:
        return bool(self._modes)

    def set(self, mode: BlobMode, device: str = "", name: str = "") -> None:
        """Set the mode of a scope ("" is any); a wider one clears the narrower ones that were set before it."""
        kept = {scope: one for scope, one in self._modes.items() if device and (name or scope[0] != device)}
        self._modes = {**kept, (device, name): mode}

    def rules(self, device: str) -> bool:
        """Whether something was said of a whole device."""
        return (device, "") in self._modes

    def wants(self, device: str, name: str) -> bool:
        """Whether a BLOB is to be let through; where nothing was said, whatever comes is."""
        modes = self._modes
        scopes = ((device, name), (device, ""), _EVERYTHING)
        return next((modes[scope] for scope in scopes if scope in modes), None) is not BlobMode.NEVER

    def messages(self) -> tuple[EnableBLOB, ...]:
        """What to say to a server that may have heard other modes before."""
        said = [scope for scope in self._modes if not self._is_kept_to_ourselves(scope)]
        return tuple(EnableBLOB(self._said(scope), *scope) for scope in sorted(said, key=self._rank))

    def _is_kept_to_ourselves(self, scope: tuple[str, str]) -> bool:
        """Never for a device would end everything at the reference, and nothing could be said after it."""
        has_everything = self._modes.get(_EVERYTHING, BlobMode.NEVER) is not BlobMode.NEVER
        return has_everything and scope[0] != "" and not scope[1] and self._modes[scope] is BlobMode.NEVER

    def _rank(self, scope: tuple[str, str]) -> tuple[bool, bool, bool]:
        return bool(scope[0]), bool(scope[1]), self._modes[scope] is not BlobMode.NEVER

    def _said(self, scope: tuple[str, str]) -> BlobMode:
        mode = self._modes[scope]
        return BlobMode.ONLY if self._is_only and mode is BlobMode.ALSO else mode
