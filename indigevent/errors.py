"""One tree of errors: whoever catches IndiError catches everything this package raises on purpose.

Each error's text is one sentence that names the thing, the cause and the way out.
"""


class IndiError(Exception):
    """The root of every error that indigevent raises on purpose."""


class ProtocolError(IndiError):
    """A violation of the INDI protocol; the subclass says whose fault it is."""


class LocalProtocolError(ProtocolError):
    """Our own side asked for something that the protocol does not allow; a bug or a wrong argument here."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something that the protocol does not allow.

    Arguments:
        kind: a short word for counting and for logging once per peer and kind, such as `mismatched-end-tag`.
        offset: position in bytes in what the peer has sent since it connected.
        excerpt: a few bytes around that position.
        detail: what is wrong there, as a clause.
    """

    def __init__(self, kind: str, offset: int, excerpt: bytes, detail: str) -> None:
        super().__init__(kind, offset, excerpt, detail)
        self.kind = kind
        self.offset = offset
        self.excerpt = excerpt
        self.detail = detail

    def __str__(self) -> str:
        """Return one printable line, whatever bytes the peer sent."""
        shown = ascii(self.excerpt.decode("latin-1"))
        detail = self.detail if self.detail.isprintable() else ascii(self.detail)[1:-1]
        return f"{self.kind} at byte {self.offset}: {detail}, near {shown}"


class ConfigError(IndiError):
    """A command line, environment variable, config file or FIFO command that cannot be used as it is."""


class DriverError(IndiError):
    """A driver cannot be started, or did something that the server cannot go on with."""


class Refused(DriverError):
    """A driver does not do what a client asks for; the text is a sentence for the user.

    What a driver's author raises in a handler: the property becomes Alert and the client gets the sentence.
    """


class ClientError(IndiError):
    """A client's request cannot be done: not connected, no such property, or no answer in time."""
