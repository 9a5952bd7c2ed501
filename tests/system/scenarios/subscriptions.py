"""Who receives what a driver says: everything, a device, a property, nothing, and what subscribes."""

from __future__ import annotations

from tests.lab.driver import ScriptedDriver
from tests.lab.lab import Lab, Transcript
from tests.lab.vocabulary import EVERYTHING, STAR, command, define, delete, enable_blob, get, note, update
from tests.system.registry import add

REPERTOIRE = (
    define("A", "P"),
    define("A", "Q"),
    update("A", "P"),
    update("A", "Q"),
    note("A", "of a device"),
    note("A", "of a property", "P"),
    note(None, "of nobody"),
    note("", "of an empty name"),
    delete("A", "P"),
    delete("A", "Q"),
    delete("A"),
    delete(None),
    update("B", "P"),
    "<unknownTag device='A' name='P'><message device='A' message='inside'/>text</unknownTag>",
    "<unknownTag/>",
)

SUBSCRIPTIONS = {
    "nothing": (),
    "everything": (EVERYTHING,),
    "star": (STAR,),
    "device": (get("A"),),
    "property": (get("A", "P"),),
    "two_properties": (get("A", "P"), get("A", "Q")),
    "other_device": (get("C"),),
    "two_devices": (get("A"), get("B")),
    "device_after_everything": (EVERYTHING, get("A", "P")),
    "everything_after_device_does_not_widen": (get("C"), EVERYTHING),
    "star_after_device_does_not_widen": (get("C"), STAR),
    "device_after_property_widens": (get("A", "P"), get("A")),
    "property_after_device_does_not_narrow": (get("A"), get("A", "P")),
    "by_a_command": (command("A", "P"),),
    "by_a_command_without_name": ("<newSwitchVector device='A'/>",),
    "by_enable_blob": (enable_blob("Also", "A"),),
    "by_enable_blob_of_a_property": (enable_blob("Also", "A", "P"),),
    "not_by_enable_blob_of_everything": (enable_blob("Also"),),
    "by_a_message": (note("A", "hello"),),
    "name_without_device": ("<getProperties version='1.7' name='P'/>",),
}


def speaking_driver(lab: Lab) -> ScriptedDriver:
    """Make a driver that owns device A."""
    driver = lab.driver("alpha")
    lab.server(driver)
    driver.send(define("A"))
    driver.ping()
    return driver


def _play(messages: tuple[str, ...], lab: Lab) -> Transcript:
    driver = speaking_driver(lab)
    lab.client(lab.servers[0], "client", *messages)
    lab.settle()
    driver.send(*REPERTOIRE)
    return lab.transcript()


for _name, _messages in SUBSCRIPTIONS.items():

    def _played(lab: Lab, messages: tuple[str, ...] = _messages) -> Transcript:
        return _play(messages, lab)

    add(_name, _played)
