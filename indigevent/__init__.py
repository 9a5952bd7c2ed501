"""indigevent: an INDI server daemon, driver framework and client library.

Importing the package is quick and never monkey-patches: only a program's entry point may do that.
"""

from indigevent.errors import (
    ClientError,
    ConfigError,
    DriverError,
    IndiError,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)

TYPE_CHECKING = False  # so type checkers know it, too; to load `typing` takes longer than all the rest here
if TYPE_CHECKING:
    from indigevent.embedding import Server

__version__ = "0.1.0"

__all__ = [
    "ClientError",
    "ConfigError",
    "DriverError",
    "IndiError",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "Server",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Import `Server` when it is asked for: drivers and clients do without gevent."""
    if name == "Server":
        from indigevent.embedding import Server  # noqa: PLC0415

        return Server
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
