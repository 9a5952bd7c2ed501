"""Drivers that die, are restarted and end; the server's own end; clients that leave; descriptors."""

from __future__ import annotations

import signal

import psutil

from tests.lab.lab import Lab, Transcript
from tests.lab.vocabulary import (
    EVERYTHING,
    STAR,
    attached,
    blob_vector,
    command,
    define,
    enable_blob,
    get,
    note,
    update,
)
from tests.system.registry import scenario

from .from_clients import two_drivers

GONE_A = "<delProperty device='A'/>"
ASKED = "<getProperties version='1.7'/>"
RESTART_LINES = r"restart #|Terminated after"


@scenario(
    differs="death-tells-all",
    reference={"property": [], "beta#1": [ASKED] * 2, "gamma#1": [ASKED] * 2},
    ours={"property": [GONE_A], "beta#1": [ASKED, ASKED, GONE_A], "gamma#1": [ASKED, ASKED, GONE_A]},
)
def death_of_a_driver(lab: Lab) -> Transcript:
    alpha, beta, gamma = lab.driver("alpha"), lab.driver("beta"), lab.driver("gamma")
    server = lab.server(alpha, beta, gamma)
    alpha.send(define("A"), define("A2"), define("A3"))
    alpha.ping()
    beta.send(get("A"))
    beta.ping()
    gamma.send(get("A", "P"))
    lab.settle()
    lab.client(server, "everything", EVERYTHING)
    lab.client(server, "device", get("A"))
    lab.client(server, "property", get("A", "P"))
    lab.client(server, "other device", get("B"))
    lab.client(server, "nothing")
    lab.settle()
    alpha.latest.kill()
    alpha.incarnation(2).expect("getProperties")
    return lab.transcript()


