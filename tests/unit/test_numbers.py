"""INDI numbers: reading, writing for the wire, formatting; compared with libindi where that is installed."""

from __future__ import annotations

import ctypes
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.errors import LocalProtocolError, RemoteProtocolError
from indigevent.protocol.numbers import format_number, parse_number, write_number

bounded = settings(derandomize=True, max_examples=300, deadline=None)
LAYOUTS = {3: 60, 5: 600, 6: 3600, 8: 36000, 9: 360000}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        (" -1.5\n", -1.5),
        ("+2", 2.0),
        ("2e-3", 0.002),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("12:30", 12.5),
        ("12:30:36", 12.51),
        ("12;30;36", 12.51),
        ("12 30 36", 12.51),
        ("12 30.6", 12.51),
        ("12: 30 :36", 12.51),
        ("+1:30", 1.5),
        ("-1:30", -1.5),
        ("-0:30", -0.5),
        ("-00:00:36", -0.01),
        ("-0:0:.36", -0.0001),
        ("9:59:60", 10.0),
        ("1:90", 2.5),
    ],
)
def test_reads_what_the_protocol_allows(text: str, value: float) -> None:
    assert parse_number(text) == pytest.approx(value, abs=1e-15)


def test_minus_belongs_to_the_whole_number_also_at_zero() -> None:
    assert math.copysign(1, parse_number("-0:0:0")) == -1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nan", math.nan),
        ("-nan", math.nan),
        ("inf", math.inf),
        ("-INF", -math.inf),
        ("infinity", math.inf),
        ("1e400", math.inf),
        ("-" + "9" * 400 + ":30", -math.inf),
    ],
)
def test_reads_what_drivers_send_for_a_number_that_they_do_not_know(text: str, value: float) -> None:
    assert repr(parse_number(text)) == repr(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an INDI number"),
        ("abc", "not an INDI number"),
        ("1:2:3:4", "not an INDI number"),
        ("1::2", "not an INDI number"),
        ("1:2:", "not an INDI number"),
        (":30", "not an INDI number"),
        ("1:-30", "not an INDI number"),
        ("1.5:30", "not an INDI number"),
        ("- 1", "not an INDI number"),
        ("12h30", "not an INDI number"),
        ("1,5", "not an INDI number"),
        ("1_000", "not an INDI number"),
        ("0x10", "not an INDI number"),
        ("١٢", "not an INDI number"),
        ("5 N", "not an INDI number"),
        ("nan(0x1)", "not an INDI number"),
    ],
)
def test_says_what_is_not_a_number(text: str, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why) as caught:
        parse_number(text)
    assert caught.value.kind == "number"
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (5.0, "5"), (-0.5, "-0.5"), (0.1, "0.1"), (1e22, "1e+22"), (100000.0, "100000")],
)
def test_writes_the_shortest_text(value: float, text: str) -> None:
    assert write_number(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_refuses_to_write_what_is_not_finite(value: float) -> None:
    with pytest.raises(LocalProtocolError, match="finite"):
        write_number(value)


@bounded
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_written_numbers_read_back_exactly(value: float) -> None:
    assert parse_number(write_number(value)) == value


@pytest.mark.parametrize(
    ("number_format", "value", "text"),
    [
        ("%g", 1.5, "1.5"),
        ("%.f", 2.4, "2"),
        ("%5.2f", -2.25, "-2.25"),
        ("%010.3f", -2.25, "-00002.250"),
        ("%+.1e", 1500, "+1.5e+03"),
        ("%lf", 1.5, "1.500000"),
        ("%4.1f deg (100%%)", 1.5, " 1.5 deg (100%)"),
        ("%9.6m", 1 / 60 + 2 / 3600, "  0:01:02"),
        ("%7.3m", -123.75, "-123:45"),
        ("%10.6m", 9.99999, "  10:00:00"),
        ("%10.6m", 59.9999999, "  60:00:00"),
        ("%10.6m", -9.99999, " -10:00:00"),
        ("%010.6m", 12.5, "  12:30:00"),
        ("%12.9m", 9.99999, "  9:59:59.96"),
        ("%12.9m", 9.9999999, " 10:00:00.00"),
        ("%10.8m", 0.9999999, " 1:00:00.0"),
        ("%8.5m", 0.9999999, "  1:00.0"),
        ("%10.6m", -0.0001, "  -0:00:00"),
        ("%12.9m", -0.0001, " -0:00:00.36"),
        ("%10.6m", -0.5, "  -0:30:00"),
        ("%10.4m", 12.5, "    12:30"),
        ("%1.6m", 1234.5, "1234:30:00"),
        ("%m", 12.51, "12:30:36"),
        ("%.3m", 12.5, "12:30"),
        ("RA %10.6m (%%)", 12.5, "RA   12:30:00 (%)"),
    ],
)
def test_formats(number_format: str, value: float, text: str) -> None:
    assert format_number(value, number_format) == text


@pytest.mark.parametrize(
    "number_format",
    ["", "deg", "%d", "%s", "%", "%%", "%5.2f %5.2f", "%*f", "%n", "%99999f", "%5.99999m", "%r", "%(a)f"],
)
def test_refuses_what_is_not_a_number_format(number_format: str) -> None:
    with pytest.raises(LocalProtocolError, match="is not a number format"):
        format_number(1.5, number_format)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308])
