"""Where every command starts: Ctrl-C ends it without a traceback while its modules are loaded, and when it is done.

So this module loads next to nothing itself.
"""

import importlib
import signal
from collections.abc import Callable
from functools import partial

_EXIT_INTERRUPTED = 130


def _start(module: str, *, heeds_signals: bool = False) -> int:
    """Run a module's `main` and return its exit status.

    Arguments:
        module: the name of the module.
        heeds_signals: it says itself, as soon as it can, what SIGINT does; a command that does not gets
            KeyboardInterrupt while it runs.
    """
    is_ignored = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if not is_ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    main: Callable[[], int] = importlib.import_module(module).main
    return main() if heeds_signals or is_ignored else _interruptible(main)


def _interruptible(main: Callable[[], int]) -> int:
    try:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return main()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED


server = partial(_start, "indigevent.cli.server", heeds_signals=True)
driver = partial(_start, "indigevent.driver.run", heeds_signals=True)
ctl = partial(_start, "indigevent.cli.ctl")
getprop = partial(_start, "indigevent.cli.getprop")
setprop = partial(_start, "indigevent.cli.setprop")
evaluate = partial(_start, "indigevent.cli.evaluate")
record = partial(_start, "indigevent.cli.record")
replay = partial(_start, "indigevent.cli.replay")
