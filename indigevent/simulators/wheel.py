"""A simulated filter wheel that turns the shortest way, with the standard property names of INDI filter wheels."""

from __future__ import annotations

import time

from indigevent import __version__
from indigevent.driver import (
    Device,
    Interface,
    Number,
    NumberVector,
    PropertyState,
    Text,
    TextVector,
    Wanted,
    run,
)
from indigevent.simulators.models.wheel import WheelModel

_VALUE = "FILTER_SLOT_VALUE"
_GROUP = "Filter Wheel"
_FILTERS = ("Red", "Green", "Blue", "H_Alpha", "SII", "OIII", "LPR", "Luminance")


class FilterWheelSimulator(Device):
    """The filter wheel."""

    name = "Filter Simulator"
    version = __version__
    interface = Interface.FILTER

    slot = NumberVector(
        "FILTER_SLOT",
        Number(_VALUE, "Filter", 1, format="%3.0f", min=1, max=len(_FILTERS), step=1),
        label="Filter Slot",
        group=_GROUP,
    )
    names = TextVector(
        "FILTER_NAME",
        *(Text(f"FILTER_SLOT_NAME_{number}", f"Filter#{number}", name) for number, name in enumerate(_FILTERS, 1)),
        label="Filter",
        group=_GROUP,
        saved=True,
    )

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._model = WheelModel(len(_FILTERS), time.monotonic())

    def connect(self) -> None:
        """See which filter is there: it may have arrived while nobody looked."""
        self._tell(PropertyState.IDLE)

    @slot.on_new
    def _turn(self, wanted: Wanted) -> None:
        """Clients wait for Ok; until then they see the slot that was there before."""
        now = time.monotonic()
        self._model.select(wanted[_VALUE], now)
        self.slot.set(state=PropertyState.BUSY)
        self.after(self._model.end - now, self._arrive)

    def _arrive(self) -> None:
        """A wheel that was sent elsewhere meanwhile is not there yet."""
        if self.is_connected and not self._model.is_turning(time.monotonic()):
            self._tell(PropertyState.OK)

    def _tell(self, state: PropertyState) -> None:
        self.slot.set({_VALUE: float(self._model.slot(time.monotonic()))}, state=state)


if __name__ == "__main__":
    run(FilterWheelSimulator)
