"""What happens to a client's messages: owners, echo to other clients, snoopers, pings."""

from __future__ import annotations

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.server import Server
from tests.lab.vocabulary import EVERYTHING, STAR, command, define, delete, enable_blob, get, note, update
from tests.system.registry import scenario


def two_drivers(lab: Lab, *options: object) -> tuple[Server, ScriptedDriver, ScriptedDriver]:
    """Start a server whose driver alpha owns A and A2 and whose driver beta owns B."""
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    server = lab.server(*options, alpha, beta)
    alpha.send(define("A"), define("A2"))
    beta.send(define("B"))
    lab.settle()
    return server, alpha, beta


def audience(lab: Lab, server: Server) -> None:
    """Connect a client of each kind of subscription."""
    lab.client(server, "everything", EVERYTHING)
    lab.client(server, "star", STAR)
    lab.client(server, "device", get("A"))
    lab.client(server, "property", get("A", "P"))
    lab.client(server, "other property", get("A", "Q"))
    lab.client(server, "nothing")
    lab.settle()


@scenario()
def commands_are_echoed_to_other_interested_clients(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    lab.client(server, "sender", EVERYTHING, command("A"), command("A", "Q"), command("B"), command("A2"))
    return lab.transcript()


@scenario()
def every_kind_of_command_is_echoed(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    kinds = ("Text", "Number", "Switch", "BLOB", "Light", "Unknown")
    lab.client(server, "sender", *(f"<new{kind}Vector device='A' name='P'/>" for kind in kinds))
    return lab.transcript()


@scenario()
def command_to_a_device_that_nobody_owns(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    lab.client(server, "interested", get("Nobody"))
    lab.client(server, "sender", command("Nobody"))
    return lab.transcript()


@scenario()
def command_without_device(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    lab.client(server, "sender", EVERYTHING, command(None), command(""))
    return lab.transcript()


@scenario()
def get_properties_goes_to_the_owner(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    lab.client(server, "client", get("A"), get("A2", "P"), get("B", "Q"), get("Nobody"), get(), get("*"))
    return lab.transcript()


@scenario()
def other_messages_go_to_drivers_only(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    messages = (note("A", "hello"), delete("A", "P"), delete("A"), define("A", "Z"), "<unknownTag device='A'/>")
    lab.client(server, "sender", *messages)
    return lab.transcript()


@scenario()
def messages_without_device_go_to_all_drivers(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    lab.client(server, "sender", note(None, "hello"), delete(None), "<unknownTag/>", "<pingReply uid='mine'/>")
    return lab.transcript()


@scenario()
def updates_from_a_client_reach_owner_and_snoopers(lab: Lab) -> Transcript:
    server, _, beta = two_drivers(lab)
    beta.send(get("A"))
    beta.ping()
    audience(lab, server)
    lab.client(server, "sender", update("A"), update("A2"), update("B"), update("Nobody"), update(None))
    return lab.transcript()


@scenario()
def only_updates_of_a_client_reach_snoopers(lab: Lab) -> Transcript:
    server, _, beta = two_drivers(lab)
    beta.send(get("A"))
    beta.ping()
    messages = (define("A", "Z"), note("A", "hello"), delete("A", "P"), command("A"))
    lab.client(server, "sender", *messages, "<setTextVector device='A' name='P'/>")
    return lab.transcript()


@scenario()
def enable_blob_is_not_for_local_drivers(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    lab.client(server, "client", enable_blob("Also", "A"), enable_blob("Only", "A", "P"), enable_blob("Never"))
    return lab.transcript()


@scenario()
def ping_is_answered_with_the_same_attributes(lab: Lab) -> Transcript:
    server, *_ = two_drivers(lab)
    audience(lab, server)
    client = lab.client(server, "client")
    local = lab.local_client(server, "local")
    client.send("<pingRequest uid='one &amp; two'/>", "<pingRequest/>", "<pingRequest device='A' uid='three'/>")
    local.send("<pingRequest uid='four'/>")
    return lab.transcript()


@scenario()
def ping_with_a_device_subscribes(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    client = lab.client(server, "client")
    client.send("<pingRequest device='A' uid='three'/>")
    lab.settle()
    alpha.send(update("A"), note("A", "end"))
    return lab.transcript()


@scenario()
def ping_reply_keeps_its_place_in_the_queue(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    client = lab.client(server, "client", get("A"))
    alpha.send(*(update("A", "P", number) for number in range(200)))
    alpha.ping()
    client.send("<pingRequest uid='last'/>")
    return lab.transcript()


@scenario()
def two_messages_in_one_write_and_one_in_many(lab: Lab) -> Transcript:
    server, _, _ = two_drivers(lab)
    client = lab.client(server, "client")
    client.send(command("A", "P", 1) + command("B", "P", 2))
    for character in command("A", "P", 3):
        client.send(character)
    return lab.transcript()


@scenario()
def command_of_a_client_that_leaves_at_once(lab: Lab) -> Transcript:
    """indi_setprop does this: it sends its command and closes although more comes for it."""
    server, alpha, _ = two_drivers(lab)
    for number in range(5):
        client = lab.client(server, f"hasty {number}", EVERYTHING)
        client.stop_reading()
        alpha.send(update("A"))
        alpha.ping()
        with server.stopped():
            alpha.send(*(update("A", "P", value) for value in range(20)))
            client.send(command("A", "P", number))
            client.close()
    alpha.latest.expect_count(5, "newNumberVector")
    return {"commands": [line for line in alpha.latest.lines() if line.startswith("<new")]}
