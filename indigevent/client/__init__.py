"""The client library: drive INDI devices from blocking code, in threads or in greenlets.

with Client("localhost") as indi:
    ccd = indi["CCD Simulator"]
    ccd.connect()
    ccd["CCD_EXPOSURE"].set(3, wait=True)
    image = ccd["CCD1"].next_blob(timeout=30)
"""

from indigevent.client.client import Client
from indigevent.client.events import Subscription
from indigevent.client.handles import LiveDevice, LiveProperty
from indigevent.client.model import Blob, Element, Event, EventKind
from indigevent.errors import ClientError
from indigevent.protocol.constants import BlobMode, Permission, PropertyState, SwitchRule, SwitchState, VectorKind

__all__ = [
    "Blob",
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
