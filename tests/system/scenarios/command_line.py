"""The command line, exit statuses of wrong ones, logs and the islog."""

from __future__ import annotations

import re
from pathlib import Path

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.server import Server, free_port
from tests.lab.vocabulary import EVERYTHING, define, get, note, update
from tests.system.registry import scenario

from .from_clients import two_drivers


def refused(lab: Lab, *words: object) -> Transcript:
    """Start a server with words it must refuse; tell its exit status."""
    server = lab.launch_bare(*words, port=0, local="")
    lab.note(f"status {server.wait_for_exit()}")
    lab.note("usage is shown" if "usage" in server.complete_log().lower() else "no usage")
    return {"notes": lab.notes}


def served(lab: Lab, driver: ScriptedDriver, *words: object, port: int, local: str) -> Transcript:
    """Start a server with words it must accept and a driver; tell what the driver and clients receive."""
    server = lab.launch_bare(*words, driver, port=port, local=local)
    driver.expect("getProperties")
    server.wait_until_listening()
    lab.client(server, "client", EVERYTHING)
    lab.local_client(server, "local", EVERYTHING)
    return lab.transcript()


@scenario()
def no_driver_and_no_fifo(lab: Lab) -> Transcript:
    return refused(lab, "-p", free_port(), "-u", lab.local_name())


@scenario()
def no_words_at_all(lab: Lab) -> Transcript:
    return refused(lab)


@scenario()
def flags_but_no_driver(lab: Lab) -> Transcript:
    return refused(lab, "-vv", "-r", 3)


def refused_status(lab: Lab, *words: object) -> Transcript:
    """Like `refused`, for what is explained in one line instead of by the usage."""
    return {"status": refused(lab, *words)["notes"][:1]}


@scenario()
def unknown_flag(lab: Lab) -> Transcript:
    return refused_status(lab, "-z", "/bin/cat")


@scenario()
def unknown_flag_in_a_bundle(lab: Lab) -> Transcript:
    return refused_status(lab, "-vz", "/bin/cat")


@scenario()
def missing_value(lab: Lab) -> Transcript:
    return refused_status(lab, "-p")


@scenario()
def missing_value_in_a_bundle(lab: Lab) -> Transcript:
    return refused_status(lab, "-vl")


def nonsense(lab: Lab, flag: str) -> Transcript:
    """Start a server with a value that is no number; tell whether it runs."""
    alpha = lab.driver("alpha")
    server = lab.launch(flag, "few", alpha)
    if lab.is_reference:
        alpha.expect("getProperties")
        lab.note("runs")
    else:
        lab.note(f"status {server.wait_for_exit()}")
        assert "few" in server.complete_log()
    return {"notes": lab.notes}


@scenario(differs="bad-values", reference={"notes": ["runs"]}, ours={"notes": ["status 2"]})
def restarts_that_are_no_number(lab: Lab) -> Transcript:
    return nonsense(lab, "-r")


@scenario(differs="bad-values", reference={"notes": ["runs"]}, ours={"notes": ["status 2"]})
def queue_limit_that_is_no_number(lab: Lab) -> Transcript:
    return nonsense(lab, "-m")


@scenario()
def bundled_flags_with_a_value(lab: Lab) -> Transcript:
    port, local, alpha = free_port(), lab.local_name(), lab.driver("alpha")
    return served(lab, alpha, "-vvp", port, "-vu", local, "-r", 3, port=port, local=local)


@scenario()
def every_flag(lab: Lab) -> Transcript:
    port, local, alpha = free_port(), lab.local_name(), lab.driver("alpha")
    logs = lab.folder / "logs"
    logs.mkdir()
    words = ("-l", logs, "-m", 64, "-d", 0, "-u", local, "-p", port, "-r", 3, "-vvv")
    return served(lab, alpha, *words, port=port, local=local)


@scenario()
def bundled_restarts(lab: Lab) -> Transcript:
    server = lab.launch("-vr", 0, "/bin/false")
    lab.note(f"status {server.wait_for_exit()}")
    server.complete_log()
    return {"notes": lab.notes, "log": lab.log_lines(server, "Terminated after")}