@scenario()
def a_restarted_driver_is_served_again(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    lab.client(server, "client", get("A2"))
    lab.settle()
    alpha.latest.exit(3)
    alpha.incarnation(2).expect("getProperties")
    alpha.send(define("A2"), update("A2"))
    alpha.ping()
    lab.client(server, "sender", command("A2"), command("A"))
    return lab.transcript()


@scenario()
def snoops_survive_the_death_of_the_snooped(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("A2"), get("A", "P"))
    beta.ping()
    alpha.latest.exit(0)
    alpha.incarnation(2).expect("getProperties")
    alpha.send(update("A2"), update("A", "P"))
    lab.settle()
    return {"heard by the snooper": [line for line in beta.latest.lines() if "set" in line]}


@scenario()
def snoops_end_with_the_snooper(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("A"))
    beta.ping()
    beta.latest.exit(0)
    beta.incarnation(2).expect("getProperties")
    alpha.send(update("A"))
    return lab.transcript()


@scenario()
def one_of_two_owners_dies(lab: Lab) -> Transcript:
    server, alpha, beta = two_drivers(lab)
    beta.send(define("A"))
    client = lab.client(server, "client", EVERYTHING)
    lab.settle()
    alpha.latest.exit(0)
    alpha.incarnation(2).expect("getProperties")
    client.send(command("A"))
    return lab.transcript()


@scenario()
def restarts_up_to_the_limit(lab: Lab) -> Transcript:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = lab.server("-r", 2, alpha, beta)
    for number, status in enumerate((0, 3, None), 1):
        one = alpha.incarnation(number)
        one.expect_count(1, "getProperties")
        one.send(define("A"))
        one.ping()
        if status is None:
            one.kill()
        else:
            one.exit(status)
    server.wait_for_log("Terminated after")
    lab.client(server, "client", EVERYTHING, command("A"))
    return lab.transcript() | {"log": lab.log_lines(server, RESTART_LINES)}


@scenario()
def no_restarts(lab: Lab) -> Transcript:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = lab.server("-r", 0, alpha, beta)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(define("A"))
    alpha.latest.exit(0)
    server.wait_for_log("Terminated after")
    client.send(command("A"))
    return lab.transcript() | {"log": lab.log_lines(server, RESTART_LINES)}


def last_driver_ends(lab: Lab, status: int) -> Transcript:
    """Let the only driver end without restarts; tell how the server ended."""
    alpha = lab.driver("alpha")
    server = lab.server("-r", 0, alpha)
    alpha.latest.exit(status)
    lab.note(f"server's status {server.wait_for_exit()}")
    server.complete_log()
    return {"notes": lab.notes, "log": lab.log_lines(server, RESTART_LINES)}


@scenario()
def server_ends_with_its_last_driver(lab: Lab) -> Transcript:
    return last_driver_ends(lab, 0)


@scenario()
def server_ends_with_its_last_failing_driver(lab: Lab) -> Transcript:
    return last_driver_ends(lab, 7)


@scenario()
def server_ends_after_all_restarts(lab: Lab) -> Transcript:
    server = lab.launch("-r", 2, "/bin/false", "/bin/true")
    lab.note(f"server's status {server.wait_for_exit()}")
    server.complete_log()
    return {"notes": lab.notes, "log": sorted(lab.log_lines(server, RESTART_LINES))}


@scenario()
def missing_program_counts_as_an_exit(lab: Lab) -> Transcript:
    server = lab.launch("-r", 1, "/no/such/driver")
    lab.note(f"server's status {server.wait_for_exit()}")
    server.complete_log()
    return {"notes": lab.notes, "log": lab.log_lines(server, RESTART_LINES)}


@scenario()
def missing_program_beside_a_good_one(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    server = lab.server("-r", 1, "no_such_driver_at_all", alpha)
    server.wait_for_log("Terminated after")
    alpha.send(define("A"))
    alpha.ping()
    lab.client(server, "client", EVERYTHING, command("A"))
    return lab.transcript() | {"log": lab.log_lines(server, RESTART_LINES)}


@scenario()
def driver_found_by_name_on_the_path(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    lab.launch("alpha", PATH=f"{alpha.path.parent}:/usr/bin:/bin")
    alpha.expect("getProperties")
    hello = alpha.latest.hello
    return {"arguments": [str(hello["arguments"])], "descriptors": [str(hello["descriptors"])]}


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def ended_by(lab: Lab, number: int) -> Transcript:
    """Send the server a signal; tell how it ended and whether its drivers are gone."""
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = lab.server(alpha, beta)
    lab.client(server, "client", EVERYTHING)
    drivers = [driver.latest.hello["pid"] for driver in (alpha, beta)]
    lab.note(f"server's status {server.stop(number)}")
    lab.pump.poll(lambda: not any(alive(pid) for pid in drivers), "the drivers end")
    lab.note("drivers ended")
    return {"notes": lab.notes}


@scenario(
    differs="signals",
    reference={"notes": ["server's status -15", "drivers ended"]},
    ours={"notes": ["server's status 0", "drivers ended"]},
)
def ended_by_sigterm(lab: Lab) -> Transcript:
    return ended_by(lab, signal.SIGTERM)


@scenario(
    differs="signals",
    reference={"notes": ["server's status -2", "drivers ended"]},
    ours={"notes": ["server's status 0", "drivers ended"]},
)
def ended_by_sigint(lab: Lab) -> Transcript:
    return ended_by(lab, signal.SIGINT)


@scenario()
def ended_by_sigkill(lab: Lab) -> Transcript:
    return ended_by(lab, signal.SIGKILL)


@scenario(
    differs="half-closed",
    reference={"client": []},
    ours={"client": ["<setNumberVector device='A' name='P' state='Ok'><oneNumber name='x'>1</></>"]},
)
def half_closed_client_gets_its_replies(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    client = lab.client(server, "client")
    client.send(get("A"))
    client.half_close()
    alpha.expect("getProperties", device="A")
    if lab.is_reference:
        client.expect_closed()
    alpha.send(update("A"))
    if not lab.is_reference:
        client.expect("setNumberVector")
    return {"client": client.lines()}


@scenario(
    differs="half-closed",
    reference={"client": []},
    ours={"client": ["<setNumberVector device='A' name='P' state='Ok'><oneNumber name='x'>1</></>"]},
)
def half_closed_local_client_gets_its_replies(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    client = lab.local_client(server, "client")
    client.send(get("A"))
    client.half_close()
    alpha.expect("getProperties", device="A")
    if lab.is_reference:
        client.expect_closed()
    alpha.send(update("A"))
    if not lab.is_reference:
        client.expect("setNumberVector")
    return {"client": client.lines()}


@scenario()
def unfinished_message_of_a_leaving_client_is_dropped(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    client = lab.client(server, "client")
    client.send(command("A", "P", 1) + command("A", "P", 2)[:-5])
    alpha.expect("newNumberVector")
    client.close()
    lab.client(server, "next", command("A", "P", 3))
    return lab.transcript()


@scenario()
def unfinished_message_of_a_dying_driver_is_dropped(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    client = lab.client(server, "client", EVERYTHING)
    alpha.send(update("A", "P", 1) + update("A", "P", 2)[:-5])
    alpha.latest.exit(0)
    client.expect("delProperty", device="A2")
    alpha.incarnation(2).expect("getProperties")
    alpha.send(update("A", "P", 3))
    return lab.transcript()


@scenario()
def descriptors_are_back_after_each_client(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    base = server.descriptors()
    for number in range(4):
        tcp = lab.client(server, f"tcp {number}", EVERYTHING, enable_blob("Also"))
        local = lab.local_client(server, f"local {number}", EVERYTHING, enable_blob("Also"))
        lab.note(f"{server.descriptors() - base} more with two clients")
        alpha.send_attached(blob_vector("set", "A", "B", attached(5)), b"hello")
        lab.settle()
        tcp.close()
        local.close()
        server.wait_for_descriptors(base)
        lab.note("back to the number before")
    return lab.transcript()


def kept(lab: Lab, count: int, message: str, *payloads: bytes) -> Transcript:
    """Let four local clients send this with descriptors and leave; wait until the server keeps `count` of them."""
    server, *_ = two_drivers(lab)
    base = server.descriptors()
    for number in range(4):
        client = server.local_client(f"local {number}")
        client.send_attached(message, *payloads)
        client.close()
    server.wait_for_descriptors(base + count)
    lab.note(f"{count} kept")
    return {"notes": lab.notes}


@scenario(differs="descriptors", reference={"notes": ["8 kept"]}, ours={"notes": ["0 kept"]})
def descriptors_of_clients_that_vanish_in_a_message(lab: Lab) -> Transcript:
    unfinished = blob_vector("new", "A", "B", attached(5) + attached(5, "c"))[:-25]
    return kept(lab, 8 if lab.is_reference else 0, unfinished, b"hello", b"world")


@scenario()
def descriptors_of_blobs_for_nobody(lab: Lab) -> Transcript:
    return kept(lab, 0, blob_vector("new", "Nobody", "B", attached(5)), b"hello")


@scenario()
def descriptors_are_back_after_a_restart(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    base = server.descriptors()
    alpha.latest.kill()
    alpha.incarnation(2).expect("getProperties")
    server.wait_for_descriptors(base)
    return {"inherited": [str(alpha.latest.hello["descriptors"])]}


@scenario()
def environment_of_the_server_reaches_its_drivers(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    lab.server(alpha, INDIDEV="outer device", INDICONFIG="outer config", INDISKEL="outer skeleton", INDIPREFIX="outer")
    return {"environment": [f"{key}={value}" for key, value in sorted(alpha.latest.hello["environment"].items())]}


@scenario()
def many_clients_come_and_go(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    stays = lab.client(server, "stays", STAR)
    for number in range(5):
        client = server.client(f"passing {number}")
        client.send(EVERYTHING, note("A", "hello"))
        client.close()
    alpha.latest.expect_count(5, "message")
    alpha.send(update("A"))
    stays.expect("setNumberVector")
    return {"stays": stays.lines(), "messages": [str(sum("<message" in line for line in alpha.latest.lines()))]}
