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

__version__ = "0.1.0"

__all__ = [
    "ClientError",
    "ConfigError",
    "DriverError",
    "IndiError",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "__version__",
]
