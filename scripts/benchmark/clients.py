"""Clients that do nothing but count: many sockets, one buffer, one pass over what comes."""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
import time

BUFFER_BYTES = 1 << 20
_FD_BYTES = array.array("i").itemsize
PING = b'<pingRequest uid="in"/>\n'
HELLO = b'<getProperties version="1.7"/>\n<enableBLOB device="Bench">Also</enableBLOB>\n' + PING
READY = b"<pingReply"
DEFINED = b"</defBLOBVector>"


class Client:
    """One connection, and how often it has seen `needle`."""

    def __init__(self, sock: socket.socket, needle: bytes) -> None:
        self.sock = sock
        self.needle = needle
        self.seen = 0
        self._carry = b""

    def look_for(self, needle: bytes) -> None:
        """Count this from now on."""
        self.needle, self.seen, self._carry = needle, 0, b""

    def take(self, buffer: bytearray) -> bool:
        """One read; False when the server has hung up."""
        size = self._receive(buffer)
        if not size:
            return False
        needle = self.needle
        edge = len(needle) - 1
        self.seen += buffer.count(needle, 0, size) + (self._carry + buffer[: min(size, edge)]).count(needle)
        self._carry = bytes(buffer[size - edge : size]) if size >= edge else (self._carry + buffer[:size])[-edge:]
        return True

    def _receive(self, buffer: bytearray) -> int:
        if self.sock.family != socket.AF_UNIX:
            return self.sock.recv_into(buffer)
        size, ancillary, _, _ = self.sock.recvmsg_into([buffer], socket.CMSG_SPACE(16 * _FD_BYTES))
        for _, _, payload in ancillary:
            for fd in array.array("i", payload):
                os.close(fd)
        return size


class Audience:
    """`count` clients on one port, or on one local socket."""

    def __init__(self, count: int, port: int, local: str = "", hello: bytes = HELLO, needle: bytes = READY) -> None:
        self.buffer = bytearray(BUFFER_BYTES)
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}
        for _ in range(count):
            sock = _connect(port, local)
            sock.sendall(hello)
            self.clients[sock.fileno()] = Client(sock, needle)
            self.epoll.register(sock.fileno(), select.EPOLLIN)

    def wait_for(self, needle: bytes, count: int, deadline_s: float = 120.0) -> None:
        """Look for something, `count` times with each client; what came before does not count."""
        self.look_for(needle)
        self.wait(count, deadline_s)

    def look_for(self, needle: bytes) -> None:
        """Count something from now on."""
        for client in self.clients.values():
            client.look_for(needle)

    def wait(self, count: int, deadline_s: float = 120.0) -> None:
        """Read until each client has seen it so often; raises RuntimeError when that does not happen."""
        missing = {fd for fd, client in self.clients.items() if client.seen < count}
        deadline = time.monotonic() + deadline_s
        while missing:
            events = self.epoll.poll(max(0.0, deadline - time.monotonic()))
            if not events:
                seen = min(self.clients[fd].seen for fd in missing)
                raise RuntimeError(f"{len(missing)} clients lack messages; one has {seen} of {count}")
            for fd, _ in events:
                client = self.clients[fd]
                if not client.take(self.buffer):
                    raise RuntimeError(f"the server hung up; the client has {client.seen} of {count} messages")
                if client.seen >= count:
                    missing.discard(fd)

    def settle(self, port: int) -> None:
        """Read until everybody has all that the arrival of the others caused: what a driver defines goes to all."""
        self.wait(1)
        latecomer = Audience(1, port, needle=DEFINED)
        latecomer.wait(1)
        latecomer.close()
        self.send(PING)
        self.wait(2)

    def drain(self) -> None:
        """Read for ever, or until the server hangs up on everybody."""
        while self.clients:
            for fd, _ in self.epoll.poll():
                with contextlib.suppress(OSError):
                    if self.clients[fd].take(self.buffer):
                        continue
                self.epoll.unregister(fd)
                self.clients.pop(fd).sock.close()

    def send(self, data: bytes) -> None:
        """Every client sends this."""
        for client in self.clients.values():
            client.sock.sendall(data)

    def close(self) -> None:
        """Leave."""
        for client in self.clients.values():
            client.sock.close()
        self.epoll.close()


def _connect(port: int, local: str) -> socket.socket:
    if local:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect("\0" + local)
        return sock
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
