"""Who may do what: rules for clients by network, local user or certificate, the first that fits holds."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
# What who only watches may send: to ask, to have BLOBs, and libindi's flow control.
_WATCHING = frozenset(("getProperties", "enableBLOB", "pingRequest", "pingReply"))
# What stands for every device in the `getProperties` of a chained server.
_ANY_DEVICE = ("", "*")


@dataclass(frozen=True)
class Visitor:
    """What is known of a client when it connects.

    Arguments:
        address: its IP address, "" on the local socket.
        uid: its user on this machine, None over TCP.
        certificate: the common name of its TLS certificate, "" without one, None as long as it is not known.
    """

    address: str = ""
    uid: int | None = None
    certificate: str | None = ""


@dataclass(frozen=True)
class AccessRule:
    """What some clients may do: all conditions that are given have to fit.

    Arguments:
        name: what logs call it.
        network, uid, certificate: conditions, each with its alternatives; empty is anybody.
        devices: the only devices that they see, with * and ? for any characters; empty is all.
        read_only: they may change nothing.
        deny: they are turned away.
    """

    name: str
    network: tuple[Network, ...] = ()
    uid: tuple[int, ...] = ()
    certificate: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    read_only: bool = False
    deny: bool = False

    def fits(self, visitor: Visitor) -> bool:
        """Whether the rule is for this client."""
        if self.network and not is_within(visitor.address, self.network):
            return False
        if self.uid and visitor.uid not in self.uid:
            return False
        return not self.certificate or visitor.certificate in self.certificate

    def passes(self, tag: str, device: str) -> bool:
        """Whether a message from one of its clients goes anywhere.

        Who sees some devices only cannot address all at once, except to ask.
        """
        if self.read_only and tag not in _WATCHING:
            return False
        if self.devices and device in _ANY_DEVICE:
            return tag in _WATCHING
        return self.shows(device)

    def shows(self, device: str) -> bool:
        """Whether its clients may know of a device; what concerns no device concerns everybody."""
        return not self.devices or not device or any(fnmatchcase(device, pattern) for pattern in self.devices)


EVERYTHING = AccessRule("everybody")


def rule_for(visitor: Visitor, rules: Sequence[AccessRule]) -> AccessRule | None:
    """The first rule that fits; whoever fits none may do everything. None: that depends on the certificate."""
    for rule in rules:
        if rule.certificate and visitor.certificate is None:
            return None
        if rule.fits(visitor):
            return rule
    return EVERYTHING


def parse_network(text: str) -> Network:
    """A network such as 10.0.0.0/8 or fe80::/10, or one address; raises ValueError with a clause that says so."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no network or address; write it as in 192.168.1.0/24") from None


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an IP address is in one of the networks; an IPv4 one may be mapped into IPv6."""
    if not address:
        return False
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
