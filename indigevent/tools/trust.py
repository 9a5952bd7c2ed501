"""TLS by a command's options: `--tls`, and files that say whom to trust and what to show."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from indigevent.errors import ClientError

TLS_FILES = ("tls-ca", "tls-certificate", "tls-key")


def tls_context(is_wanted: bool, files: Mapping[str, str]) -> ssl.SSLContext | None:
    """How to trust a server; None for one without TLS.

    Arguments:
        is_wanted: whether `--tls` was given; any of the files says it, too.
        files: PEM files by the names of their options, those in TLS_FILES.

    Raises ClientError, naming the options, when the files cannot be used.
    """
    if not (files or is_wanted):
        return None
    if "tls-key" in files and "tls-certificate" not in files:
        raise ClientError("--tls-key is of no use without its certificate; give --tls-certificate FILE, too")
    try:
        context = ssl.create_default_context(cafile=files.get("tls-ca"))
        if own := files.get("tls-certificate"):
            context.load_cert_chain(own, files.get("tls-key"))
    except OSError as error:  # ssl's errors too
        given = " ".join(f"--{name} {file}" for name, file in files.items())
        raise ClientError(f"{given} cannot be used: {error.strerror or error}; they take PEM files") from None
    return context
