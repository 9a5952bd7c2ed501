"""Which BLOBs to ask of a remote server: those that somebody here wants, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from indigevent.protocol.constants import BlobMode
from indigevent.routing.interest import Scope
from indigevent.routing.peers import Driver


class BlobRequest(NamedTuple):
    """One `enableBLOB` for a remote."""

    device: str
    name: str
    mode: BlobMode


class BlobDemand:
    """What one remote has been asked for.

    Only `Also` and `Never` are asked: `Only` would end the other messages for everybody behind this server.
    """

    def __init__(self, remote: Driver) -> None:
        self._remote = remote
        self._asked: list[Scope] = []

    def changes(self, wanted: Iterable[Scope]) -> list[BlobRequest]:
        """The requests that bring the remote up to date with the scopes wanted here.

        A wider request clears narrower ones that came before it, so after one all are asked again, wide ones first.
        """
        scopes = sorted((scope for scope in wanted if self._concerns(scope)), key=_width)
        gone = [scope for scope in self._asked if scope not in scopes]
        added = [scope for scope in scopes if scope not in self._asked]
        widest = min(map(_width, added), default=2)
        clears = bool(gone) or any(_width(scope) > widest for scope in self._asked)
        self._asked = scopes
        again = scopes if clears else added
        return [
            *(BlobRequest(*scope, BlobMode.NEVER) for scope in gone),
            *(BlobRequest(*scope, BlobMode.ALSO) for scope in again),
        ]

    def _concerns(self, scope: Scope) -> bool:
        return self._remote.wants_blobs and (not scope[0] or scope[0] in self._remote.devices)


def _width(scope: Scope) -> int:
    """0 for everything, 1 for a device, 2 for a property."""
    return bool(scope[0]) + bool(scope[1])
