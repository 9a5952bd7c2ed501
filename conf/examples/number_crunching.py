#!/usr/bin/env python3
"""Pure-Python number crunching in a process of its own, which can be aborted.

In a thread it would take turns with all other Python code of the process: Python runs one thread at a time (the GIL).
A `spawn`ed process imports this file anew, and the program that was started: both do their work only under
`if __name__ == "__main__"`.
"""

import multiprocessing

from indigevent.driver import Device, Number, NumberVector, PropertyState, Refused, Switch, SwitchVector, run

processes = multiprocessing.get_context("spawn")


def count_primes(limit):
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, int(limit)))


def work(sender, limit):
    """In the other process."""
    sender.send(count_primes(limit))


class PrimeCounter(Device):
    name = "Prime Counter"
    limit = NumberVector("LIMIT", Number("BELOW", "Below", 1000, format="%.f", min=2, max=1e9), label="Count primes")
    primes = NumberVector("PRIMES", Number("COUNT", "Primes", format="%.f"), perm="ro", label="Primes")
    abort = SwitchVector("ABORT", Switch("ABORT", "Abort"), rule="AtMostOne", momentary=True, label="Abort")
    process = None

    def disconnect(self):
        self.stop(None)

    @limit.on_new
    def begin(self, wanted):
        if self.process:
            raise Refused("It is still counting; abort that first.")
        receiver, sender = processes.Pipe(duplex=False)
        self.process = processes.Process(target=work, args=(sender, wanted["BELOW"]), daemon=True)
        self.process.start()
        sender.close()
        self.primes.set(state=PropertyState.BUSY)
        self.spawn(self.await_result, self.process, receiver)

    @abort.on_new
    def stop(self, wanted):
        if self.process:
            self.process.kill()

    def await_result(self, process, receiver):
        """In a thread of its own, which only waits; the driver's thread tells the result."""
        with receiver:
            try:
                count = receiver.recv()
            except EOFError:  # the process has ended without a result
                count = None
        process.join()
        self.call(lambda: self.finish(count))

    def finish(self, count):
        self.process = None
        if count is None:
            self.primes.alert("The count was aborted or has failed; see the log.")
        else:
            self.primes.set(COUNT=count)


if __name__ == "__main__":
    run(PrimeCounter)
