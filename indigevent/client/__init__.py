"""The client library: drive INDI devices from blocking code, in threads or in greenlets.

with Client("localhost") as indi:
    ccd = indi["CCD Simulator"]
    ccd.connect()
    ccd["CCD_EXPOSURE"].set(3, wait=True)
    image = ccd["CCD1"].next_blob(timeout=30)

Each name is imported when it is asked for first: the tools use parts of this package and start quickly.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indigevent.client.blob_files import BlobFile
    from indigevent.client.client import Client
    from indigevent.client.events import Subscription
    from indigevent.client.handles import LiveDevice, LiveProperty
    from indigevent.client.model import Blob, Element, Event, EventKind
    from indigevent.errors import ClientError
    from indigevent.protocol.constants import BlobMode, Permission, PropertyState, SwitchRule, SwitchState, VectorKind

__all__ = [
    "Blob",
    "BlobFile",
    "BlobMode",
    "Client",
    "ClientError",
    "Element",
    "Event",
    "EventKind",
    "LiveDevice",
    "LiveProperty",
    "Permission",
    "PropertyState",
    "Subscription",
    "SwitchRule",
    "SwitchState",
    "VectorKind",
]

_CONSTANTS = ("BlobMode", "Permission", "PropertyState", "SwitchRule", "SwitchState", "VectorKind")
_HOMES = {
    "BlobFile": "indigevent.client.blob_files",
    "Client": "indigevent.client.client",
    "ClientError": "indigevent.errors",
    "Subscription": "indigevent.client.events",
    "LiveDevice": "indigevent.client.handles",
    "LiveProperty": "indigevent.client.handles",
    **dict.fromkeys(("Blob", "Element", "Event", "EventKind"), "indigevent.client.model"),
    **dict.fromkeys(_CONSTANTS, "indigevent.protocol.constants"),
}


def __getattr__(name: str) -> Any:
    """Import one of the names above."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    """What can be asked for, imported or not."""
    return sorted({*globals(), *__all__})
