"""TLS as others do it: certificates and clients made by the `openssl` command."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .client import ScriptedClient
from .lab import Lab

_KIND = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    path: Path
    key: Path


class Authority:
    """Signs certificates; `path` is its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.path, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl("req", "-x509", *_KIND, "-keyout", self._key, "-out", self.path, "-days", "30", "-subj", f"/CN={name}")

    def issue(self, name: str, hosts: str = "DNS:localhost,IP:127.0.0.1") -> Certificate:
        """Make a certificate with this common name, for these hosts."""
        certificate = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={hosts}\n")
        _openssl("req", *_KIND, "-keyout", certificate.key, "-out", request, "-subj", f"/CN={name}")
        signer = ("-CA", self.path, "-CAkey", self._key, "-CAcreateserial", "-extfile", extensions)
        _openssl("x509", "-req", "-in", request, *signer, "-days", "30", "-out", certificate.path)
        return certificate


class TlsClients:
    """Clients that speak TLS by `openssl s_client`; `close` ends them."""

    def __init__(self, lab: Lab, authority: Authority) -> None:
        self._lab = lab
        self._authority = authority
        self._processes: list[subprocess.Popen[bytes]] = []

    def connect(self, port: int, name: str, *messages: str, certificate: Certificate | None = None) -> ScriptedClient:
        """Connect a client and send these messages; it checks the server's certificate and name."""
        own = ("-cert", certificate.path, "-key", certificate.key) if certificate else ()
        check = ("-CAfile", self._authority.path, "-verify_return_error", "-verify_ip", "127.0.0.1")
        ours, theirs = socket.socketpair()
        with theirs:
            self._processes.append(
                subprocess.Popen(
                    ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", *map(str, (*check, *own))],
                    stdin=theirs,
                    stdout=theirs,
                    stderr=subprocess.DEVNULL,
                )
            )
        client = ScriptedClient(name, self._lab.pump, ours)
        self._lab.clients.append(client)
        client.send(*messages)
        return client

    def close(self) -> None:
        """End the clients' processes."""
        for process in self._processes:
            process.kill()
            process.wait()


def _openssl(*words: object) -> None:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
