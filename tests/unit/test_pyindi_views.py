"""PyIndi's properties and widgets over the client's cache: values, sequences, casts, and what does not exist."""

from __future__ import annotations

import contextlib
import zlib
from typing import Any

import pytest

import indigevent.compat.pyindi as PyIndi
from indigevent.client.model import Blob, Mirror
from indigevent.compat.pyindi.device import BaseDevice
from indigevent.errors import ClientError
from indigevent.protocol.constants import Permission, PropertyState, SwitchRule, SwitchState
from indigevent.protocol.vectors import (
    DefBLOB,
    DefBLOBVector,
    DefLight,
    DefLightVector,
    DefNumber,
    DefNumberVector,
    DefSwitch,
    DefSwitchVector,
    DefText,
    DefTextVector,
    UserMessage,
)

COMMON: dict[str, Any] = {"device": "D", "state": PropertyState.OK, "label": "Label", "group": "Group"}
NUMBERS = (DefNumber("x", 1.5, "%4.1f", 0.0, 9.0, 0.5, "The X"), DefNumber("y", 2.0, "%g", 0.0, 0.0, 0.0))
SWITCHES = (DefSwitch("CONNECT", SwitchState.ON), DefSwitch("DISCONNECT", SwitchState.OFF))
RULE = SwitchRule.ONE_OF_MANY


class Nowhere:
    """Look-ups that find nothing more than the mirror has."""

    lock = contextlib.nullcontext()

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror

    def base_device(self, name: str) -> BaseDevice:
        return BaseDevice(self.mirror.devices.get(name), self)

    def find(self, device: str, name: str) -> None:
        return None

    def why_missing(self, device: str, name: str = "") -> str:
        return f"no property {device}.{name}"


@pytest.fixture
def mirror() -> Mirror:
    mirror = Mirror()
    write = Permission.READ_WRITE
    for vector in (
        DefNumberVector(name="N", perm=write, timeout=60.0, elements=NUMBERS, timestamp="2026", **COMMON),
        DefSwitchVector(name="CONNECTION", perm=write, rule=RULE, elements=SWITCHES, **COMMON),
        DefTextVector(name="T", perm=Permission.READ_ONLY, elements=(DefText("t", "hello"),), **COMMON),
        DefLightVector(name="L", elements=(DefLight("l", PropertyState.BUSY),), **COMMON),
        DefBLOBVector(name="B", perm=Permission.READ_ONLY, elements=(DefBLOB("b"),), **COMMON),
    ):
        mirror.apply(vector)
    return mirror


@pytest.fixture
def device(mirror: Mirror) -> BaseDevice:
    return Nowhere(mirror).base_device("D")


def test_a_property_tells_everything_about_itself(device: BaseDevice) -> None:
    found = device.getNumber("N")
    told = (found.getName(), found.getLabel(), found.getGroupName(), found.getDeviceName(), found.getTimestamp())
    assert told == ("N", "Label", "Group", "D", "2026")
    assert (found.getState(), found.getStateAsString()) == (PyIndi.IPS_OK, "Ok")
    assert (found.getPermission(), found.getPermissionAsString()) == (PyIndi.IP_RW, "rw")
    assert (found.getType(), found.getTypeAsString(), found.getTimeout()) == (0, "INDI_NUMBER", 60.0)
    assert found.isNameMatch("N") and found.isLabelMatch("Label") and found.isDeviceNameMatch("D")
    assert found.isTypeMatch(PyIndi.INDI_NUMBER) and found.isValid() and not found.isEmpty()
    assert found.getBaseDevice().getDeviceName() == "D"


def test_widgets_are_live_by_methods_and_by_attributes(device: BaseDevice) -> None:
    number = device.getNumber("N")[0]
    number.setValue(3)
    assert device.getNumber("N")[0].value == 3.0
    device.getNumber("N")[0].value = 4.5
    assert number.getValue() == 4.5
    number.setMinMax(1, 2)
    assert (number.getMin(), number.getMax(), number.step, number.format, number.label) == (1, 2, 0.5, "%4.1f", "The X")


@pytest.mark.parametrize("value", ["3", None, b"3"])
def test_a_number_takes_only_numbers(device: BaseDevice, value: Any) -> None:
    with pytest.raises(TypeError, match="not a number for x"):
        device.getNumber("N")[0].setValue(value)


