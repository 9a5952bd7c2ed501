"""Sessions are recorded and replayed: who connects to the replay sees what the recorded client saw."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indigevent.client import BlobMode, Client, ClientError
from indigevent.client.endpoint import Endpoint
from indigevent.client.recording import Recorder, load
from indigevent.client.replay import Replay
from indigevent.errors import RemoteProtocolError
from tests.lab.lab import Lab
from tests.lab.server import Server, free_port
from tests.lab.tls import Authority
from tests.lab.vocabulary import define
from tests.system.client.servers import ToldServer, hear, until

DEADLINE_S = 20.0
TITLE = "indigevent recording 1: localhost:7624, 2026-11-21T05:31:42Z\n"
ASK = b"<getProperties version='1.7'/>"
DEFINITION = (
    b"<defTextVector device='D' name='T' state='Idle' perm='ro'><defText name='A'>first</defText></defTextVector>\n"
)
JUNK = b"<setTextVector device='D'><oneText></bad>"
ONE_BLOB = b"<oneBLOB name='B' size='3' format='.x'>QUJD</oneBLOB>"
BLOB = b"<setBLOBVector device='D' name='B' state='Ok'>" + ONE_BLOB + b"</setBLOBVector>"
STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def no_command_is_left() -> Iterator[None]:
    yield
    while STARTED:
        with STARTED.pop() as process:
            process.kill()


def recording(folder: Path, *entries: tuple[float, str, bytes]) -> Path:
    """A recording with these entries."""
    path = folder / "made.indi"
    written = (b"%.3f %s %d\n%s\n" % (at, direction.encode(), len(data), data) for at, direction, data in entries)
    path.write_bytes(TITLE.encode() + b"".join(written))
    return path


def session(indi: Client) -> dict[str, Any]:
    """What the recorded program does, and what it knows in the end."""
    camera = indi["Camera 2"]
    camera.connect()
    camera["FILTER"].set("BLUE", wait=True)
    camera["EXPOSURE"].set(0.05, wait=True)
    assert camera["PICTURE"].next_blob(timeout=DEADLINE_S).size == 64 * 64
    return indi.snapshot()


def replayed(port: int, known: dict[str, Any]) -> Client:
    """A client of a replay that has seen everything; it is to be closed."""
    indi = Client(port=port, blobs=BlobMode.ALSO, reconnect=False)
    indi.connect()
    until(lambda: indi.snapshot() == known)
    return indi


@pytest.mark.parametrize("is_local", [False, True], ids=["TCP", "local socket"])
def test_who_connects_to_a_replay_sees_what_the_recorded_client_saw(
    cameras: Server, tmp_path: Path, is_local: bool
) -> None:
    path = tmp_path / "session.indi"
    with Client(port=cameras.port, local=cameras.local if is_local else "", record=path) as indi:
        known = session(indi)
    with Replay(path, speed=math.inf) as replay:
        indi = replayed(replay.port, known)
        with indi:
            picture = indi["Camera 2"]["PICTURE"].next_blob(timeout=DEADLINE_S)
            assert bytes(picture.data) == b"2" * 64 * 64


def test_the_commands_record_and_replay(cameras: Server, tmp_path: Path) -> None:
    path, port = tmp_path / "session.indi", str(free_port())
    recorder = run("record", "-p", str(cameras.port), str(path), "--blobs")
    assert recorder.stderr is not None
    assert recorder.stderr.readline() == f"Recording localhost:{cameras.port} to {path}\n"
    # The server has heard by then that BLOBs are wanted.
    until(lambda: path.exists() and path.read_bytes().count(b"DRIVER_INFO") >= 4)
    with Client(port=cameras.port) as indi:
        known = session(indi)
    until(lambda: path.read_bytes().count(b"</setBLOBVector>") == 1 and path.read_bytes().count(b"SECONDS") > 4)
    assert end(recorder) == 0
    replay = run("replay", str(path), "-p", port, "--speed", "max")
    assert replay.stdout is not None
    assert replay.stdout.readline() == f"Playing {path} to clients of 127.0.0.1:{port}\n"
    indi = Client(port=int(port), blobs=BlobMode.ALSO, reconnect=False)
    with indi:
        camera = indi["Camera 2"]
        until(lambda: camera["FILTER"].value == "BLUE")
        assert camera["PICTURE"].next_blob(timeout=DEADLINE_S).size == 64 * 64
        assert set(indi.snapshot()) == set(known)
    assert end(replay) == 0


def test_a_recording_ends_after_so_many_seconds(cameras: Server, tmp_path: Path) -> None:
    path = tmp_path / "session.indi"
    recorder = run("record", "-p", str(cameras.port), str(path), "--seconds", "0.5")
    _, said = recorder.communicate(timeout=DEADLINE_S)
    assert said.endswith("The recording has ended: 0.5 s are over\n")
    assert recorder.returncode == 0
    assert b"".join(entry.data for entry in load(path)).count(b'name="DRIVER_INFO"') == 4


def test_a_recording_by_tls(lab: Lab, tmp_path: Path) -> None:
    path, port, authority = tmp_path / "session.indi", str(free_port()), Authority(tmp_path)
    certificate, driver = authority.issue("observatory"), lab.driver("driver")
    lab.server("--tls-port", port, "--tls-certificate", certificate.path, "--tls-key", certificate.key, driver)
    recorder = run("record", "-p", port, "--tls-ca", str(authority.path), str(path))
    driver.expect("getProperties")
    driver.send(define("D"))
    until(lambda: path.exists() and b"defNumberVector" in path.read_bytes())
    assert end(recorder) == 0


def test_the_pace_is_kept_and_can_be_changed(tmp_path: Path) -> None:
    path = recording(tmp_path, (5, "<", DEFINITION), (5.4, "<", b"<message message='later'/>"))
    for speed, least_s in ((1.0, 0.35), (2.0, 0.15)):
        with Replay(path, speed=speed) as replay, guest(replay) as sock:
            hear(sock, DEFINITION)
            came_s = time.monotonic()
            hear(sock, b"later")
            assert least_s < time.monotonic() - came_s < DEADLINE_S


def test_malformed_bytes_are_played_as_they_came(tmp_path: Path) -> None:
    junk = b"\x00<<<setTextVector\xff device='D'><oneText>\n</oneNumber>"
    halves = [junk + DEFINITION[:50], DEFINITION[50:], junk]
    path = recording(
        tmp_path, *((1000 * number, "<", half) for number, half in enumerate(halves)), (9000, ">", b"not this")
    )
    with Replay(path, speed=math.inf) as replay, guest(replay) as sock:
        heard = b""
        while len(heard) < len(b"".join(halves)):
            heard += sock.recv(65536)
        assert heard == b"".join(halves)


@pytest.mark.timeout(30)
def test_a_blob_s_tag_that_does_not_end_is_played(tmp_path: Path) -> None:
    path = recording(tmp_path, (0, "<", BLOB + b"<setBLOBVector=\n"))
    with Replay(path) as replay, guest(replay, b"<enableBLOB>Also</enableBLOB>") as sock:
        assert hear(sock, b"Vector=\n").replace(b"\n", b"") == BLOB + b"<setBLOBVector="


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (b"", (True, False)),
        (b"<enableBLOB device='D'>Also</enableBLOB>", (True, True)),
        (b"<enableBLOB device='D' name='B'>Only</enableBLOB>", (False, True)),
        (b"<enableBLOB>Also</enableBLOB><enableBLOB device='D'>Never</enableBLOB>", (True, False)),
    ],
)
def test_blobs_are_for_those_who_want_them(tmp_path: Path, wish: bytes, expected: tuple[bool, bool]) -> None:
    first, second = DEFINITION + BLOB, BLOB + DEFINITION
    reads = [first[:-30], first[-30:] + second[:60], second[60:-9], second[-9:]]
    path = recording(tmp_path, *((0, "<", data) for data in reads))
    with Replay(path, speed=math.inf) as replay, guest(replay, ASK + wish) as sock:
        heard = hear(sock, BLOB if expected[1] else DEFINITION)
        while heard.count(BLOB) < 2 * expected[1] or heard.count(DEFINITION) < 2 * expected[0]:
            heard += sock.recv(65536)
        sock.sendall(b"<pingRequest uid='x'/>")
        heard += hear(sock, b"<pingReply")
    assert (heard.count(DEFINITION), heard.count(BLOB)) == (2 * expected[0], 2 * expected[1])


def test_a_client_that_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    many = DEFINITION * 100_000
    path = recording(tmp_path, *[(0, "<", DEFINITION * 1000)] * 100)
    with Replay(path, speed=math.inf) as replay, guest(replay), guest(replay) as reader:
        size = 0
        while size < len(many):
            size += len(reader.recv(1 << 20))


def test_a_recording_that_was_cut_off_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    path = recording(tmp_path, (0, "<", DEFINITION), (1, "<", DEFINITION))
    path.write_bytes(path.read_bytes()[:-20])
    assert [entry.data for entry in load(path)] == [DEFINITION]


def test_what_comes_after_a_failed_attempt_to_connect_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "session.indi"
    with ToldServer() as server:
        indi = Client("127.0.0.1", server.port, record=path)
        server.pause()
        with pytest.raises(ClientError, match="Connection refused"):
            indi.connect()
        server.go_on()
        with indi:
            server.accept().sendall(DEFINITION)
            assert indi["D"]["T"].value == "first"
    assert b"".join(entry.data for entry in load(path) if entry.direction == "<") == DEFINITION


def test_a_full_disk_ends_the_recording_and_not_the_session(cameras: Server) -> None:
    with Client(port=cameras.port, record="/dev/full") as indi:
        session(indi)
    recorder = run("record", "-p", str(cameras.port), "/dev/full")
    _, said = recorder.communicate(timeout=DEADLINE_S)
    assert "/dev/full cannot be written any more: No space left on device" in said
    assert recorder.returncode == 1


@pytest.mark.timeout(30)
def test_a_damaged_entry_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    path = recording(tmp_path, (0, "<", DEFINITION))
    whole = path.read_bytes()
    path.write_bytes(whole + b"1.0 < 999999999999999\n" + DEFINITION)
    assert [entry.data for entry in load(path)] == [DEFINITION]
    path.write_bytes(whole + b"%d.0 < 3\nabc\n" % 10**14)
    with pytest.raises(ClientError, match=f"there is no whole entry at byte {len(whole)}"):
        list(load(path))


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pace_of_centuries_can_be_ended(tmp_path: Path) -> None:
    path = recording(tmp_path, (0, "<", DEFINITION), (5, "<", DEFINITION))
    with Replay(path, speed=1e-300) as replay, guest(replay) as sock:
        hear(sock, DEFINITION)
        sock.sendall(b"<pingRequest uid='x'/>")
        hear(sock, b"<pingReply")


def test_what_clients_say_wrongly_is_not_kept(tmp_path: Path) -> None:
    before = faults_kept()
    with Replay(recording(tmp_path, (0, "<", DEFINITION))) as replay, guest(replay) as sock:
        sock.sendall(JUNK * 1000 + b"<pingRequest uid='x'/>")
        hear(sock, b"<pingReply")
        assert faults_kept() <= before


def test_what_a_server_says_wrongly_is_not_kept(tmp_path: Path) -> None:
    before = faults_kept()
    name = f"indigevent-recorded-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        stream = Recorder(tmp_path / "new", endpoint := Endpoint(local=name)).tap(endpoint).open(DEADLINE_S)
        server, _ = listener.accept()
        with server:
            server.sendall(JUNK * 1000)
        while stream.receive(1 << 16)[0]:
            pass
        assert faults_kept() <= before
        stream.close()


def test_a_replay_that_was_not_started_is_closed(tmp_path: Path) -> None:
    Replay(recording(tmp_path, (0, "<", DEFINITION))).close()


def test_a_replay_outlives_a_shortage_of_descriptors(tmp_path: Path) -> None:
    path, port = recording(tmp_path, (0, "<", DEFINITION)), str(free_port())
    replay = run("replay", str(path), "-p", port)
    assert replay.stdout is not None
    assert replay.stderr is not None
    replay.stdout.readline()
    resource.prlimit(replay.pid, resource.RLIMIT_NOFILE, (16, 16))
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(socket.create_connection(("127.0.0.1", int(port)), DEADLINE_S))
        assert replay.stderr.readline() == "clients have to wait (this is told once): Too many open files\n"
    with socket.create_connection(("127.0.0.1", int(port)), DEADLINE_S) as sock:
        sock.sendall(ASK)
        hear(sock, DEFINITION)
    assert end(replay) == 0


def test_without_a_server_nothing_is_replaced_and_waiting_can_be_interrupted(tmp_path: Path) -> None:
    path = recording(tmp_path, (0, "<", DEFINITION))
    before = path.read_bytes()
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # the queue is full then, and the next one is not answered
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        recorder = run("record", "-h", "127.0.0.1", "-p", str(full.getsockname()[1]), str(path))
        until(lambda: is_connecting(recorder.pid))
        recorder.send_signal(signal.SIGINT)
        _, said = recorder.communicate(timeout=DEADLINE_S)
    assert said.startswith("indigevent-record: interrupted before 127.0.0.1:")
    assert "Traceback" not in said
    assert recorder.returncode == 1
    assert path.read_bytes() == before


def test_mistakes_are_said_in_a_sentence(tmp_path: Path) -> None:
    port, path = free_port(), recording(tmp_path, (0, "<", DEFINITION))
    other = tmp_path / "other"
    other.write_text("<defTextVector/>")
    damaged = tmp_path / "damaged"
    damaged.write_bytes(path.read_bytes()[:-1] + b"x" + DEFINITION)
    cases: tuple[tuple[tuple[object, ...], int, str], ...] = (
        (("record", "-p", port, tmp_path / "new"), 1, f"no INDI server at localhost:{port}: "),
        (("record", "-p", port, tmp_path / "missing" / "new"), 1, "new cannot be written: No such file or directory"),
        (("record",), 2, "FILE"),
        (("replay", tmp_path / "missing"), 1, "missing cannot be read: No such file or directory"),
        (("replay", other), 1, "other is no recording: its first line does not begin with 'indigevent recording 1'"),
        (("replay", damaged), 1, f"damaged is damaged: there is no whole entry at byte {len(TITLE)}"),
        (("replay", path, "--speed", "0"), 2, "'0' is no speed"),
        (("replay", path, "-p", "99999"), 1, "127.0.0.1:99999 cannot be listened on: a port is from 0 to 65535"),
        (("replay", "/dev/zero"), 1, "/dev/zero is no recording"),
        (("record", path, "--seconds", "nan"), 2, "'nan' is no time"),
        (("record", path, "--tls-ca", other), 1, f"--tls-ca {other} cannot be used: "),
        (("record", path, "--tls-key", other), 1, "--tls-key is of no use without its certificate"),
        (("replay", path, "-h", "192.0.2.1"), 1, "192.0.2.1:7624 cannot be listened on: "),
    )
    started = [run(*map(str, words)) for words, _, _ in cases]
    for process, (_, status, sentence) in zip(started, cases, strict=True):
        _, said = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, sentence in said, "Traceback" in said) == (status, True, False), said


def guest(replay: Replay, words: bytes = ASK) -> socket.socket:
    """A client of a replay that asks for what it has."""
    sock = socket.create_connection(("127.0.0.1", replay.port), DEADLINE_S)
    sock.sendall(words)
    return sock


def faults_kept() -> int:
    """How many faults of framers are in memory."""
    gc.collect()
    return sum(isinstance(one, RemoteProtocolError) for one in gc.get_objects())


def is_connecting(pid: int) -> bool:
    """Whether a process has a TCP socket, which it makes just before it connects."""
    with contextlib.suppress(OSError):
        sockets = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        table = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return any(f"socket:[{line.split()[9]}]" in sockets and line.split()[3] == "02" for line in table)
    return False


def run(name: str, *words: str) -> subprocess.Popen[str]:
    """A command of ours; it is killed at the test's end."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", f"indigevent.cli.{name}", *words]
    STARTED.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True))
    return STARTED[-1]


def end(process: subprocess.Popen[str]) -> int:
    """Ctrl-C, and the exit status."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=DEADLINE_S)
    assert "Traceback" not in said
    return process.returncode
