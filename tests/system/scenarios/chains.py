"""Servers behind servers: `device@host:port` and `@host:port`, two and three deep."""

from __future__ import annotations

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.server import Server
from tests.lab.vocabulary import (
    EVERYTHING,
    attached,
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


def downstream(lab: Lab, *devices: str) -> tuple[Server, ScriptedDriver]:
    """Start a server whose driver `far` owns these devices."""
    far = lab.driver("far")
    server = lab.server(far)
    far.send(*(define(device) for device in devices))
    far.ping()
    return server, far


def upstream(lab: Lab, *remotes: str) -> tuple[Server, ScriptedDriver]:
    """Start a server with these remotes whose driver `near` owns device Near; return when the remotes were greeted."""
    near = lab.driver("near")
    server = lab.server(near, *remotes)
    near.send(define("Near"))
    near.ping()
    return server, near


def address(server: Server, device: str = "") -> str:
    """Return a remote driver's name."""
    return f"{device}@127.0.0.1:{server.port}"


@scenario()
def one_device_of_a_remote_server(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A", "A2")
    up, _ = upstream(lab, address(down, "A"))
    far.expect("getProperties", device="A")
    client = lab.client(up, "client", EVERYTHING)
    far.expect("getProperties")
    client.send(command("A"), command("A2"))
    far.expect("newNumberVector", device="A")
    far.send(update("A"), update("A2"), note(None, "of nobody"), note("A", "end"))
    client.expect("message", message="end")
    return lab.transcript()


@scenario()
def all_devices_of_a_remote_server(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A", "A2")
    up, _ = upstream(lab, address(down))
    far.expect("getProperties", device="*")
    client = lab.client(up, "client", EVERYTHING)
    far.expect("getProperties")
    far.send(define("A"), define("A2"), note("A2", "defined"))
    client.expect("message", message="defined")
    client.send(command("A"), command("A2", "P", 2))
    far.expect("newNumberVector", device="A2")
    far.send(update("A"), update("A2"), delete("A", "P"), note("A", "end"))
    client.expect("message", message="end")
    return lab.transcript()


@scenario()
def a_remote_device_is_owned_before_it_speaks(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    up, _ = upstream(lab, address(down, "A"))
    far.expect("getProperties", device="A")
    lab.client(up, "client", command("A"))
    far.expect("newNumberVector", device="A")
    return lab.transcript()


@scenario()
def devices_of_a_whole_remote_are_owned_when_they_speak(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A", "A2")
    up, _ = upstream(lab, address(down))
    far.expect("getProperties", device="*")
    client = lab.client(up, "client", get("A"), command("A", "P", 1))
    far.send(note("A", "here I am"))
    client.expect("message")
    client.send(command("A", "P", 2))
    far.expect("newNumberVector")
    return lab.transcript()


@scenario()
def local_driver_snoops_a_remote_device(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    _, near = upstream(lab, address(down, "A"))
    far.expect("getProperties", device="A")
    near.send(get("A"))
    far.expect("getProperties", device="A")
    far.send(update("A"), note("A", "hello"), delete("A", "P"), note("A", "end"))
    near.expect("message", message="end")
    return lab.transcript()


@scenario()
def remote_driver_snoops_a_local_device(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    _, near = upstream(lab, address(down))
    far.expect("getProperties", device="*")
    far.send(get("Near"))
    near.expect("getProperties", device="Near")
    near.send(update("Near"), note("Near", "not for snoopers through a chain"), define("Near"), update("Near", "End"))
    far.expect("setNumberVector", name="End")
    return lab.transcript()


@scenario()
def remote_driver_snoops_through_a_single_device_link(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    _, near = upstream(lab, address(down, "A"))
    far.expect("getProperties", device="A")
    far.send(get("Near"))
    near.expect("getProperties", device="Near")
    near.send(update("Near", "End"))
    far.expect("setNumberVector", name="End")
    return lab.transcript()


@scenario()
def blob_through_a_chain_to_tcp_and_local_clients(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    up, _ = upstream(lab, address(down))
    far.expect("getProperties", device="*")
    client = lab.client(up, "client", EVERYTHING, enable_blob("Also"))
    local = lab.local_client(up, "local", EVERYTHING, enable_blob("Also"))
    lab.client(up, "never", EVERYTHING)
    for _ in range(3):
        far.expect("getProperties")
    barrier_downstream(lab, up, far)
    far.send(set_blob("A", "B", b"hello"))
    far.send_attached(blob_vector("set", "A", "B", attached(5)), b"world")
    far.send(note("A", "end"))
    client.expect("message", message="end")
    local.expect("message", message="end")
    return lab.transcript()


def barrier_downstream(lab: Lab, up: Server, far: ScriptedDriver) -> None:
    """Return when all that clients of `up` said has reached the far driver."""
    messenger = lab.client(up, "messenger", EVERYTHING)
    far.send(note("A", "owned"))
    messenger.expect("message", message="owned")
    messenger.send(get("A"))
    far.expect("getProperties", device="A")
    messenger.send(command("A", "Barrier"))
    far.expect("newNumberVector", name="Barrier")


@scenario()
def blob_command_through_a_chain(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    up, _ = upstream(lab, address(down, "A"))
    far.expect("getProperties", device="A")
    lab.client(down, "watcher", get("A"))
    client = lab.client(up, "client")
    client.send(blob_vector("new", "A", "B", inline(b"", enclen=False)), command("A", "End"))
    far.expect("newNumberVector", name="End")
    return lab.transcript()


@scenario()
def death_of_a_remote_driver(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A", "A2")
    up, near = upstream(lab, address(down))
    far.expect("getProperties", device="*")
    client = lab.client(up, "client", EVERYTHING)
    far.expect("getProperties")
    far.send(update("A"), update("A2"))
    client.expect("setNumberVector", device="A2")
    far.latest.exit(1)
    client.expect("delProperty", device="A2")
    far.incarnation(2).expect("getProperties")
    far.send(define("A"))
    client.expect("defNumberVector", device="A")
    client.send(command("A"))
    far.expect("newNumberVector")
    near.ping()
    return lab.transcript()


@scenario()
def two_links_to_one_server_get_device_less_messages_once(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A", "A2")
    up, _ = upstream(lab, address(down, "A"), address(down, "A2"))
    far.expect("getProperties", device="A")
    far.latest.expect_count(3, "getProperties")
    client = lab.client(up, "client", EVERYTHING, note(None, "to all"))
    client.send(command("A", "End"), command("A2", "End"))
    far.latest.expect_count(2, "newNumberVector")
    return {"far, over two connections": sorted(far.latest.lines())}


def asked(times: int) -> list[str]:
    """Return what a driver hears that was asked for device A so many times after its start."""
    return ["<getProperties version='1.7'/>"] + ["<getProperties device='A' version='1.7'/>"] * times


@scenario(differs="same-remote-snoop", reference={"far#1": asked(4)}, ours={"far#1": asked(3)})
def snooping_within_one_remote_server_is_left_to_it(lab: Lab) -> Transcript:
    far, other = lab.driver("far"), lab.driver("other")
    down = lab.server(far, other)
    far.send(define("A"))
    other.send(define("B"))
    lab.settle()
    up, _ = upstream(lab, address(down, "A"), address(down, "B"))
    far.expect("getProperties", device="A")
    other.expect("getProperties", device="B")
    other.send(get("A"))
    far.latest.expect_count(4 if lab.is_reference else 3, "getProperties")
    client = lab.client(up, "client", get("A"))
    far.expect("getProperties")
    far.send(update("A"), note("A", "end"))
    client.expect("message", message="end")
    return lab.transcript()


@scenario()
def three_deep(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    middle = lab.server(address(down))
    far.expect("getProperties", device="*")
    up, near = upstream(lab, address(middle))
    far.expect("getProperties", device="*")
    client = lab.client(up, "client", EVERYTHING)
    far.expect("getProperties")
    far.send(define("A"), note("A", "defined"))
    client.expect("message", message="defined")
    client.send(command("A"))
    far.expect("newNumberVector")
    far.send(update("A"), note(None, "of nobody"), delete("A", "P"), note("A", "end"))
    client.expect("message", message="end")
    near.ping()
    return lab.transcript()


@scenario()
def three_deep_single_device(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A", "A2")
    middle = lab.server(address(down, "A"))
    far.expect("getProperties", device="A")
    up, _ = upstream(lab, address(middle, "A"))
    far.expect("getProperties", device="A")
    client = lab.client(up, "client", EVERYTHING)
    client.send(command("A"))
    far.expect("newNumberVector")
    far.send(update("A2"), update("A"), note("A", "end"))
    client.expect("message", message="end")
    return lab.transcript()


@scenario()
def three_deep_snooping_both_ways(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    middle = lab.server(address(down))
    far.expect("getProperties", device="*")
    _, near = upstream(lab, address(middle))
    far.expect("getProperties", device="*")
    far.send(update("A", "Here"), get("Near"))
    near.expect("getProperties", device="Near")
    near.send(update("Near", "End"), get("A"))
    far.expect("setNumberVector", name="End")
    far.expect("getProperties", device="A")
    far.send(update("A", "End"))
    near.expect("setNumberVector", name="End")
    return lab.transcript()


@scenario()
def three_deep_blob_to_a_local_client(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    middle = lab.server(address(down))
    far.expect("getProperties", device="*")
    up, _ = upstream(lab, address(middle))
    far.expect("getProperties", device="*")
    local = lab.local_client(up, "local", EVERYTHING, enable_blob("Also"))
    far.expect("getProperties")
    barrier_downstream(lab, up, far)
    far.send_attached(blob_vector("set", "A", "B", attached(70_000)), bytes(70_000))
    far.send(note("A", "end"))
    local.expect("message", message="end")
    return lab.transcript()


@scenario(
    differs="remote-lost",
    reference={"notes": ["upstream ended with status 1"]},
    ours={"notes": ["device deleted", "upstream goes on", "device back"]},
)
def remote_server_ends_and_comes_back(lab: Lab) -> Transcript:
    down, far = downstream(lab, "A")
    up, near = upstream(lab, address(down, "A"))
    far.expect("getProperties", device="A")
    client = lab.client(up, "client", get("A"))
    far.send(update("A"))
    client.expect("setNumberVector")
    down.stop()
    if lab.is_reference:
        lab.note(f"upstream ended with status {up.wait_for_exit()}")
    else:
        client.expect("delProperty", device="A")
        lab.note("device deleted")
        near.ping()
        lab.note("upstream goes on")
        lab.launch(far, port=down.port)
        again = far.incarnation(2)

        def back() -> bool:
            again.send(define("A", "Back"))
            return client.has("defNumberVector")

        lab.pump.poll(back, "device A is back")
        lab.note("device back")
    return {"notes": lab.notes}


@scenario(
    differs="remote-absent", reference={"notes": ["ended with status 1"]}, ours={"notes": ["serves", "status None"]}
)
def remote_server_absent_at_start(lab: Lab) -> Transcript:
    near = lab.driver("near")
    server = lab.launch(near, "A@127.0.0.1:1")
    if lab.is_reference:
        lab.note(f"ended with status {server.wait_for_exit()}")
    else:
        near.expect("getProperties")
        server.wait_until_listening()
        near.send(define("Near"))
        lab.client(server, "client", EVERYTHING, get("A"))
        near.expect("getProperties")
        lab.note("serves")
        lab.note(f"status {server.process.poll()}")
    return {"notes": lab.notes}
