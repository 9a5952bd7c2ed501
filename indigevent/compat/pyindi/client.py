"""The client that scripts derive from: PyIndi's method names over a session."""

from __future__ import annotations

from typing import Any

from indigevent.compat.pyindi import sending
from indigevent.compat.pyindi.device import BaseDevice
from indigevent.compat.pyindi.properties import (
    Property,
    PropertyNumber,
    PropertySwitch,
    PropertyText,
)
from indigevent.compat.pyindi.session import Session
from indigevent.compat.pyindi.widgets import IBLOB
from indigevent.compat.pyindi.words import BLOB_MODES, as_text, word
from indigevent.protocol.constants import BlobMode
from indigevent.protocol.vectors import (
    EnableBLOB,
    PingReply,
    PingRequest,
)


class BaseMediator:
    """The callbacks, to be overridden: called in the reading thread, except where it is said."""

    def newDevice(self, baseDevice: BaseDevice) -> None:
        """A device has defined its first property."""

    def removeDevice(self, baseDevice: BaseDevice) -> None:
        """A device has gone."""

    def newProperty(self, property: Property) -> None:
        """A property was defined."""

    def updateProperty(self, property: Property) -> None:
        """A property has new values or a new state."""

    def removeProperty(self, property: Property) -> None:
        """A property has gone."""

    def newMessage(self, baseDevice: BaseDevice, messageID: int) -> None:
        """A device has sent a message: `baseDevice.messageQueue(messageID)`."""

    def serverConnected(self) -> None:
        """The server was reached; in the thread that called connectServer."""

    def serverDisconnected(self, exit_code: int) -> None:
        """The connection has ended: -1 when it was lost, else disconnectServer's argument, in its caller's thread."""


