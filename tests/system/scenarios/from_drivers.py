"""What happens to a driver's messages: ownership, clients, snooping, and two drivers with one device."""

from __future__ import annotations

from tests.lab.lab import Lab, Transcript
from tests.lab.vocabulary import (
    EVERYTHING,
    STAR,
    blob_vector,
    command,
    define,
    delete,
    enable_blob,
    get,
    inline,
    note,
    set_blob,
    update,
)
from tests.system.registry import scenario

from .from_clients import audience, two_drivers

SNOOPED_ALL = (
    define("A", "Q"),
    update("A"),
    update("A", "Q"),
    note("A", "of a device"),
    note("A", "of a property", "P"),
    command("A"),
    delete("A", "P"),
    delete("A"),
    update("A2"),
    note(None, "of nobody"),
    "<unknownTag device='A' name='P'/>",
)
SNOOPED_BLOB = "<setBLOBVector device='A' name='B'><oneBLOB{} format='.x' name='b' size='5'>{} b'hello'</></>"


def snooper_got(attribute: str, form: str) -> Transcript:
    """Return the expectation for a snooping driver that got one BLOB."""
    return {"also#1": ["<getProperties version='1.7'/>", SNOOPED_BLOB.format(attribute, form)]}


SEEN_BY_ALL_BUT_EVERYTHING = [
    "<getProperties device='A' version='1.7'/>",
    "<getProperties device='B' name='P' version='1.7'/>",
    "<getProperties device='Nobody' version='1.7'/>",
    "<getProperties version='1.7'/>",
]


