"""Several devices of one driver, served over a socketpair in this process."""

from __future__ import annotations

import abc
import socket
import threading
from collections.abc import Iterator

import pytest

from indigevent.driver import Device, Driver, Number, NumberVector, Switch, SwitchVector
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
        self.thread = threading.Thread(target=driver.serve, args=(channel, standard()))
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
