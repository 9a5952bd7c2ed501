"""What our tools do where the reference's end: JSON, watching, terminals, other ways to a server, and bad servers."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indigevent.client import Client
from indigevent.errors import ClientError
from tests.lab.client import ScriptedClient
from tests.lab.lab import Lab
from tests.lab.server import CANDIDATE, clean_environment, free_port
from tests.lab.tls import Authority
from tests.lab.ways import ROOT
from tests.system.client.servers import ToldServer

from .observatory import DEADLINE_S, Observatory, at, collect, interrupt, program
from .terminal import PLAIN, Terminal


def test_json_has_typed_values_and_states(observatory: Observatory) -> None:
    done = observatory.run("getprop", "--json", "-t", "1", "Notebook.*.*")
    lines = [json.loads(line) for line in done.output.splitlines()]
    found = {(line["property"], line["element"]): line for line in lines}
    assert found["NUMBERS", "RA"]["value"] == pytest.approx(-(12 + 30 / 60 + 15.5 / 3600))
    assert found["NUMBERS", "NAN"]["value"] is None
    assert found["SWITCHES", "LEFT"] == {
        "device": "Notebook",
        "property": "SWITCHES",
        "element": "LEFT",
        "kind": "Switch",
        "value": "On",
        "state": "Busy",
        "timestamp": "2026-01-02T03:04:05",
    }
    assert found["TEXTS", "LINES"]["value"] == "first\nsecond"


def test_json_of_an_evaluation(observatory: Observatory) -> None:
    done = observatory.run("eval", "--json", '"Notebook.NUMBERS.RA" < -12.5')
    assert json.loads(done.output) == {
        "expression": '"Notebook.NUMBERS.RA" < -12.5',
        "value": 1,
        "operands": {"Notebook.NUMBERS.RA": pytest.approx(-12.50430556)},
    }
    assert done.status == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_with_an_authority_of_ones_own(open_lab: Callable[[str], Lab], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue("observatory")
    port = free_port()
    options = ("--tls-port", port, "--tls-certificate", certificate.path, "--tls-key", certificate.key)
    observatory = Observatory(open_lab(CANDIDATE), options=options)
    where = at(port)
    done = observatory.run("getprop", "--tls-ca", str(authority.path), "Notebook.NUMBERS.RA", where=where)
    assert (done.status, done.output) == (0, b"Notebook.NUMBERS.RA=-12:30:15.5\n")
    done = observatory.run("getprop", "--tls", "Notebook.NUMBERS.RA", where=where)
    assert done.status == 2
    assert done.errors.startswith(f"no TLS with 127.0.0.1:{port}: ")
    assert "(--tls-ca FILE" in done.errors
    done = observatory.run("getprop", "Notebook.NUMBERS.RA", where=where)
    assert (done.status, done.errors) == (
        2,
        f"INDI server 127.0.0.1/{port} disconnected without a word; it may want TLS (--tls), or its log says why\n",
    )
    done = observatory.run("getprop", "--tls-ca", "nowhere.pem", "Notebook.NUMBERS.RA", where=where)
    assert (done.status, done.errors) == (
        2,
        "--tls-ca nowhere.pem cannot be used: No such file or directory; they take PEM files\n",
    )


def test_a_descriptor_can_be_used_by_one_tool_after_the_other(observatory: Observatory) -> None:
    with socket.create_connection(("127.0.0.1", observatory.server.port)) as sock:
        where = ["-d", str(sock.fileno())]
        observatory.notes.write_text("")
        for number in (3, 4):
            done = observatory.run("setprop", "-n", f"Sink.N.b={number}", where=where, pass_fds=[sock.fileno()])
            assert (done.status, done.errors) == (0, "")
        client = observatory.lab.client(observatory.server, "reader")
        notes = "newNumberVector Sink.N oneNumber b=3\nnewNumberVector Sink.N oneNumber b=4\n"
        client.pump.poll(lambda: observatory.notes.read_text() == notes, "both are set")
    done = observatory.run("getprop", "A.B.C", where=["-d", "99"])
    assert (done.status, done.errors) == (
        1,
        "Direct fd 99: Bad file descriptor; -d takes a descriptor open to a server\n",
    )


@pytest.mark.parametrize(
    ("tool", "words", "status", "output"),
    [
        ("getprop", ["C.P.b"], 0, b"C.P.b=1\n"),
        ("getprop", ["C.P.other"], 2, b""),
        ("setprop", ["-n", "C.P.b=2"], 0, b""),
        ("eval", ['"C.P.b" == 1'], 0, b""),
    ],
)
def test_what_a_server_has_said_counts_although_it_has_ended(
    observatory: Observatory, tool: str, words: list[str], status: int, output: bytes
) -> None:
    definition = b"<defNumberVector device='C' name='P' state='Ok' perm='rw'><defNumber name='b'>1</defNumber>"
    near, far = socket.socketpair()
    with near, far:
        far.sendall(definition + b"</defNumberVector>")
        far.shutdown(socket.SHUT_WR)
        done = observatory.run(tool, *words, where=["-d", str(near.fileno())], pass_fds=[near.fileno()])
    sentence = "INDI server localhost/7624 disconnected\n" if status else ""
    assert (done.status, done.output, done.errors) == (status, output, sentence)


def test_tls_is_not_suggested_where_it_cannot_be(observatory: Observatory) -> None:
    near, far = socket.socketpair()
    far.close()
    with near:
        done = observatory.run("getprop", "A.B.C", where=["-d", str(near.fileno())], pass_fds=[near.fileno()])
    sentence = "INDI server localhost/7624 disconnected without a word; its log may say why\n"
    assert (done.status, done.errors) == (2, sentence)


@pytest.mark.parametrize(
    ("closed", "tool", "words", "status"),
    [
        (">&-", "getprop", ["Notebook.NUMBERS.RA"], 0),
        ("2>&-", "getprop", ["-t", "0.1", "No.Such.One"], 1),
        ("<&-", "eval", ["-i"], 2),
    ],
)
def test_a_closed_stream_is_no_trouble(
    observatory: Observatory, closed: str, tool: str, words: list[str], status: int
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *program(tool), *observatory.where(), *words],
        env=clean_environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    errors = b"Compile err: Null program\n" if status == 2 else b""
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", errors)


def test_words_that_are_no_utf_8(observatory: Observatory, client: ScriptedClient) -> None:
    observatory.notes.write_text("")
    done = observatory.run("setprop", "-x", os.fsdecode(b"Sink.T.t=20 \xb0C"))
    assert (done.status, done.errors) == (0, "")
    note = "newTextVector Sink.T oneText t=20 °C\n"
    client.pump.poll(lambda: observatory.notes.read_text() == note, "the text arrives")


@pytest.mark.parametrize(
    ("flags", "status", "errors"),
    [
        (["-t", "1e300"], 0, ""),
        (["-p", "9" * 5000], 2, "-p requires port number, a number up to 65535, not 9999"),
        (["-h", "a..b"], 2, "no INDI server at a..b:"),
    ],
)
def test_values_of_flags_that_are_out_of_every_range(
    observatory: Observatory, flags: list[str], status: int, errors: str
) -> None:
    done = observatory.run("getprop", *flags, "Notebook.NUMBERS.RA")
    assert (done.status, done.errors[: len(errors)], "Traceback" in done.errors) == (status, errors, False)


def test_a_server_cannot_steer_the_terminal(observatory: Observatory) -> None:
    definition = (
        b"<defTextVector device='C&#155;2J' name='P' state='Ok' perm='ro'><defText name='b'>\xc2\x9bA</defText>"
    )
    with ToldServer() as told:
        where = at(told.port)
        with (
            Terminal(
                lambda slave: observatory.start(
                    "getprop", "-vv", "-t", "1", "*.P.b", where=where, stdout=slave, stderr=slave, environment=PLAIN
                )
            ) as terminal,
            told.take() as server,
        ):
            server.sendall(definition + b"</defTextVector>")
            terminal.wait_for(r"<defText name='b'>\\x9bA(?s:.*)C\\x9b2J\.P\.b=.*\\x9bA")
        assert "\x9b" not in terminal.shown


def test_colours_on_a_terminal_only_and_not_against_ones_will(observatory: Observatory) -> None:
    for environment, expected in (
        ({"TERM": "xterm", "NO_COLOR": ""}, "Notebook.SWITCHES.LEFT=\x1b[33mOn\x1b[0m\r\n"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "Notebook.SWITCHES.LEFT=On\r\n"),
    ):
        with Terminal(
            lambda slave, environment=environment: observatory.start(
                "getprop", "Notebook.SWITCHES.LEFT", stdout=slave, environment=environment
            )
        ) as terminal:
            assert terminal.wait_for_exit() == 0
            assert terminal.shown == expected


def test_watching_on_a_terminal_follows_changes_until_ctrl_c(observatory: Observatory, client: ScriptedClient) -> None:
    command = "<newNumberVector device='Sink' name='N'><oneNumber name='b'>{}</oneNumber></newNumberVector>"
    with Terminal(
        lambda slave: observatory.start("getprop", "--watch", "Sink.*.*", stdout=slave, environment=PLAIN)
    ) as terminal:
        terminal.wait_for(r"Sink\.S\.s1 +\x1b\[32mOn")
        client.send(command.format(7.25))
        terminal.wait_for(r"Sink\.N\.b +\x1b\[33m7\.25")
        interrupt(terminal.process)
        assert terminal.wait_for_exit() == 130
        # The last values stay below what was on the terminal before.
        assert "7.25" in terminal.shown.partition("\x1b[?1049l")[2]
        assert terminal.process.stderr is not None
        assert terminal.process.stderr.read() == b""


def test_watching_shows_what_there_is_room_for_and_nothing_that_has_gone(observatory: Observatory) -> None:
    texts = b"".join(b"<defText name='t%d'>x</defText>" % number for number in range(9))
    first = b"<defTextVector device='C' name='P' state='Ok' perm='ro'>" + texts + b"</defTextVector>"
    second = b"<defTextVector device='C' name='Q' state='Ok' perm='ro'><defText name='t'>y</defText></defTextVector>"
    few = {**PLAIN, "LINES": "4", "NO_COLOR": "1"}
    with ToldServer() as told:
        start = ("getprop", "--watch", "C.*.*")
        with (
            Terminal(
                lambda slave: observatory.start(*start, where=at(told.port), stdout=slave, environment=few)
            ) as terminal,
            told.take() as server,
        ):
            server.sendall(first)
            terminal.wait_for(r"C\.P\.t1 .*\s+\.\.\. and 7 more; ask for less")
            server.sendall(b"<delProperty device='C' name='P'/>" + second)
            terminal.wait_for(r"C\.Q\.t  y")
            interrupt(terminal.process)
            assert terminal.wait_for_exit() == 130
        assert terminal.shown.partition("\x1b[?1049l")[2] == "C.Q.t  y\r\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_gets_the_terminal_back(observatory: Observatory, number: int) -> None:
    with Terminal(
        lambda slave: observatory.start("getprop", "--watch", "Sink.S.*", stdout=slave, environment=PLAIN)
    ) as terminal:
        terminal.wait_for(r"Sink\.S\.s1")
        terminal.process.send_signal(number)
        assert terminal.wait_for_exit() == 128 + number
        assert "Sink.S.s1" in terminal.shown.partition("\x1b[?25h\x1b[?1049l")[2]


def test_watching_shows_what_comes_although_it_never_stops(observatory: Observatory) -> None:
    definition = b"<defNumberVector device='C' name='P' state='Ok'><defNumber name='b'>1</defNumber></defNumberVector>"
    flood = b"<setNumberVector device='C' name='P'><oneNumber name='b'>7.5</oneNumber></setNumberVector>" * 10_000
    with ToldServer() as told, ThreadPoolExecutor() as pool:
        where = at(told.port)
        with Terminal(
            lambda slave: observatory.start("getprop", "--watch", "C.P.b", where=where, stdout=slave, environment=PLAIN)
        ) as terminal:
            server = told.take()
            pool.submit(send_until_it_is_closed, server, definition, flood)
            terminal.wait_for(r"C\.P\.b +.*7\.5")


def send_until_it_is_closed(server: socket.socket, definition: bytes, flood: bytes) -> None:
    with server, contextlib.suppress(OSError):
        server.sendall(definition)
        while True:
            server.sendall(flood)


def test_watching_into_a_pipe_prints_changes(observatory: Observatory, client: ScriptedClient) -> None:
    tool = observatory.start("getprop", "--watch", "-t", "0.000001", "Sink.N.a")
    assert tool.stdout is not None
    assert tool.stdout.readline().startswith(b"Sink.N.a=")
    client.send("<newNumberVector device='Sink' name='N'><oneNumber name='a'>3.5</oneNumber></newNumberVector>")
    assert tool.stdout.readline() == b"Sink.N.a=3.5\n"
    interrupt(tool)
    assert collect(tool) == (130, b"", "")


@pytest.mark.parametrize(
    ("tool", "word"), [("getprop", "No.Such.One"), ("setprop", "No.Such.One=1"), ("eval", '"No.Such.One"==1')]
)
def test_ctrl_c_while_waiting(observatory: Observatory, tool: str, word: str) -> None:
    process = observatory.start(tool, "-v", "-t", "0", word)
    assert process.stderr is not None
    while not process.stderr.readline().startswith((b"Queried", b"Querying", b"sending")):
        assert process.poll() is None
    interrupt(process)
    assert collect(process)[:2] == (130, b"")


def test_who_has_read_enough_is_no_error(observatory: Observatory) -> None:
    tool = observatory.start("getprop", "-m", "-t", "0", "Notebook.TEXTS.*", "Sink.N.a")
    assert tool.stdout is not None
    tool.stdout.readline()
    tool.stdout.close()
    actor = observatory.lab.client(observatory.server, "writer")
    number = "<newNumberVector device='Sink' name='N'><oneNumber name='a'>4</oneNumber></newNumberVector>"

    def ended() -> bool:
        actor.send(number)
        actor.ping()
        return tool.poll() is not None

    actor.pump.poll(ended, "the tool ends")
    assert tool.stderr is not None
    assert (tool.returncode, tool.stderr.read()) == (0, b"")


@pytest.mark.parametrize(("tool", "word"), [("getprop", "A.B.C"), ("setprop", "A.B.C=1"), ("eval", '"A.B.C"==1')])
def test_no_server_is_a_sentence(observatory: Observatory, tool: str, word: str) -> None:
    port = free_port()
    done = observatory.run(tool, word, where=at(port))
    assert done.status == 2
    assert done.errors.startswith(f"no INDI server at 127.0.0.1:{port}: Connection refused; ")


def test_a_server_that_goes_away(open_lab: Callable[[str], Lab], observatory: Observatory) -> None:
    lab = open_lab(CANDIDATE)
    server = lab.server(lab.driver("driver"))
    where = at(server.port)
    tool = observatory.start("getprop", "-v", "-t", "0", "-m", "A.B.C", where=where)
    assert tool.stderr is not None
    while not tool.stderr.readline().startswith(b"Queried"):
        assert tool.poll() is None
    server.stop(signal.SIGKILL)
    status, output, errors = collect(tool)
    assert (status, output) == (2, b"")
    assert errors.startswith(f"INDI server 127.0.0.1/{server.port} disconnected without a word; ")


def test_what_a_server_refuses_is_told(open_lab: Callable[[str], Lab], tmp_path: Path) -> None:
    config = tmp_path / "indigevent.conf"
    config.write_text(f"[access watchers]\nuid = {os.getuid()}\nread-only = yes\n")
    observatory = Observatory(open_lab(CANDIDATE), options=("--config", config))
    local = observatory.server.local
    done = observatory.run("setprop", "Sink.N.b=3", where=["--local", local])
    assert (done.status, done.output) == (0, b"")
    assert done.errors == "Sink: N was not changed: the server lets this connection only watch.\n"
    with Client(local=local) as indi, pytest.raises(ClientError) as caught:
        indi["Sink"]["N"].set(b=3, wait=True, timeout=1)
    assert "and its driver said last: " in str(caught.value) and "only watch" in str(caught.value)
    with Client(local=local) as indi, pytest.raises(ClientError, match="TEXT; it has TEXTS"):
        indi["Notebook"].property("TEXT", timeout=0.5)


def test_garbage_from_a_server_is_passed_over(observatory: Observatory) -> None:
    with ToldServer() as told:
        where = at(told.port)
        tool = observatory.start("getprop", "C.P.b", where=where)
        with told.take() as server:
            server.sendall(b"\0junk <x></y> <defTextVector device='C' name='P' state='Ok' perm='ro'>")
            server.sendall(b"<defText name='b' a:b=''>\xff&#233;</defText></defTextVector>")
            server.sendall(b"<defTextVector device='C' name='P'><defText name='b'>\xff&#233;</defText></defTextVector>")
            status, output, errors = collect(tool)
    assert (status, output.decode()) == (0, "C.P.b=ÿé\n")
    assert errors.count("indigevent-getprop: the server sent ") == 2


def test_a_flood_of_garbage_is_told_once_and_counted(observatory: Observatory) -> None:
    with ToldServer() as told:
        where = at(told.port)
        tool = observatory.start("getprop", "C.P.b", where=where)
        with told.take() as server:
            server.sendall(b"<defTextVector device='C'><x></defTextVector>" * 51)
            server.sendall(b"<defTextVector device='C' name='P'><defText name='b'>1</defText></defTextVector>")
            status, output, errors = collect(tool)
    assert (status, output) == (0, b"C.P.b=1\n")
    first, more = errors.splitlines()
    assert first.startswith("indigevent-getprop: the server sent something malformed: end-tag at byte 0: ")
    assert more == "indigevent-getprop: the server sent 50 malformed messages more"


def test_values_that_cannot_be_are_refused_before_they_are_sent(observatory: Observatory) -> None:
    observatory.notes.write_text("")
    done = observatory.run("setprop", "Sink.N.a=abc", "Sink.S.s1=on", "Sink.FIXED.t=1", "Sink.T.t=a<b>&c")
    assert done.status == 1
    assert set(done.errors.splitlines()) == {
        'Sink.N.a is a number, like -1.5 or 12:30:15, not "abc"',
        'Sink.S.s1 is a switch, which is On or Off, not "on"',
        "Sink.FIXED is read-only",
    }
    assert observatory.notes.read_text() == "newTextVector Sink.T oneText t=a<b>&c\n"


def test_an_expression_may_come_from_stdin(observatory: Observatory, tmp_path: Path) -> None:
    (tmp_path / "expression").write_text('"Notebook.NUMBERS.DECIMAL" +\n1\n')
    with open(tmp_path / "expression") as stdin:
        done = observatory.run("eval", "-if", stdin=stdin)
    assert (done.status, done.errors) == (0, "2.5\n")


def test_an_operand_twice_and_in_sexagesimal_notation(observatory: Observatory) -> None:
    done = observatory.run("eval", "-f", '"Notebook.NUMBERS.RA" - "Notebook.NUMBERS.RA" + "Notebook.NUMBERS.RA"')
    assert (done.status, done.errors) == (0, "-12.5043\n")


def test_completion_offers_no_devices_as_values(observatory: Observatory) -> None:
    for words, offered in (("Sink.N.a", "=", "S"), b""), (("Sink.N.a", "=", "1", "Sink.N.a"), b"Sink.N.a="):
        done = observatory.run("setprop", "--complete", *observatory.where(), *words, where=[])
        assert done.output.strip() == offered


def test_completion_in_bash_asks_the_server(observatory: Observatory) -> None:
    completion = observatory.run("getprop", "--completion", "bash", where=[]).output.decode()
    tool = observatory.folder() / "indigevent-getprop"
    tool.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {" ".join(program("getprop"))} "$@"\n')
    tool.chmod(0o755)

    def complete(word: str) -> list[str]:
        typed = [str(tool), *observatory.where(), word]
        quoted = " ".join(map(shlex.quote, typed))
        script = f"""{completion}
COMP_WORDS=({quoted}); COMP_CWORD={len(typed) - 1}
_indigevent_complete '{tool}'; printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        return done.stdout.splitlines()

    assert complete("No") == ["Notebook."]
    assert complete("Notebook.S") == ["Notebook.SECRET.", "Notebook.SWITCHES."]
    assert complete("'Notebook.'NUM") == ["Notebook.NUMBERS."]
    assert complete("'Notebook.NUMBERS.D") == ["Notebook.NUMBERS.DECIMAL"]
    assert complete("--wa") == ["--watch"]
