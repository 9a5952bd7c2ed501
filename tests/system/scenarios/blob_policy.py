"""enableBLOB: which BLOBs, and with Only which other messages, reach a client."""

from __future__ import annotations

from collections.abc import Sequence

from tests.lab.lab import Lab, Transcript
from tests.lab.vocabulary import EVERYTHING, define, define_blob, delete, enable_blob, get, note, set_blob, update
from tests.system.registry import add, scenario

NUMBER = update("A", "N")
SAID = (
    define_blob("A", "B1"),
    set_blob("A", "B1", b"one"),
    define_blob("A", "B2"),
    set_blob("A", "B2", b"two"),
    set_blob("Other", "B1", b"other"),
    NUMBER,
    update("A", "B1"),
    note("A", "of a property", "B1"),
    note(None, "of nobody"),
    delete("A", "B1"),
    delete("A"),
)

SAME = {
    "default_is_never": (EVERYTHING,),
    "also_for_everything": (EVERYTHING, enable_blob("Also")),
    "never_for_everything": (EVERYTHING, enable_blob("Also"), enable_blob("Never")),
    "also_for_a_property": (EVERYTHING, enable_blob("Also", "A", "B1")),
    "also_for_two_properties": (EVERYTHING, enable_blob("Also", "A", "B1"), enable_blob("Also", "Other", "B1")),
    "never_for_a_property_after_also_for_all": (EVERYTHING, enable_blob("Also"), enable_blob("Never", "A", "B1")),
    "also_for_all_after_never_for_a_property": (EVERYTHING, enable_blob("Never", "A", "B1"), enable_blob("Also")),
    "never_for_all_after_also_for_a_property": (EVERYTHING, enable_blob("Also", "A", "B1"), enable_blob("Never")),
    "before_the_subscription": (enable_blob("Also"), EVERYTHING),
    "device_subscriber_also": (get("A"), enable_blob("Also", "A")),
    "property_subscriber_also": (get("A", "B1"), enable_blob("Also", "A", "B1")),
    "property_subscriber_widens_by_device_policy": (get("A", "B1"), enable_blob("Also", "A")),
    "spaces_around_the_policy": (EVERYTHING, "<enableBLOB>\n  Also\t</enableBLOB>"),
    "unknown_policy_is_ignored": (EVERYTHING, "<enableBLOB device='A'>also</enableBLOB>"),
    "empty_policy_is_ignored": (EVERYTHING, "<enableBLOB device='A'/>"),
}


def speak(lab: Lab, messages: Sequence[str]) -> Transcript:
    """Let one client send `messages`, then a driver say something of every kind."""
    driver = lab.driver("alpha")
    server = lab.server(driver)
    driver.send(define("A"), define("Other"))
    driver.ping()
    lab.client(server, "client", *messages)
    driver.send(*SAID)
    return lab.transcript()


for _name, _messages in SAME.items():

    def _played(lab: Lab, messages: Sequence[str] = _messages) -> Transcript:
        return speak(lab, messages)

    add(_name, _played)

DEFINITIONS = [
    "<defBLOBVector device='A' name='B1' perm='ro' state='Idle'><defBLOB name='b'/></>",
    "<defBLOBVector device='A' name='B2' perm='ro' state='Idle'><defBLOB name='b'/></>",
]
SET_B1 = "<setBLOBVector device='A' name='B1'><oneBLOB enclen='4' format='.x' name='b' size='3'>inline b'one'</></>"
SET_B2 = "<setBLOBVector device='A' name='B2'><oneBLOB enclen='4' format='.x' name='b' size='3'>inline b'two'</></>"
SET_OTHER = (
    "<setBLOBVector device='Other' name='B1'><oneBLOB enclen='8' format='.x' name='b' size='5'>inline b'other'</></>"
)
REST = [
    "<setNumberVector device='A' name='N' state='Ok'><oneNumber name='x'>1</></>",
    "<setNumberVector device='A' name='B1' state='Ok'><oneNumber name='x'>1</></>",
    "<message device='A' message='of a property' name='B1'/>",
    "<message message='of nobody'/>",
    "<delProperty device='A' name='B1'/>",
    "<delProperty device='A'/>",
]
DELETIONS = REST[-2:]


def heard(*blobs: str) -> list[str]:
    """Return what a client hears that gets these BLOBs and everything that is no BLOB."""
    order = [DEFINITIONS[0], SET_B1, DEFINITIONS[1], SET_B2, SET_OTHER]
    return [line for line in order if line in DEFINITIONS or line in blobs] + REST


def client(lines: list[str]) -> Transcript:
    """Return the expectation for the scenario's one client."""
    return {"client": lines}


@scenario(
    differs="enableblob-device", reference=client(heard(SET_B1, SET_B2, SET_OTHER)), ours=client(heard(SET_B1, SET_B2))
)
def also_for_a_device(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Also", "A")))


@scenario(differs="enableblob-device", reference=client(heard()), ours=client(heard(SET_B1)))
def never_for_another_device_after_also_for_a_property(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Also", "A", "B1"), enable_blob("Never", "Other")))


@scenario(differs="enableblob-device", reference=client(heard()), ours=client(heard(SET_OTHER)))
def never_for_a_device_after_also_for_everything(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Also"), enable_blob("Never", "A")))


@scenario(
    differs="enableblob-device", reference=client(heard(SET_B1, SET_B2, SET_OTHER)), ours=client(heard(SET_B1, SET_B2))
)
def also_for_a_device_clears_its_narrower_policies(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Never", "A", "B1"), enable_blob("Also", "A")))


@scenario(
    differs="enableblob-only",
    reference=client([SET_B1, SET_B2, SET_OTHER]),
    ours=client([DEFINITIONS[0], SET_B1, DEFINITIONS[1], SET_B2, SET_OTHER, *DELETIONS]),
)
def only_for_everything(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Only")))


@scenario(
    differs="enableblob-only",
    reference=client([SET_B1, SET_B2]),
    ours=client([DEFINITIONS[0], SET_B1, DEFINITIONS[1], SET_B2, REST[3], *DELETIONS]),
)
def only_for_a_device(lab: Lab) -> Transcript:
    return speak(lab, (get("A"), enable_blob("Only", "A")))


@scenario(
    differs="enableblob-only",
    reference=client(heard(SET_B1)),
    ours=client([DEFINITIONS[0], SET_B1, DEFINITIONS[1], REST[0], *REST[3:]]),
)
def only_for_a_property(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Only", "A", "B1")))


@scenario(
    differs="enableblob-only",
    reference=client([DEFINITIONS[0], SET_B1, *REST[1:5]]),
    ours=client([DEFINITIONS[0], SET_B1, REST[3], REST[4]]),
)
def only_for_a_property_subscriber(lab: Lab) -> Transcript:
    return speak(lab, (get("A", "B1"), enable_blob("Only", "A", "B1")))


@scenario(
    differs="enableblob-only",
    reference=client([SET_B2, SET_OTHER]),
    ours=client([*DEFINITIONS, SET_B2, SET_OTHER, *REST[1:3], *DELETIONS]),
)
def never_for_a_property_after_only_for_everything(lab: Lab) -> Transcript:
    return speak(lab, (EVERYTHING, enable_blob("Only"), enable_blob("Never", "A", "B1")))