class AbstractBaseClient(BaseMediator):
    """What a client can do.

    Everything inside is in the session, so that a script's own attributes and methods never meet it.
    """

    __session: Session

    # Made here so that a subclass whose __init__ forgets its base works all the same.
    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        """Make a client that is not connected."""
        client = super().__new__(cls)
        client.__session = Session(client)
        return client

    def setServer(self, hostname: str, port: int) -> None:
        """Say where the server is, before connecting; localhost and 7624 otherwise."""
        if not isinstance(hostname, str) or not isinstance(port, int):
            raise TypeError(f"a server's address is a str and an int, not {hostname!r} and {port!r}")
        self.__session.host, self.__session.port = hostname, port

    def getHost(self) -> str:
        """The server's host."""
        return self.__session.host

    def getPort(self) -> int:
        """The server's port."""
        return self.__session.port

    def connectServer(self) -> bool:
        """Connect and ask for properties; False, with the cause in the log, when that fails or is done already."""
        return self.__session.open()

    def disconnectServer(self, exit_code: int = 0) -> bool:
        """Disconnect; False when there was no connection. Devices stay in the cache."""
        return self.__session.close(exit_code)

    def isServerConnected(self) -> bool:
        """Whether there is a connection."""
        return self.__session.is_connected

    def setConnectionTimeout(self, seconds: int, microseconds: int) -> None:
        """For how long connecting, and writing, may take; 10 seconds otherwise. Raises ValueError out of range."""
        if not (0 <= seconds < 1 << 32 and 0 <= microseconds < 1 << 32):
            raise ValueError(
                f"{seconds} and {microseconds} are no time: give seconds and microseconds of 0 to 2**32 - 1"
            )
        self.__session.timeout_s = seconds + microseconds / 1e6

    def setVerbose(self, enable: bool) -> None:
        """Log the name of each message that comes (logger `indigevent`, level INFO)."""
        self.__session.is_verbose = enable

    def isVerbose(self) -> bool:
        """Whether messages are logged."""
        return self.__session.is_verbose

    def watchDevice(self, deviceName: str) -> None:
        """Ask for this device only (and for others so named); before or after connecting."""
        self.__session.watch(deviceName, "")

    def watchProperty(self, deviceName: str, propertyName: str) -> None:
        """Ask for this property only (and for others so named); before or after connecting."""
        self.__session.watch(deviceName, propertyName)

    def connectDevice(self, deviceName: str) -> None:
        """Ask a driver to connect to its instrument."""
        sending.switch_on(self.__session, deviceName, "CONNECTION", "CONNECT")

    def disconnectDevice(self, deviceName: str) -> None:
        """Ask a driver to let its instrument go."""
        sending.switch_on(self.__session, deviceName, "CONNECTION", "DISCONNECT")

    def getDevice(self, deviceName: str) -> BaseDevice:
        """The device with this name, waiting a little for one that is not known yet; false where there is none."""
        return self.__session.find_device(deviceName)

    def getDevices(self) -> list[BaseDevice]:
        """All devices at present, by name, without waiting for more."""
        return [self.__session.base_device(name) for name in sorted(self.__session.mirror.devices.copy())]

    def setBLOBMode(self, blobH: int, dev: str, prop: str | None = None) -> None:
        """Say which BLOBs to send: B_NEVER, B_ALSO or B_ONLY, of a device or one of its properties."""
        mode = word(BLOB_MODES, blobH, "a BLOB mode")
        device, name = as_text(dev or "", "the name of a device"), as_text(prop or "", "the name of a property")
        self.__session.blob_modes[device, name] = mode
        if self.__session.is_connected:
            self.__session.send(EnableBLOB(mode, device, name))

    def getBLOBMode(self, dev: str, prop: str | None = None) -> int:
        """The mode that was set last for a property or its device; B_ALSO where none was, as in the real module."""
        modes = self.__session.blob_modes
        mode = modes.get((dev, prop or ""), modes.get((dev, ""), BlobMode.ALSO))
        return BLOB_MODES.index(mode)

    def sendNewProperty(self, pp: Property) -> None:
        """Ask the driver for what is in a property of any type but lights."""
        sending.send(self.__session, pp, Property)

    def sendNewText(self, *args: Any) -> None:
        """Ask for texts: (property) or (device, property, element, text)."""
        sending.send_or_change(self.__session, "text", PropertyText, args)

    def sendNewNumber(self, *args: Any) -> None:
        """Ask for numbers: (property) or (device, property, element, number)."""
        sending.send_or_change(self.__session, "value", PropertyNumber, args)

    def sendNewSwitch(self, *args: Any) -> None:
        """Ask for switches: (property), (device, property, element to switch on), or these and ISS_ON or ISS_OFF."""
        if len(args) == 3:
            sending.switch_on(self.__session, *args)
        else:
            sending.send_or_change(self.__session, "s", PropertySwitch, args)

    def startBlob(self, devName: str, propName: str, timestamp: str) -> None:
        """Begin a message of BLOBs, which sendOneBlob fills and finishBlob sends."""
        self.__session.upload.start(devName, propName, timestamp)

    def sendOneBlob(self, *args: Any) -> None:
        """Add a BLOB to the message: (widget), or (name, size, format, bytes)."""
        if len(args) == 1 and isinstance(args[0], IBLOB):
            widget = args[0]
            args = (widget.name, widget.size, widget.format, widget.getblob())
        if len(args) != 4:
            raise TypeError(f"sendOneBlob takes a BLOB widget, or name, size, format and bytes, not {args!r}")
        self.__session.upload.add(*args)

    def finishBlob(self) -> None:
        """Send the message of BLOBs."""
        self.__session.send(self.__session.upload.finish())

    def sendPingRequest(self, uid: str) -> None:
        """Ask the server to say when it has taken in everything sent before; newPingReply gets the answer."""
        self.__session.send(PingRequest(as_text(uid, "a name for a ping")))

    def sendPingReply(self, uid: str) -> None:
        """Answer a ping (those of the server are answered without this)."""
        self.__session.send(PingReply(as_text(uid, "a name for a ping")))


class BaseClient(AbstractBaseClient):
    """A client: derive from it, override callbacks, and connect."""

    def enableDirectBlobAccess(self, dev: str | None = None, prop: str | None = None) -> None:
        """Accepted and of no effect: here no BLOB is copied that need not be."""

    def sendOneBlobFromBuffer(self, name: str, type: str, data: bytes) -> None:
        """Add a BLOB to the message that startBlob began: an element's name, a format such as `.fits`, bytes."""
        self.sendOneBlob(name, len(data), type, data)

    def newPingReply(self, uid: str) -> None:
        """A ping was answered."""

    def newUniversalMessage(self, message: str) -> None:
        """The server has sent a message that belongs to no device."""
