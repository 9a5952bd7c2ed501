"""`python -m indigevent.compat script.py`, and how scripts end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab
from tests.lab.server import clean_environment
from tests.lab.vocabulary import define_blob, delete, set_blob

from .conftest import RUNNER, Started

CAMERA = (
    "<defNumberVector device='D' name='CCD_EXPOSURE' state='Idle' perm='rw'>"
    "<defNumber name='x' format='%g' min='0' max='9' step='1'>1</defNumber></defNumberVector>"
)
TOLD = "<setNumberVector device='D' name='CCD_EXPOSURE' state='{}'><oneNumber name='x'>0</oneNumber></setNumberVector>"
EXPOSE = """
import threading, PyIndi
class Camera(PyIndi.BaseClient):
    def newBLOB(self, blob):
        lapse()
        threading.Event().wait(0.5)
        print("saved", blob.getblob().decode())
client = Camera()
client.setServer("127.0.0.1", {port})
client.connectServer()
client.setBLOBMode(PyIndi.B_ALSO, "D", None)
exposure = client.getDevice("D").getNumber("CCD_EXPOSURE")
exposure[0].value = {duration}
client.sendNewNumber(exposure)
"""
Run = Callable[..., Started]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Give a function that runs a script's text with arguments."""
    running: list[Started] = []

    def start(text: str, *arguments: str) -> Started:
        (tmp_path / "script.py").write_text(text, encoding="utf-8")
        words = [sys.executable, *RUNNER, "script.py", *arguments]
        running.append(Started(words, tmp_path, clean_environment()))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.communicate()


class Exposing:
    """A script that asks for an exposure and has nothing more to do."""

    def __init__(self, lab: Lab, run: Run, ending: str = "", duration: str = "1.0") -> None:
        self.driver: ScriptedDriver = lab.driver("camera")
        server = lab.server(self.driver)
        self.script = run(EXPOSE.format(port=server.port, duration=duration) + ending)
        self.driver.expect("getProperties")
        self.driver.send(CAMERA, define_blob("D", "B"))

    def wait_until_it_waits(self) -> None:
        self.driver.expect("newNumberVector", device="D", name="CCD_EXPOSURE")
        assert self.script.process.stderr is not None
        line = self.script.process.stderr.readline()
        assert line == "waiting for the images of D.CCD_EXPOSURE; Ctrl-C ends it\n"


def test_a_script_has_its_own_name_arguments_folder_and_status(run: Run, tmp_path: Path) -> None:
    expected = f"['script.py', '-x', 'two words'] __main__ {tmp_path}/script.py 7 True\n"
    (tmp_path / "sibling.py").write_text("value = 7", encoding="utf-8")
    text = (
        "import sys, sibling, __main__, PyIndi, indigevent.compat.pyindi\n"
        "print(sys.argv, __name__, __file__, __main__.sibling.value, PyIndi is indigevent.compat.pyindi)\n"
        "sys.exit(3)"
    )
    output, errors = run(text, "-x", "two words").finish(status=3)
    assert (output, errors) == (expected, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def fail():\n    raise ValueError('mine')\nfail()",
            "Traceback (most recent call last):\n"
            '  File "FOLDER/script.py", line 3, in <module>\n    fail()\n'
            "  File \"FOLDER/script.py\", line 2, in fail\n    raise ValueError('mine')\nValueError: mine\n",
        ),
        ("\nx = = 1", '  File "FOLDER/script.py", line 2\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n'),
    ],
    ids=["raised", "syntax"],
)
def test_an_error_shows_the_script_and_nothing_of_ours(run: Run, tmp_path: Path, text: str, expected: str) -> None:
    assert run(text).finish(status=1) == ("", expected.replace("FOLDER", str(tmp_path)))


