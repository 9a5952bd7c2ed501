"""Plays of rows 1, 6, 7, 10, 11, 14, 20, 22 and 24: drivers that stop, hang, die, flood and leak."""

from __future__ import annotations

import os
import select
import signal
import sys
from functools import partial

import psutil

from tests.faults.parties import reader_process
from tests.lab.vocabulary import EVERYTHING, command, get, update

from .plays import row
from .stage import MEGABYTE, Stage, ended, fate, introduce, logged, megabytes, memory, seconds

_DEVICE = "Flood"
# Every message is another one, so that nobody gains by having seen it before.
_FLOOD = f'exec seq -f "{update(_DEVICE).replace(">1<", ">%.0f<")}" 1 1000000000'
_LEAK = "import sys\nkept = bytearray(b'x') * (200 << 20)\nsys.stdin.read()\n"


@row(1)
def signals(stage: Stage) -> str:
    """SIGTERM, SIGINT, SIGKILL under load; one driver ignores EOF and SIGTERM, one is stopped."""
    found = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        deaf = stage.script("deaf", "trap '' TERM\nwhile :; do sleep 1; done")
        held = stage.script("held", "exec sleep 1000")
        server = stage.serve(deaf, held, stage.script("flood", _FLOOD))
        with reader_process(server, EVERYTHING) as reader:
            stage.within(10, partial(reader.has_taken, MEGABYTE))
            drivers = server.children()
            next(one for one in drivers if "1000" in one.cmdline()).suspend()
            server.process.send_signal(number)
            taken_s = stage.within(5, partial(all_gone, drivers))
            left = [one for one in drivers if lives(one)]
        stage.within(2, partial(ended, server))
        gone = f"all drivers gone {seconds(taken_s, '')}" if not left else f"**{len(left)} drivers left** after 5 s"
        found.append(f"{number.name}: {gone}, status {server.process.poll()}")
        for one in left:
            one.kill()
        server.close()
    return "; ".join(found)


def all_gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them lives."""
    return not any(map(lives, processes))


def lives(process: psutil.Process) -> bool:
    """Whether it runs or is stopped."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@row(6)
def stopped_driver(stage: Stage) -> str:
    """Driver stopped while a client writes 60 MB to it (`-m 2`, ours with `--stall-timeout 2`)."""
    alpha = stage.lab.driver("A")
    server = stage.serve("-m", 2, *stage.ours_only("--stall-timeout", 2), alpha)
    introduce(alpha)
    alpha.ping()
    client = stage.watcher(server, EVERYTHING)
    commander = stage.watcher(server, get("Other"))
    os.kill(alpha.latest.hello["pid"], signal.SIGSTOP)
    alpha.latest.stop_reading()
    base = memory(server)
    text = command("A").replace("<newNumberVector", f"<newNumberVector pad='{'x' * 100_000}'")
    with stage.pulse(server) as pulse:
        for _ in range(600):
            commander.send(text)
        commander.ping()
        grown = memory(server) - base
        taken_s = stage.within(8, lambda: len(alpha.incarnations) > 1)
    told = "clients told" if client.has("delProperty", device="A") else "nobody told"
    result = seconds(taken_s, "**not noticed** in 8 s")
    return f"{'restarted ' if taken_s is not None else ''}{result}, {told}; memory +{megabytes(grown)}; {pulse[0]}"


@row(7)
def hanging_driver(stage: Stage) -> str:
    """Driver hangs silently (ours with `watchdog = 2`)."""
    alpha = stage.lab.driver("A")
    if stage.is_reference:
        server = stage.serve(alpha)
    else:
        config = stage.folder / "watchdog.conf"
        config.write_text(f"[driver A]\ncommand = {alpha.path}\nwatchdog = 2\n")
        server = stage.serve("--config", config)
    introduce(alpha)
    with stage.pulse(server) as pulse:
        taken_s = stage.within(10, lambda: len(alpha.incarnations) > 1)
    verdict = "**not noticed** in 10 s" if taken_s is None else f"found and restarted {seconds(taken_s, '')}"
    return f"{verdict}; {pulse[0]}"