def test_a_text_takes_only_text(device: BaseDevice) -> None:
    widget = device.getText("T")[0]
    widget.setText("new")
    assert (widget.getText(), widget.text) == ("new", "new")
    with pytest.raises(TypeError, match="not a text for t"):
        widget.setText(3)  # type: ignore[arg-type]


def test_switches(device: BaseDevice) -> None:
    switch = device.getSwitch("CONNECTION")
    found = switch.findOnSwitch()
    assert found is not None and found.getName() == switch.findOnSwitchName() == "CONNECT"
    assert (switch.getRule(), switch.getRuleAsString()) == (PyIndi.ISR_1OFMANY, "OneOfMany")
    assert device.isConnected()
    switch.setState(PyIndi.IPS_BUSY)
    assert not device.isConnected()
    switch.setState(PyIndi.IPS_OK)
    switch.reset()
    assert (switch.findOnSwitch(), switch.findOnSwitchIndex(), switch.findOnSwitchName()) == (None, -1, "")
    switch[1].setState("On")
    assert (switch[1].s, switch[1].getStateAsString(), switch.findOnSwitchIndex()) == (PyIndi.ISS_ON, "On", 1)
    assert switch.isSwitchOn("DISCONNECT") and not switch.isSwitchOn("nothing") and not device.isConnected()
    with pytest.raises(ValueError, match="7 is not a state for the switch DISCONNECT"):
        switch[1].setState(7)
    with pytest.raises(TypeError, match=r"use one of 0 \(Off\), 1 \(On\)"):
        switch[1].setState(1.5)  # type: ignore[arg-type]


def test_lights(device: BaseDevice) -> None:
    light = device.getLight("L")[0]
    assert (light.getState(), light.s, light.getStateAsString()) == (PyIndi.IPS_BUSY, PyIndi.IPS_BUSY, "Busy")


def test_blobs_come_uncompressed_in_every_form(device: BaseDevice, mirror: Mirror) -> None:
    widget = device.getBLOB("B")[0]
    assert (widget.getblobdata(), widget.size, widget.format, widget.blob) == (bytearray(), 0, "", None)
    known = mirror.find("D", "B")
    assert known is not None
    known.elements["b"].value = Blob("D", "B", "b", ".fits.z", 5, zlib.compress(b"\xffabcd"))
    assert (widget.getFormat(), widget.getSize(), widget.getBlobLen(), widget.bloblen) == (".fits", 5, 5, 5)
    assert (widget.getblobdata(), widget.getblob()) == (bytearray(b"\xffabcd"), b"\xffabcd")
    assert widget.getBlobAsString() == "\udcffabcd"
    known.elements["b"].value = Blob("D", "B", "b", ".fits.z", 5, b"damaged")
    with pytest.raises(ClientError, match=r"D\.B\.b cannot be uncompressed .*: its driver sent it damaged"):
        widget.getblob()


def test_a_blob_that_came_compressed_is_replaced_by_what_is_not(device: BaseDevice, mirror: Mirror) -> None:
    known = mirror.find("D", "B")
    assert known is not None
    widget = device.getBLOB("B")[0]
    known.elements["b"].value = Blob("D", "B", "b", ".fits.z", 3, zlib.compress(b"abc"))
    widget.setFormat(".bin")
    assert (widget.getblob(), known.elements["b"].value.format) == (b"abc", ".bin")
    known.elements["b"].value = Blob("D", "B", "b", ".fits.z", 3, zlib.compress(b"abc"))
    widget.setBlob(b"new")
    assert (widget.getblob(), known.elements["b"].value.format) == (b"new", ".fits")


def test_a_blob_is_not_blown_up_beyond_its_size(device: BaseDevice, mirror: Mirror) -> None:
    known = mirror.find("D", "B")
    assert known is not None
    for data in (zlib.compress(b"x" * 1_000_000), zlib.compress(b"x" * 1000)[:-6]):
        known.elements["b"].value = Blob("D", "B", "b", ".fits.z", 1000, data)
        with pytest.raises(ClientError, match=r"D\.B\.b cannot be uncompressed .*: its driver sent it damaged"):
            device.getBLOB("B")[0].getblob()