@scenario()
def a_driver_may_own_many_devices(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    alpha.send(note("A3", "by any message"), delete("A4"), "<unknownTag device='A5'/>")
    alpha.ping()
    devices = ("A", "A2", "A3", "A4", "A5", "B")
    lab.client(server, "client", *(command(device) for device in devices))
    return lab.transcript()


@scenario()
def snooping_does_not_own(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    alpha.send(get("Snooped"))
    alpha.ping()
    lab.client(server, "client", command("Snooped"))
    return lab.transcript()


@scenario()
def commands_from_a_driver_go_to_clients_and_snoopers(lab: Lab) -> Transcript:
    server, alpha, beta = two_drivers(lab)
    beta.send(get("A"))
    beta.ping()
    audience(lab, server)
    alpha.send(command("A"), command("B"))
    return lab.transcript()


@scenario()
def ping_of_a_driver_is_answered_here(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    audience(lab, server)
    alpha.send("<pingRequest uid='SetBLOB/1'/>", "<pingRequest uid='x' device='A'/>")
    return lab.transcript()


@scenario()
def ping_reply_of_a_driver(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    lab.client(server, "everything", EVERYTHING)
    lab.client(server, "nothing")
    alpha.send("<pingReply uid='unasked'/>")
    return lab.transcript()


@scenario()
def snooping_a_device(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("A"))
    beta.ping()
    alpha.send(*SNOOPED_ALL)
    return lab.transcript()


@scenario()
def snooping_a_property(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("A", "P"))
    beta.ping()
    alpha.send(*SNOOPED_ALL)
    return lab.transcript()


@scenario()
def snooping_two_properties_and_then_the_device(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("A", "P"), get("A", "Q"))
    beta.ping()
    alpha.send(update("A", "P"), update("A", "Q"), update("A", "R"))
    alpha.ping()
    beta.send(get("A"))
    beta.ping()
    alpha.send(update("A", "P"), update("A", "Q"), update("A", "R"))
    return lab.transcript()


@scenario()
def snooping_a_device_that_comes_later(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("Later"))
    beta.ping()
    alpha.send(define("Later"), update("Later"))
    return lab.transcript()


@scenario()
def snooping_on_oneself(lab: Lab) -> Transcript:
    _, alpha, _ = two_drivers(lab)
    alpha.send(get("A"), update("A"), note("A", "hello"))
    return lab.transcript()


@scenario()
def snooping_on_each_other(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    alpha.send(get("B"))
    beta.send(get("A"))
    lab.settle()
    alpha.send(update("A"))
    lab.settle()
    beta.send(update("B"))
    return lab.transcript()


@scenario(
    differs="driver-getproperties",
    reference=dict.fromkeys(("device", "property", "other property", "nothing"), SEEN_BY_ALL_BUT_EVERYTHING),
    ours={name: [] for name in ("device", "property", "other property", "nothing")},
)
def get_properties_of_a_driver(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    audience(lab, server)
    alpha.send(get("A"), get("B", "P"), get("Nobody"), get())
    return lab.transcript()


@scenario()
def snooping_everything(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get())
    beta.ping()
    alpha.send(update("A"), note("A", "of a device"), note(None, "of nobody"), delete("A"))
    return lab.transcript()


@scenario()
def snooping_star(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(get("*"))
    beta.ping()
    alpha.send(update("A"), note("A", "of a device"), note(None, "of nobody"), delete("A"))
    return lab.transcript()


@scenario()
def blobs_for_snoopers_by_policy(lab: Lab) -> Transcript:
    never, also, only = lab.driver("never"), lab.driver("also"), lab.driver("only")
    alpha = lab.driver("alpha")
    lab.server(alpha, never, also, only)
    for driver, policy in ((never, "Never"), (also, "Also"), (only, "Only")):
        driver.send(get("A"), enable_blob(policy, "A"))
        driver.ping()
    empty = blob_vector("set", "A", "B", "<oneBLOB name='b' size='0' format='.x'></oneBLOB>")
    alpha.send(define("A"), empty, update("A"), note("A", "end"))
    return lab.transcript()


@scenario()
def policy_for_a_property_under_a_snoop_of_the_device(lab: Lab) -> Transcript:
    alpha, beta = lab.driver("alpha"), lab.driver("beta")
    lab.server(alpha, beta)
    beta.send(get("A"), enable_blob("Also", "A", "B1"))
    beta.ping()
    empty = "<oneBLOB name='b' size='0' format='.x'></oneBLOB>"
    alpha.send(define("A"), blob_vector("set", "A", "B1", empty), blob_vector("set", "A", "B2", empty))
    return lab.transcript()


@scenario(
    differs="blobs-to-drivers-inline",
    reference=snooper_got(" attached='true'", "attached"),
    ours=snooper_got(" enclen='8'", "inline"),
)
def inline_blob_for_a_snooper(lab: Lab) -> Transcript:
    alpha, also, property_only, without_snoop = (lab.driver(n) for n in ("alpha", "also", "property", "unsnooped"))
    lab.server(alpha, also, property_only, without_snoop)
    also.send(get("A"), enable_blob("Also", "A"))
    property_only.send(get("A", "Other"), enable_blob("Also", "A", "Other"))
    without_snoop.send(enable_blob("Also", "A"))
    lab.settle()
    alpha.send(set_blob("A", "B", b"hello"))
    return lab.transcript()


@scenario(
    differs="blobs-to-drivers-inline",
    reference=snooper_got(" attached='true'", "attached"),
    ours=snooper_got("", "inline"),
)
def attached_blob_for_a_snooper(lab: Lab) -> Transcript:
    alpha, also = lab.driver("alpha"), lab.driver("also")
    lab.server(alpha, also)
    also.send(get("A", "B"), enable_blob("Also", "A", "B"))
    also.ping()
    message = blob_vector("set", "A", "B", "<oneBLOB name='b' size='5' format='.x' attached='true'/>")
    alpha.send_attached(message, b"hello and more than size says")
    return lab.transcript()


@scenario()
def two_drivers_with_one_device(lab: Lab) -> Transcript:
    server, alpha, beta = two_drivers(lab)
    beta.send(define("A"))
    beta.ping()
    client = lab.client(server, "client", EVERYTHING)
    client.send(command("A"), get("A"))
    lab.settle()
    alpha.send(update("A", "P", 1))
    lab.settle()
    beta.send(update("A", "P", 2))
    return lab.transcript()


@scenario()
def snooping_a_device_with_two_owners(lab: Lab) -> Transcript:
    _, alpha, beta = two_drivers(lab)
    beta.send(define("A"))
    lab.settle()
    alpha.send(get("A"))
    lab.settle()
    beta.send(update("A", "P", 2))
    lab.settle()
    alpha.send(update("A", "P", 1))
    return lab.transcript()


@scenario()
def chained_upstream_hears_drivers_requests(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    lab.client(server, "upstream", STAR)
    alpha.send(get("B"), get("Nobody", "P"), enable_blob("Also", "B"))
    return lab.transcript()


@scenario()
def first_message_of_a_driver_to_early_clients(lab: Lab) -> Transcript:
    alpha = lab.driver("alpha")
    server = lab.server(alpha)
    lab.client(server, "early", EVERYTHING)
    lab.client(server, "early device", get("A"))
    alpha.send(define("A") + update("A"))
    lab.settle()
    lab.client(server, "star", STAR, command("A"))
    return lab.transcript()


@scenario()
def long_texts_pass(lab: Lab) -> Transcript:
    server, alpha, _ = two_drivers(lab)
    lab.client(server, "client", EVERYTHING)
    alpha.send(note("A", "x" * 200_000), blob_vector("set", "A", "B", inline(b"never shown")), update("A"))
    return lab.transcript()