@row(10)
def killed_driver(stage: Stage) -> str:
    """`kill -9` of a driver under load; five kinds of subscribers."""
    alpha, snooper = stage.lab.driver("A"), stage.lab.driver("snooper")
    server = stage.serve(alpha, snooper)
    introduce(alpha)
    snooper.send(get("A"))
    snooper.ping()
    parties = [stage.watcher(server, *said) for said in ((EVERYTHING,), (get("A"),), (get("A", "P"),))]
    parties.append(stage.lab.local_client(server, "local", EVERYTHING))
    everybody = [*parties, snooper.latest]
    alpha.send(update("A") * 3000)
    alpha.latest.kill()
    restarted_s = stage.within(10, lambda: len(alpha.incarnations) > 1)
    stage.within(3, lambda: all(one.has("delProperty", device="A") for one in everybody))
    told = sum(one.has("delProperty", device="A") for one in everybody)
    introduce(alpha)
    alpha.ping()
    stage.within(3, lambda: all(one.has("defNumberVector", device="A") for one in everybody))
    again = sum(one.has("defNumberVector", device="A") for one in everybody)
    mark = "" if told == len(everybody) else "**"
    all_of = f"{mark}{told} of {len(everybody)} told{mark}"
    return f"{all_of}, restarted {seconds(restarted_s, 'never')}, {again} of {len(everybody)} see its properties again"


@row(11)
def failing_drivers(stage: Stage) -> str:
    """Driver that always exits (`/bin/false`) and a missing program, `-r 5`."""
    found = []
    for program in ("/bin/false", "/nowhere/indi_nothing"):
        server = stage.serve("-r", 5, program)
        with stage.pulse(server) as pulse:
            taken_s = stage.within(15, partial(logged, server, "Terminated after #5"))
            stage.pause(1)
        found.append(f"{program}: 5 restarts {seconds(taken_s, 'not in 15 s')}, {fate(server)}, {pulse[0]}")
        server.close()
    return "; ".join(found)


@row(14)
def long_line_and_full_disk(stage: Stage) -> str:
    """1 MB of a driver's stderr without a newline; islog on a full disk (`/dev/full`)."""
    alpha = stage.lab.driver("A")
    islog = stage.folder / "islog"
    islog.mkdir()
    (islog / "2026-01-02.islog").symlink_to("/dev/full")
    server = stage.serve("-l", islog, alpha)
    introduce(alpha)
    with stage.pulse(server) as pulse:
        stage.pause(1)
        alpha.send("<message device='A' timestamp='2026-01-02T03:04:05' message='no room'/>" * 100)
        try:
            os.set_blocking(alpha.latest.descriptor_of_stderr, False)
            for piece in [*[b"x" * 4096] * 256, b"\nafterwards\n"]:
                stage.within(2, lambda: writable(alpha.latest.descriptor_of_stderr))
                alpha.latest.write_stderr(piece)
            logged = stage.within(5, lambda: "afterwards" in server.log)
            line = (
                f"{server.log.count('x') >> 10} KB of the line logged, {'more' if logged else '**nothing**'} after it"
            )
        except OSError as error:
            line = f"**the driver cannot write any more** ({error.strerror})"
    return f"{line}; {server.log.count('No space left')} warnings of the disk; {fate(server)}, {pulse[0]}"


def writable(fd: int) -> bool:
    """Whether a pipe takes something."""
    return bool(select.select([], [fd], [], 0)[1])


@row(20)
def flood(stage: Stage) -> str:
    """Driver floods as fast as it is read."""
    server = stage.serve(stage.script("flood", _FLOOD))
    with reader_process(server, EVERYTHING) as reader, stage.pulse(server) as pulse:
        stage.pause(8)
        read = reader.taken
    return f"{pulse[0]}; meanwhile {read / 8 / len(update(_DEVICE)):.0f} messages/s passed"


@row(22)
def inherited_descriptors(stage: Stage) -> str:
    """150 clients, then a driver restarts."""
    alpha = stage.lab.driver("A")
    server = stage.serve(alpha)
    for number in range(150):
        stage.lab.clients.append((server.client if number % 2 else server.local_client)(f"client {number}"))
    stage.lab.clients[-1].ping()
    alpha.latest.kill()
    stage.within(10, lambda: len(alpha.incarnations) > 1)
    more = len(alpha.latest.hello["descriptors"]) - 3
    return "descriptors 0 to 2 only" if not more else f"**{more} descriptors too many**"


@row(24)
def leaking_driver(stage: Stage) -> str:
    """Driver takes 200 MB (ours with `max-memory = 100`, `over-limit = restart`)."""
    path = stage.folder / "leak.py"
    path.write_text(_LEAK)
    if stage.is_reference:
        server = stage.serve(stage.script("leak", f"exec {sys.executable} {path}"))
    else:
        config = stage.folder / "limits.conf"
        limits = "max-memory = 100\nover-limit = restart\n"
        config.write_text(f"[driver leak]\ncommand = {sys.executable}\narguments = {path}\n{limits}")
        server = stage.serve("--sample-interval", 1, "--config", config)
    with stage.pulse(server) as pulse:
        taken_s = stage.within(10, lambda: "restart #0" in server.log or ended(server))
    verdict = "**not noticed** in 10 s" if taken_s is None else f"restarted {seconds(taken_s, '')}"
    return f"{verdict}; {pulse[0]}"
