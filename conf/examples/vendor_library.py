#!/usr/bin/env python3
"""A photometer behind a vendor's C library that is called through ctypes, and calls back from a thread of its own.

The C library of the system stands for the vendor's: `qsort` calls back while it is called, `pthread_create` from a new
thread. Calls through `ctypes.CDLL` let other Python threads run meanwhile; only this driver waits.
"""

import ctypes

from indigevent.driver import Device, Number, NumberVector, PropertyState, Refused, Switch, SwitchVector, run

library = ctypes.CDLL(None)  # the vendor's: ctypes.CDLL("libphotometer.so.2")
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_double))
MEASURED = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
library.qsort.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, COMPARE]
library.qsort.restype = None
library.pthread_create.argtypes = [ctypes.POINTER(ctypes.c_ulong), ctypes.c_void_p, MEASURED, ctypes.c_void_p]
library.pthread_detach.argtypes = [ctypes.c_ulong]


class Photometer(Device):
    name = "Photometer"
    button = SwitchVector("MEASURE", Switch("START", "Start"), rule="AtMostOne", momentary=True, label="Measure")
    raw = NumberVector("READINGS", *(Number(f"READING_{n}", value=v) for n, v in enumerate((21.3, 20.9, 21.1))))
    median = NumberVector("BRIGHTNESS", Number("MEDIAN", "Median", format="%.2f"), perm="ro", label="Brightness")

    def connect(self):
        self.on_measured = MEASURED(self.measured)  # kept: ctypes forgets a callback that nobody refers to

    @button.on_new
    def measure(self, wanted):
        thread = ctypes.c_ulong()
        status = library.pthread_create(ctypes.byref(thread), None, self.on_measured, None)
        if status != 0:
            raise Refused(f"The photometer does not start: error {status}.")
        library.pthread_detach(thread)
        self.median.set(state=PropertyState.BUSY)

    def measured(self, data):
        """In a thread of the library's: hand over to the driver's."""
        self.call(self.read_out)

    def read_out(self):
        readings = (ctypes.c_double * len(self.raw.values))(*self.raw.values.values())
        library.qsort(readings, len(readings), ctypes.sizeof(ctypes.c_double), COMPARE(compare))
        self.median.set(MEDIAN=readings[len(readings) // 2])


def compare(one, other):
    """What qsort asks while it sorts, in the driver's thread."""
    return (one[0] > other[0]) - (one[0] < other[0])


if __name__ == "__main__":
    run(Photometer)
