"""What one client has asked for: devices, properties, and how it wants BLOBs."""

from __future__ import annotations

from collections.abc import Mapping

from indigevent.protocol.constants import BlobMode
from indigevent.routing import access

Scope = tuple[str, str]
EVERYTHING: Scope = ("", "")
_NO_MODES: Mapping[str, BlobMode] = {}
# What Python needs for a scope besides its characters.
_SCOPE_BYTES = 200
# With BLOB mode Only a client still needs these of the scope: libindi's BLOB connections wait for the definition.
_BLOB_COMPANIONS = ("defBLOBVector", "delProperty")


class BlobPolicy:
    """BLOB modes by scope (property, device, everything); the most specific one rules (INDI 1.7: default Never)."""

    def __init__(self) -> None:
        # By device: a client with modes for very many of them must not make each further one cost more.
        self._modes: dict[str, dict[str, BlobMode]] = {}

    def set(self, device: str, name: str, mode: BlobMode) -> None:
        """Set the mode of a scope ("" is any); a wider one clears the narrower ones that were set before it.

        A name without a device is no scope (reference behaviour).
        """
        if name and not device:
            return
        if not device:
            self._modes.clear()
        elif not name:
            self._modes.pop(device, None)
        self._modes.setdefault(device, {})[name] = mode

    def mode(self, device: str, name: str) -> BlobMode:
        """The mode that rules for a property (or for a device, with name "")."""
        modes = self._modes.get(device, _NO_MODES)
        return modes.get(name) or modes.get("") or self._modes.get("", _NO_MODES).get("") or BlobMode.NEVER

    def wanted_scopes(self) -> list[Scope]:
        """The scopes in which BLOBs are wanted."""
        return [
            (device, name)
            for device, modes in self._modes.items()
            for name, mode in modes.items()
            if mode is not BlobMode.NEVER
        ]

    def allows(self, tag: str, device: str, name: str) -> bool:
        """Whether a message of this kind may be sent at all."""
        return mode_allows(self.mode(device, name), tag)


def mode_allows(mode: BlobMode, tag: str) -> bool:
    """Whether a BLOB mode lets a kind of message pass."""
    if tag == "setBLOBVector":
        return mode is not BlobMode.NEVER
    return mode is not BlobMode.ONLY or tag in _BLOB_COMPANIONS


class Interest:
    """One client's subscriptions and BLOB policy, as its messages built them up.

    `is_upstream` is a chained server; `marks_requests` one that marks its requests, so one of ours; `is_in_ring` one
    through which our own requests came back; `rule` says what it may know of and do; `size_bytes` is about what all
    this needs in memory.
    """

    def __init__(self) -> None:
        self.rule = access.EVERYTHING
        self.everything = False
        self.is_upstream = False
        self.marks_requests = False
        self.is_in_ring = False
        self.scopes: set[Scope] = set()
        self.size_bytes = 0
        self.blobs = BlobPolicy()

    def learn(self, tag: str, device: str, name: str) -> bool:
        """Take note of a message from the client; whether that changed what it is subscribed to.

        Reference behaviour: every message that names a device subscribes to it; a first `getProperties` without one
        subscribes to everything; a first message for device "*" comes from a chained server.
        """
        first = not self.scopes and not self.is_upstream
        if device == "*" and first:
            changed = not (self.everything and self.is_upstream)
            self.everything = self.is_upstream = True
        elif device:
            changed = (device, name) not in self.scopes
            if changed:
                self.scopes.add((device, name))
                self.size_bytes += len(device) + len(name) + _SCOPE_BYTES
        else:
            changed = tag == "getProperties" and first and not self.everything
            self.everything = self.everything or changed
        return changed

    def wants(self, tag: str, device: str, name: str) -> bool:
        """Whether a message from a driver is for this client."""
        return self.subscribes(device, name) and self.blobs.allows(tag, device, name)

    def subscribes(self, device: str, name: str) -> bool:
        """Whether the client is subscribed to a property; a message without device is for everybody."""
        if not self.rule.shows(device):
            return False
        if self.everything or not device:
            return True
        return (device, "") in self.scopes or (device, name) in self.scopes