def test_a_driver_s_interface_that_is_no_number_is_none(device: BaseDevice, mirror: Mirror) -> None:
    elements = (DefText("DRIVER_INTERFACE", "\u00b2"),)
    mirror.apply(DefTextVector(name="DRIVER_INFO", perm=Permission.READ_ONLY, elements=elements, **COMMON))
    assert device.getDriverInterface() == PyIndi.BaseDevice.GENERAL_INTERFACE


def test_sequences_have_only_numbers_from_zero(device: BaseDevice) -> None:
    for found in (device.getNumber("N"), device.getProperties()):
        assert len(found) == found.size() == len(list(found))
        for index in (-1, 99):
            with pytest.raises(IndexError, match=f"has no number {index}"):
                found[index]
        for wrong in ("x", slice(0, 1)):
            with pytest.raises(TypeError, match="indexed by a number"):
                found[wrong]  # type: ignore[index]
    with pytest.raises(TypeError):
        len(device.getProperty("N"))  # type: ignore[arg-type]


def test_elements_are_found_by_name(device: BaseDevice, caplog: pytest.LogCaptureFixture) -> None:
    found = device.getNumber("N")
    widget = found.findWidgetByName("y")
    assert widget == found[1] and found.findWidgetIndexByName("y") == 1
    assert found.findWidgetByName("z") is None
    assert "D.N has no element z; it has x, y" in caplog.text


def test_update_changes_all_or_nothing(device: BaseDevice) -> None:
    found = device.getNumber("N")
    assert found.update([7.0, 8.0], ["y", "x"], 2)
    assert [widget.value for widget in found] == [8.0, 7.0]
    assert not found.update([1.0, 1.0], ["y", "z"], 2)
    assert [widget.value for widget in found] == [8.0, 7.0]


def test_a_property_is_cast_to_its_own_type_only(device: BaseDevice) -> None:
    found = device.getProperty("N")
    assert PyIndi.PropertyNumber(found)[0].name == "x"
    assert found.getNumber() == found and found.getText() is None
    assert not PyIndi.PropertyText(found) and not device.getText("N") and not PyIndi.PropertyNumber(None)
    assert not device.getProperty("N", PyIndi.INDI_TEXT) and device.getProperty("N", PyIndi.INDI_NUMBER)
    assert not device.getProperty("N", 99) and not device.getProperty("N", -1)
    with pytest.raises(TypeError, match="made of a property"):
        PyIndi.PropertyNumber(device)  # type: ignore[arg-type]


def test_what_does_not_exist_is_false_and_empty(device: BaseDevice) -> None:
    missing = device.getProperty("NOPE")
    assert not missing and missing.getType() == PyIndi.INDI_UNKNOWN and missing.getName() == ""
    number = device.getNumber("NOPE")
    assert not number and len(number) == 0 and number.getTypeAsString() == "INDI_UNKNOWN"
    states = [found.getState() for found in (missing, number, device.getSwitch("N"), PyIndi.PropertyText(None))]
    assert states == [PyIndi.IPS_ALERT, PyIndi.IPS_IDLE, PyIndi.IPS_IDLE, PyIndi.IPS_IDLE]
    with pytest.raises(IndexError, match=r"there is no property D\.NOPE, so it has no element 0"):
        number[0]
    nothing = PyIndi.BaseDevice()
    assert not nothing and nothing.getDeviceName() == "" and not nothing.isConnected()
    assert not nothing.getNumber("N") and len(nothing.getProperties()) == 0 and nothing.getDriverName() is None


def test_messages(device: BaseDevice, mirror: Mirror) -> None:
    assert device.lastMessage() == ""
    mirror.apply(UserMessage("hello", "D", "2026-01-01T00:00:00"))
    assert device.messageQueue(0) == device.lastMessage() == "2026-01-01T00:00:00: hello"
    with pytest.raises(IndexError, match="D has no message 999: it has 1 from number 0 on"):
        device.messageQueue(999)
    for number in range(1, 1002):
        mirror.apply(UserMessage(f"{number}", "D"))
    assert (device.messageQueue(2), device.messageQueue(1001)) == ("2", "1001")
    with pytest.raises(IndexError, match="D has no message 1: it has 1000 from number 2 on"):
        device.messageQueue(1)
