"""Python reads this first where its folder is on PYTHONPATH: who connects to INDI's port gets to LAB_INDI_PORT.

The scripts are left as they are, and they name localhost and 7624.
"""

import os
import socket

_connect = socket.create_connection


def _redirected(address, *arguments, **keywords):
    if address[1] == 7624:
        address = ("127.0.0.1", int(os.environ["LAB_INDI_PORT"]))
    return _connect(address, *arguments, **keywords)


socket.create_connection = _redirected
