"""A Python driver as a process of its own: how it begins and ends, on pipes and under the daemon's supervision."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.lab.device_client import DeviceClient, command, values, visit
from tests.lab.lab import Lab
from tests.lab.piped_driver import PipedDriver
from tests.lab.pump import Pump
from tests.lab.server import clean_environment
from tests.lab.vocabulary import EVERYTHING, get
from tests.lab.ways import ROOT, Way, serve

SLEEPER = "tests.drivers.faulty:Sleeper"
# Half a second until a handler is interrupted, half a second more until it is given up, and a busy machine.
SOON_S = 4.0


@pytest.fixture
def piped() -> Iterator[Callable[..., PipedDriver]]:
    """Give a function that starts a driver on pipes; all are ended at the end."""
    pump = Pump()
    drivers: list[PipedDriver] = []

    def start(*words: str, **environment: str) -> PipedDriver:
        drivers.append(PipedDriver(pump, *words, **environment))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.close()
    pump.close()


@pytest.fixture
def sleeper(piped: Callable[..., PipedDriver]) -> PipedDriver:
    """A driver that has been greeted."""
    driver = piped(SLEEPER)
    greet(driver, "Sleeper")
    return driver


def greet(driver: PipedDriver, device: str) -> None:
    driver.send(EVERYTHING)
    driver.expect("defTextVector", device=device, name="ECHO")


def echo(driver: PipedDriver, device: str, text: str) -> None:
    """See that the driver lives and hears."""
    driver.send(command("Text", device, "ECHO", {"TEXT": text}))
    while values(driver.expect("setTextVector", device=device, name="ECHO")) != {"TEXT": text}:
        pass


def fall_asleep(driver: PipedDriver, how: str = "LIGHT") -> None:
    driver.send(command("Switch", "Sleeper", "SLEEP", {how: True}))
    driver.wait_for_log("asleep")


# The protocol on pipes


def test_answers_definitions_of_one_property_and_pings(sleeper: PipedDriver) -> None:
    before = len(sleeper.inbox)
    sleeper.send(get("Sleeper", "ECHO"), get("Somebody", "ECHO"), "<pingRequest uid='one &amp; two'/>")
    sleeper.expect("pingReply", uid="one & two")
    assert [(each.tag, each.attributes.get("name")) for each in sleeper.inbox[before:-1]] == [("defTextVector", "ECHO")]


def test_has_the_name_that_the_server_gives_it(piped: Callable[..., PipedDriver]) -> None:
    driver = piped(SLEEPER, INDIDEV="Schläfer")
    greet(driver, "Schläfer")
    assert values(driver.inbox[0])["DRIVER_NAME"] == "Sleeper"
    echo(driver, "Schläfer", "hello")


@pytest.mark.parametrize(
    "rubbish",
    [
        "no XML at all &&& ",
        "<newTextVector device='Sleeper' name='ECHO'><oneText name='TEXT'>cut off",
        "</newTextVector><?pi?><!-- <newTextVector> -->",
        "<newTextVector device='Sleeper' name='ECHO'><oneText name=TEXT>x</oneText></newTextVector>",
        "<newTextVector device='Sleeper'/>",
        "<newTextVector device='Sleeper' name='ECHO'/>",
        "<newSwitchVector device='Sleeper' name='SLEEP'><oneSwitch name='LIGHT'>Perhaps</oneSwitch></newSwitchVector>",
        "<newBLOBVector device='Sleeper' name='ECHO'><oneBLOB name='TEXT' size='-1' format=''/></newBLOBVector>",
        "<setTextVector device='Sleeper' name='ECHO' state='Ok'><oneText name='TEXT'>x</oneText></setTextVector>",
        "<newOddVector device='Sleeper' name='ECHO'/><pingReply/><getProperties/><message/><delProperty/>",
    ],
)
def test_malformed_input_does_no_harm(sleeper: PipedDriver, rubbish: str) -> None:
    sleeper.send(rubbish)
    sleeper.send("<newTextVector device='Sleeper' name='NONE'/>")  # what a cut may cost
    echo(sleeper, "Sleeper", "still here")
    assert "Traceback" not in sleeper.log


def test_printing_does_not_harm_the_stream(piped: Callable[..., PipedDriver]) -> None:
    driver = piped("tests.drivers.talkative:Talkative")
    greet(driver, "Talkative")
    echo(driver, "Talkative", "hello")
    assert b"PRINTED" not in driver.received
    assert driver.log.count("PRINTED") == 3 * 2


def test_an_answer_that_fails_does_not_make_it_deaf(piped: Callable[..., PipedDriver]) -> None:
    driver = piped("tests.drivers.faulty:Secretive")
    driver.send(EVERYTHING)
    driver.wait_for_log("that is a secret")
    driver.send(get("Secretive", "ECHO"))
    driver.expect("defTextVector", name="ECHO")
    echo(driver, "Secretive", "hello")


# The end


def test_ends_when_stdin_does(sleeper: PipedDriver) -> None:
    sleeper.close_stdin()
    status, took_s = sleeper.wait_for_exit()
    assert (status, sleeper.log) == (0, "left\n")
    assert took_s < SOON_S


@pytest.mark.parametrize(("how", "log"), [("LIGHT", "asleep\nleft\n"), ("DEEP", "asleep\n")])
def test_ends_soon_when_stdin_does_in_a_handler_that_sleeps(sleeper: PipedDriver, how: str, log: str) -> None:
    fall_asleep(sleeper, how)
    sleeper.close_stdin()
    status, took_s = sleeper.wait_for_exit()
    assert (status, sleeper.log) == (0, log)
    assert took_s < SOON_S


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("is_asleep", [False, True])
def test_a_signal_ends_it_in_order(sleeper: PipedDriver, number: signal.Signals, is_asleep: bool) -> None:
    if is_asleep:
        fall_asleep(sleeper)
    sleeper.process.send_signal(number)
    status, took_s = sleeper.wait_for_exit()
    assert (status, sleeper.log.removeprefix("asleep\n")) == (0, "left\n")
    assert took_s < SOON_S


def test_ends_when_nobody_reads_it_any_more(sleeper: PipedDriver) -> None:
    sleeper.close_stdout()
    sleeper.send(EVERYTHING)
    status, _ = sleeper.wait_for_exit()
    assert (status, sleeper.log) == (0, "left\n")


# Drivers that cannot begin


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "indigevent.driver", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_helps(flag: str) -> None:
    helped = run(flag)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert helped.stdout.startswith("usage: indigevent-driver package.module:Class\n")


@pytest.mark.parametrize(
    ("words", "status", "last_line"),
    [
        (["tests.drivers.faulty:Broken"], 1, "RuntimeError: the vendor's library is missing"),
        (["tests.drivers.faulty:Unreachable"], 1, "OSError: nobody answers on the line"),
        (["tests.drivers.faulty:Forgetful"], 1, "Forgetful.__init__ has to call super().__init__() first"),
        (["tests.drivers.faulty:Nobody"], 1, "module tests.drivers.faulty has no driver class Nobody"),
        (["tests.drivers.faulty:note"], 1, "module tests.drivers.faulty has no driver class note"),
        (
            ["tests.drivers.nowhere:Nobody"],
            1,
            "there is no module tests.drivers.nowhere on Python's path; check its name",
        ),
        (
            ["nowhere:Nobody"],
            1,
            f"there is no module nowhere on Python's path, which begins with {ROOT}; "
            "start the server in the folder that has nowhere, or name that folder in PYTHONPATH",
        ),
        (["Sleeper"], 1, "'Sleeper' names no driver: it must be package.module:Class"),
        ([], 2, "usage: indigevent-driver package.module:Class"),
    ],
)
def test_says_why_it_cannot_begin(words: list[str], status: int, last_line: str) -> None:
    ended = run(*words)
    lines = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout, lines[-1]) == (status, "", last_line)
    assert ("Traceback" in ended.stderr) is ("Error: " in last_line)
    assert "left" not in ended.stderr


# Under the daemon


def test_the_daemon_starts_a_driver_that_cannot_begin_again_and_gives_up(lab: Lab) -> None:
    server = serve(lab, Way.NAME, ["tests.drivers.faulty:Broken", SLEEPER], ["-r", "1"])
    label = "Driver tests.drivers.faulty:Broken: "
    server.wait_for_log(f"{label}RuntimeError: the vendor's library is missing")
    server.wait_for_log(f"{label}restart #0")  # counted as the reference does
    server.wait_for_log(f"{label}Terminated after #1 restarts")
    assert visit(lab, server, "Sleeper").definition("ECHO")


def test_a_driver_that_was_killed_is_back(lab: Lab) -> None:
    server = serve(lab, Way.NAME, [SLEEPER], ["-r", "1"])
    sleeper = visit(lab, server, "Sleeper")
    (driver,) = [each for each in server.children() if SLEEPER in each.cmdline()]
    driver.send_signal(signal.SIGKILL)
    sleeper.client.expect("delProperty", device="Sleeper")
    sleeper.client.expect("defTextVector", device="Sleeper", name="ECHO")
    psutil.wait_procs([driver], timeout=10)


def test_a_fifo_starts_names_and_stops_it(lab: Lab) -> None:
    fifo = lab.folder / "fifo"
    os.mkfifo(fifo)
    server = serve(lab, Way.NAME, [], ["-f", str(fifo)])
    client = lab.client(server, "client", EVERYTHING)
    fifo.write_text(f'start {SLEEPER} -n "Night Owl"\n')
    owl = DeviceClient(client, "Night Owl")
    owl.definition("ECHO")
    owl.text("ECHO", TEXT="hoo")
    assert owl.told("ECHO", state="Ok") == {"TEXT": "hoo"}
    fifo.write_text(f'stop {SLEEPER} -n "Night Owl"\n')
    client.expect("delProperty", device="Night Owl")
    server.wait_for_log(f"Driver {SLEEPER}: left")
    server.wait_for_log(f"Driver {SLEEPER}: ended with status 0")


def test_the_end_of_the_daemon_is_the_drivers_too(lab: Lab) -> None:
    server = serve(lab, Way.NAME, [SLEEPER])
    sleeper = visit(lab, server, "Sleeper")
    sleeper.switch("SLEEP", LIGHT=True)
    server.wait_for_log(f"Driver {SLEEPER}: asleep")
    assert server.stop() == 0
    assert f"Driver {SLEEPER}: left" in server.complete_log()
