"""Configuration: one option table makes command line, environment, config file and their documentation.

Read only by `cli`, `embedding`, `server/app.py` and `server/preparation.py`; everyone else receives plain values.
"""

from indigevent.config.load import Configuration, UsageError, load, read
from indigevent.config.settings import Settings

__all__ = ["Configuration", "Settings", "UsageError", "load", "read"]
