"""What the simulated devices do, without I/O or a clock: every method is told what time it is."""

from indigevent.errors import Refused


class Refusal(Refused):
    """A command that the device cannot or must not obey; its text is a sentence for the user."""