def test_control_c_ends_a_script_that_does_not_handle_it(run: Run) -> None:
    script = run("print('ready', flush=True)\nwhile True: pass")
    assert script.process.stdout is not None
    script.process.stdout.readline()
    script.process.send_signal(signal.SIGINT)
    assert script.finish(status=-signal.SIGINT) == ("", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "usage: python -m indigevent.compat script.py [argument ...]\n"),
        (("nowhere.py",), "nowhere.py cannot be read: No such file or directory\n"),
    ],
    ids=["nothing", "no file"],
)
def test_a_wrong_command_line_is_said_in_a_sentence(words: tuple[str, ...], expected: str) -> None:
    done = subprocess.run([sys.executable, *RUNNER, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(expected)


def test_help_is_no_error() -> None:
    done = subprocess.run([sys.executable, *RUNNER, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: python -m indigevent.compat script.py")


def test_a_script_may_use_pyindi_without_importing_it(run: Run) -> None:
    assert run("print(PyIndi.INDI_BLOB)").finish() == ("4\n", "")


def test_a_script_ends_when_its_exposure_fails(lab: Lab, run: Run) -> None:
    exposing = Exposing(lab, run)
    exposing.wait_until_it_waits()
    exposing.driver.send(TOLD.format("Busy"), TOLD.format("Alert"))
    assert exposing.script.finish() == ("", "")


def test_a_script_ends_when_its_camera_goes(lab: Lab, run: Run) -> None:
    exposing = Exposing(lab, run)
    exposing.wait_until_it_waits()
    exposing.driver.send(TOLD.format("Busy"), delete("D", "CCD_EXPOSURE"))
    assert exposing.script.finish() == ("", "")


def test_an_exposure_that_could_not_be_sent_is_not_waited_for(lab: Lab, run: Run) -> None:
    output, errors = Exposing(lab, run, duration="float('inf')").script.finish()
    assert output == ""
    assert errors.startswith("newNumberVector D.CCD_EXPOSURE was not sent: ") and errors.count("\n") == 1


def test_control_c_ends_the_waiting_for_an_image(lab: Lab, run: Run) -> None:
    exposing = Exposing(lab, run)
    exposing.wait_until_it_waits()
    exposing.script.process.send_signal(signal.SIGINT)
    assert exposing.script.finish() == ("", "")


def test_what_a_script_does_with_its_image_is_not_cut_off(lab: Lab, run: Run) -> None:
    # As if newBLOB had taken longer than images that do not come are waited for.
    ending = """
from indigevent.compat.pyindi import exposures, session
session._CLOSING_S = 0.0
def lapse():
    exposures._LATE_BLOB_S = 0.0
    (waiting,) = session._open_sessions
    with waiting._monitor.lock:
        waiting._monitor.notify_all()
"""
    exposing = Exposing(lab, run, ending)
    exposing.wait_until_it_waits()
    exposing.driver.send(TOLD.format("Ok") + set_blob("D", "B", b"stars"))
    assert exposing.script.finish() == ("saved stars\n", "")


def test_an_exposure_of_ages_is_waited_for_like_any_other(lab: Lab, run: Run) -> None:
    exposing = Exposing(lab, run, duration="1e300")
    exposing.wait_until_it_waits()
    exposing.driver.send(TOLD.format("Alert"))
    assert exposing.script.finish() == ("", "")


def test_a_script_that_fails_does_not_wait_for_its_image(lab: Lab, run: Run) -> None:
    _, errors = Exposing(lab, run, "raise ValueError('mine')").script.finish(status=1)
    assert errors.endswith("ValueError: mine\n") and "waiting" not in errors


def test_a_callback_that_does_not_return_does_not_keep_the_program(lab: Lab, run: Run) -> None:
    driver = lab.driver("camera")
    server = lab.server(driver)
    text = f"""
import threading, PyIndi
class Client(PyIndi.BaseClient):
    def newDevice(self, d):
        entered.set()
        threading.Event().wait()
entered = threading.Event()
client = Client()
client.setServer("127.0.0.1", {server.port})
client.connectServer()
entered.wait()
"""
    script = run(text)
    driver.expect("getProperties")
    driver.send(CAMERA)
    assert script.finish() == ("", "")
