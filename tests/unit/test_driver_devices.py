"""Several devices of one driver, served over a socketpair in this process."""

from __future__ import annotations

import abc
import socket
import threading
from collections.abc import Iterator

import pytest

from indigevent.driver import Device, Driver, Number, NumberVector, Switch, SwitchVector, Wanted
from indigevent.driver.channel import Channel
from indigevent.driver.concurrency import standard
from indigevent.errors import LocalProtocolError

DEADLINE_S = 10.0
NEWS = (
    b"<defNumberVector device='T' name='N' state='Ok' perm='ro'>"
    b"<defNumber name='V' format='%g' min='0' max='0' step='0'>5</defNumber></defNumberVector>"
)


class Follower(Device):
    """Follows T.N, and counts what happens to it."""

    has_connection = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.left = threading.Event()
        self.seen = threading.Event()
        self.mirror = self.snoop("T", "N", lambda mirror: self.seen.set())

    def disconnect(self) -> None:
        self.left.set()


class Watcher(Device):
    """Follows T.N without being told of changes."""

    has_connection = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mirror = self.snoop("T", "N")


class Loner(Device):
    """Follows nobody."""

    has_connection = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.left = 0

    def disconnect(self) -> None:
        self.left += 1


class Unreachable(Loner):
    """Its hardware is not there."""

    def connect(self) -> None:
        raise OSError("no port")


class Served:
    """A driver in a thread, and the server's end of its socket."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.sock, theirs = socket.socketpair()
        channel = Channel(theirs.fileno(), theirs.fileno(), standard())
        theirs.detach()
        self.thread = threading.Thread(target=driver.serve, args=(channel, standard()), daemon=True)
        self.thread.start()

    def settle(self) -> None:
        """Return when the driver has handled all that was sent before."""
        self.sock.sendall(b"<pingRequest uid='here'/>")
        told = b""
        self.sock.settimeout(DEADLINE_S)
        while b"<pingReply" not in told:
            told += self.sock.recv(100_000)

    def do(self, task: object) -> list[BaseException]:
        """Have something done in the driver's thread; what it raised."""
        raised: list[BaseException] = []
        done = threading.Event()

        def run() -> None:
            try:
                task()  # type: ignore[operator]
            except Exception as error:
                raised.append(error)
            done.set()

        self.driver.agenda.call(run)
        assert done.wait(DEADLINE_S)
        return raised

    def close(self) -> None:
        self.sock.close()
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


@pytest.fixture
def pair() -> Iterator[Served]:
    served = Served(Driver(Loner("A"), Loner("B"), Follower("C"), Follower("D")))
    served.settle()
    yield served
    served.close()


def test_all_that_follow_a_property_get_its_news(pair: Served) -> None:
    pair.sock.sendall(NEWS)
    pair.settle()
    followers = [pair.driver.devices[name] for name in "CD"]
    assert all(isinstance(each, Follower) and each.seen.is_set() and each.mirror["V"] == 5 for each in followers)


def test_two_devices_that_ask_for_the_same_both_get_it() -> None:
    watchers = Watcher("A"), Watcher("B")
    served = Served(Driver(*watchers))
    served.settle()
    served.sock.sendall(NEWS)
    served.settle()
    served.close()
    assert [dict(watcher.mirror) for watcher in watchers] == [{"V": 5.0}] * 2


def test_asking_again_gives_the_same_mirror() -> None:
    watcher = Watcher("A")
    assert watcher.snoop("T", "N") is watcher.mirror


def test_a_device_is_not_connected_any_more_when_it_is_served_no_more() -> None:
    device = Device("A")
    served = Served(Driver(device))
    served.sock.sendall(
        b"<newSwitchVector device='A' name='CONNECTION'><oneSwitch name='CONNECT'>On</oneSwitch></newSwitchVector>"
    )
    served.settle()
    assert device.is_connected
    served.close()
    assert not device.is_connected