@scenario()
def port_in_use(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    second = lab.launch("/bin/cat", port=server.port)
    lab.note(f"status {second.wait_for_exit()}")
    assert lab.is_reference or str(server.port) in second.complete_log()
    return {"notes": lab.notes}


@scenario()
def local_socket_in_use(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    port = free_port()
    second = lab.launch_bare("-p", port, "-u", server.local, "/bin/cat", port=port, local=server.local)
    lab.note(f"status {second.wait_for_exit()}")
    assert lab.is_reference or server.local in second.complete_log()
    return {"notes": lab.notes}


@scenario()
def stderr_of_a_driver_is_logged(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    alpha.latest.write_stderr(b"one\ntwo\nbegun ")
    server.wait_for_log("two$")
    alpha.latest.write_stderr(b"and ended\n\nlast\n")
    server.wait_for_log("last$")
    return {"log": lab.log_lines(server, "Driver.*: (one|two|begun.*|last|)$")}


@scenario()
def stderr_of_a_driver_named_as_given(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    server = lab.launch("alpha", PATH=f"{alpha.path.parent}:/usr/bin:/bin")
    alpha.expect("getProperties")
    alpha.latest.write_stderr(b"hello\n")
    server.wait_for_log("hello$")
    return {"log": lab.log_lines(server, "hello")}


LOGGED = r"welcome!$|bye!$|snooping on"


def logged_at(lab: Lab, *flags: str) -> list[str]:
    """Play a short scene; return the kinds of lines logged at this verbosity, each once."""
    alpha = lab.driver("alpha")
    server = lab.server(*flags, alpha)
    client = lab.client(server, "client", get("A"))
    local = lab.local_client(server, "local")
    alpha.send(define("A"), get("B"), get("A", "P"))
    lab.settle()
    client.close()
    local.close()
    alpha.latest.exit(0)
    alpha.incarnation(2).expect("getProperties")
    second = lab.client(server, "second", get("A"))
    if flags:
        server.wait_for_log("bye!$", times=2)
    second.ping()
    return sorted(set(lab.log_lines(server, LOGGED)))


@scenario()
def quiet_log(lab: Lab) -> Transcript:
    return {"log": logged_at(lab)}


@scenario()
def verbose_log(lab: Lab) -> Transcript:
    return {"log": [re.sub(r"\(user: .*\)", "(user: U)", line) for line in logged_at(lab, "-v")]}


def traffic_at(lab: Lab, flag: str) -> Transcript:
    """Tell which tags, read from whom, the log shows at this verbosity."""
    server, alpha, _ = two_drivers(lab, flag)
    lab.client(server, "client", get("A", "P"))
    alpha.send(update("A"))
    lab.settle()
    if flag != "-v":
        server.wait_for_log(r"Driver \S*alpha: read.*setNumberVector")
        server.wait_for_log(r"Client \d+: read.*getProperties")
    seen = re.findall(r"(Client|Driver)\b.*?: read <?(getProperties|setNumberVector|defNumberVector)\b", server.log)
    return {"log": sorted({f"{who} {tag}" for who, tag in seen})}


@scenario()
def verbose_log_shows_no_traffic(lab: Lab) -> Transcript:
    return traffic_at(lab, "-v")


@scenario()
def very_verbose_log_shows_traffic(lab: Lab) -> Transcript:
    return traffic_at(lab, "-vv")


@scenario()
def most_verbose_log_shows_traffic(lab: Lab) -> Transcript:
    return traffic_at(lab, "-vvv")


def islog(server: Server, folder: Path) -> list[str]:
    """End the server, which writes what waits; return the lines of all islog files with their file's name."""
    server.stop()
    return [f"{path.name}: {line}" for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


@scenario()
def islog_of_drivers_messages(lab: Lab) -> Transcript:
    folder = lab.folder / "logs"
    folder.mkdir()
    alpha = lab.driver("alpha")
    server = lab.server("-l", folder, alpha)
    alpha.send(
        "<message device='A' timestamp='2020-01-02T03:04:05' message='hello  world'/>",
        "<message device='A' timestamp='2020-01-02T03:04:06' message='&lt;&amp;&gt; &quot;q&quot; &apos;a&apos;'/>",
        "<setNumberVector device='A' name='P' timestamp='2020-01-02T03:04:07' message='in a set'/>",
        "<defSwitchVector device='A' name='P' timestamp='2020-01-02T03:04:08.123' message='in a def'/>",
        "<delProperty device='A' name='P' timestamp='2020-01-03T00:00:00' message='in a del'/>",
        "<message timestamp='2020-01-03T00:00:01' message='without device'/>",
        "<message device='A' timestamp='2020-01-03T00:00:02' message=''/>",
        "<setNumberVector device='A' name='P' timestamp='2020-01-03T00:00:03'/>",
        "<message device='A' timestamp='2020-01-03T00:00:04' message='caf\u00e9 \u2603'/>",
    )
    alpha.ping()
    lab.client(server, "client", "<message device='A' timestamp='2020-01-02T00:00:00' message='of a client'/>")
    lab.settle()
    return {"islog": islog(server, folder)}


@scenario()
def islog_dates_what_has_no_timestamp(lab: Lab) -> Transcript:
    folder = lab.folder / "logs"
    folder.mkdir()
    alpha = lab.driver("alpha")
    server = lab.server("-l", folder, alpha)
    alpha.send(note("A", "undated"))
    alpha.ping()
    (line,) = islog(server, folder)
    return {"islog": [re.sub(r"\d\d(?=[:T-])|(?<=[:T-])\d\d|^\d\d", "00", line)]}


@scenario()
def islog_is_appended(lab: Lab) -> Transcript:
    folder = lab.folder / "logs"
    folder.mkdir()
    (folder / "2020-01-02.islog").write_text("from before\n")
    alpha = lab.driver("alpha")
    server = lab.server("-l", folder, alpha)
    alpha.send("<message device='A' timestamp='2020-01-02T03:04:05' message='new'/>")
    alpha.ping()
    return {"islog": islog(server, folder)}
