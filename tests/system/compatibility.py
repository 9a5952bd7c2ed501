"""The rows of the README's compatibility page: where this server differs from the reference on purpose.

Each scenario that differs names its row's key; the README carries the sentences.
"""

COMPATIBILITY: dict[str, str] = {
    "driver-getproperties": (
        "A driver's getProperties (a snoop request) goes to the drivers that own the device and to "
        "chained upstream servers; the reference also sends it to most ordinary clients."
    ),
    "blobs-to-drivers-inline": (
        "Local drivers get every BLOB inline, as base64; indiserver 1.9.9 attaches a shared memory "
        "descriptor, which drivers cannot read."
    ),
    "enableblob-device": (
        "enableBLOB with a device and no name concerns that device only; the reference ignores the device."
    ),
    "enableblob-only": (
        "enableBLOB Only leaves that scope's setBLOBVector, defBLOBVector and delProperty; the reference "
        "suppresses the definitions, and for a property it suppresses nothing."
    ),
    "enclen": (
        "A large inline BLOB with a true enclen passes; indiserver 1.9.9 stops reading from its sender for good."
    ),
    "remote-lost": (
        "A remote server that ends costs that remote only: its devices are deleted and it is connected "
        "again; the reference ends with status 1."
    ),
    "remote-absent": (
        "A remote server that cannot be reached at the start is tried again for ever; the reference ends with status 1."
    ),
    "death-tells-all": (
        "When a driver ends, delProperty goes to everybody who subscribed to anything of its devices and "
        "to snooping drivers; the reference forgets subscribers of single properties and snooping "
        "drivers."
    ),
    "signals": "SIGTERM and SIGINT end the server in order with status 0; the reference is killed by them.",
    "half-closed": (
        "A client that has shut down its writing side still gets the replies that come; the reference "
        "closes it at once."
    ),
    "fifo-errors": (
        "In the FIFO an unknown verb, a missing quote or an empty name is an error; the reference takes "
        "an unknown verb for stop and starts something for the others."
    ),
    "fifo-made": "A FIFO that does not exist is made; the reference ends with status 1.",
    "descriptors": (
        "Descriptors of BLOBs that nobody takes are closed; the reference keeps some of them open for good."
    ),
    "bad-values": ("A value that cannot be meant (-r few) is refused with status 2; the reference takes it for 0."),
    "well-formed": (
        "What leaves is well-formed UTF-8 XML: bare ampersands, CDATA, comments, control bytes, Latin-1 "
        "and character references are understood, a duplicate attribute or an element cut off costs that "
        "element; the reference passes on ill-formed XML, loses line breaks in attributes or stops "
        "reading from that peer for good."
    ),
    "hostile-blobs": (
        "A BLOB with a wrong size, or without its descriptor, costs its sender at most the connection or "
        "a restart; the reference ends."
    ),
    "same-remote-snoop": (
        "A snoop request between two devices of one remote server is left to that server; the reference "
        "sends it back there."
    ),
    "mixed-blobs": (
        "One vector may carry attached and inline BLOBs together; the reference mixes up or loses their contents."
    ),
}