def test_refuses_what_sexagesimal_cannot_show(value: float) -> None:
    with pytest.raises(LocalProtocolError, match="sexagesimal"):
        format_number(value, "%10.6m")


@bounded
@given(st.floats(-1e6, 1e6), st.sampled_from(sorted(LAYOUTS)), st.integers(0, 14))
def test_shown_sexagesimals_read_back_to_the_nearest_unit(value: float, fraction: int, width: int) -> None:
    number_format = f"%{width}.{fraction}m"
    shown = format_number(value, number_format)
    assert abs(parse_number(shown) - value) <= 0.5 / LAYOUTS[fraction] * (1 + 1e-6)
    assert len(shown) >= width
    assert all(int(part) < 60 for part in shown.split(".")[0].split(":")[1:])


@bounded
@given(st.integers(-10_000_000, 10_000_000), st.sampled_from(sorted(LAYOUTS)))
def test_whole_units_are_shown_as_they_are(units: int, fraction: int) -> None:
    shown = format_number(units / LAYOUTS[fraction], f"%12.{fraction}m")
    assert round(parse_number(shown) * LAYOUTS[fraction]) == units
    assert format_number(parse_number(shown), f"%12.{fraction}m") == shown


@bounded
@given(st.text("0123456789:; .+-eEnaif\n", max_size=20))
def test_any_text_is_a_finite_number_or_the_remote_error(text: str) -> None:
    try:
        value = parse_number(text)
    except RemoteProtocolError:
        return
    assert math.isfinite(value)


def _libindi() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libindidriver.so.1")
    except OSError:
        pytest.skip("libindidriver.so.1 is not installed (Debian: libindidriver1)")
    library.numberFormat.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_double]
    return library


def test_formats_as_libindi_does() -> None:
    """Widths leave room for a sign and the whole is an int32: outside of that libindi goes wrong."""
    library = _libindi()
    buffer = ctypes.create_string_buffer(400)
    chance = random.Random(1)
    for _ in range(20000):
        fraction = chance.choice(sorted(LAYOUTS))
        sexagesimal = f"%{chance.randint(fraction + 2, 14)}.{fraction}m"
        number_format = chance.choice([sexagesimal, sexagesimal, "%g", "%.f", "%4.1f", "%-8.2f|", "%20.10e"])
        value = chance.choice(
            [
                chance.uniform(-400, 400),
                chance.randrange(-200000000, 200000000) / 720000,
                chance.uniform(-1, 1) * 10.0 ** -chance.randrange(12),
            ]
        )
        library.numberFormat(buffer, number_format.encode(), value)
        assert format_number(value, number_format) == buffer.value.decode(), (number_format, value)