def test_one_method_may_obey_for_several_properties_and_for_one_built_in_code() -> None:
    class Several(Device):
        has_connection = False
        a = NumberVector("A", Number("V"))
        b = NumberVector("B", Number("V"))

        @a.on_new
        @b.on_new
        def obey(self, wanted: Wanted) -> None: ...

    device = Several()
    built, given = NumberVector("C", Number("V")), NumberVector("D", Number("V"))
    built.on_new(device.obey)
    device.define(built)
    device.define(given, on_new=device.obey)
    assert [device.handlers[name] for name in "ABCD"] == [device.obey] * 4


def test_a_handler_has_told_only_what_it_told_itself() -> None:
    class Busy(Device):
        has_connection = False
        n = NumberVector("N", Number("V"), always=True)

        @n.on_new
        def obey(self, wanted: Wanted) -> None:
            other = threading.Thread(target=lambda: self.n.set(V=1))
            other.start()
            other.join()

    device = Busy()
    served = Served(Driver(device))
    served.settle()
    served.sock.sendall(b"<newNumberVector device='Busy' name='N'><oneNumber name='V'>7</oneNumber></newNumberVector>")
    served.settle()
    assert device.n["V"] == 7
    served.close()


def test_commands_that_are_too_many_are_dropped_and_the_reader_goes_on() -> None:
    class Slow(Device):
        has_connection = False
        entered, leave = threading.Event(), threading.Event()
        n = NumberVector("N", Number("V"))

        @n.on_new
        def obey(self, wanted: Wanted) -> None:
            self.entered.set()
            assert self.leave.wait(DEADLINE_S)

    device = Slow()
    served = Served(Driver(device))
    served.settle()
    command = b"<newNumberVector device='Slow' name='N'><oneNumber name='V'>7</oneNumber></newNumberVector>"
    served.sock.sendall(command * 1200)
    assert device.entered.wait(DEADLINE_S)
    served.sock.sendall(b"<getProperties version='1.7' device='Slow' name='DRIVER_INFO'/>")
    served.sock.settimeout(DEADLINE_S)
    told = b""
    while b"<defTextVector" not in told:
        told += served.sock.recv(100_000)
    device.leave.set()
    served.settle()
    served.close()


def test_a_device_that_is_removed_leaves_its_hardware_and_follows_no_more(pair: Served) -> None:
    devices = dict(pair.driver.devices)
    assert pair.do(lambda: [pair.driver.remove(devices[name]) for name in "BC"]) == []
    pair.sock.sendall(NEWS)
    pair.settle()
    gone, loner, follower = devices["C"], devices["B"], devices["D"]
    assert isinstance(loner, Loner) and loner.left == 1
    assert isinstance(gone, Follower) and gone.left.is_set() and not gone.seen.is_set()
    assert isinstance(follower, Follower) and follower.seen.is_set()


def test_a_device_that_cannot_be_reached_is_not_added(pair: Served) -> None:
    assert [str(error) for error in pair.do(lambda: pair.driver.add(Unreachable("Z")))] == ["no port"]
    assert "Z" not in pair.driver.devices


def test_everybody_leaves_the_hardware_at_the_end() -> None:
    device = Loner("A")
    served = Served(Driver(device))
    served.settle()
    served.close()
    assert device.left == 1


def test_bases_may_be_abstract() -> None:
    class Base(Device, abc.ABC):
        go = SwitchVector("GO", Switch("GO"), rule="AtMostOne", momentary=True)

        @go.on_new
        @abc.abstractmethod
        def obey(self, wanted: object) -> None: ...

    class Real(Base):
        def obey(self, wanted: object) -> None:
            """Obey."""

    device = Real()
    assert device.handlers["GO"] == device.obey


@pytest.mark.parametrize("name", ["", "P\x01"])
def test_names_that_cannot_be_sent_are_refused_where_they_stand(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be the name"):
        NumberVector(name, Number("V"))
    with pytest.raises(LocalProtocolError, match="cannot be the name"):
        NumberVector("N", Number(name))
