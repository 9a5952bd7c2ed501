"""The standard properties of a telescope, with the names, labels and ranges that INDI's clients know."""

from __future__ import annotations

from indigevent.driver import (
    Number,
    NumberVector,
    Permission,
    Switch,
    SwitchRule,
    SwitchVector,
    Text,
    TextVector,
    polling_period,
)
from indigevent.simulators.following import FollowingDevice

_MOTION = "Motion Control"
_SITE = "Site Management"
_OPTIONS = "Options"
_SLEW_TIMEOUT_S = 60
_MAX_RATE = 16384


def _right_ascension() -> Number:
    return Number("RA", "RA (hh:mm:ss)", format="%010.6m", min=0, max=24)


def _declination(name: str = "DEC", value: float = 0.0) -> Number:
    return Number(name, "DEC (dd:mm:ss)", value, format="%010.6m", min=-90, max=90)


def _degrees(name: str, label: str, value: float, min: float, max: float) -> Number:
    return Number(name, label, value, format="%g", min=min, max=max, step=1)


def _millimetres(name: str, label: str, value: float, max: float) -> Number:
    return Number(name, f"{label} (mm)", value, format="%g", min=10, max=max)


def _track_rate(name: str, label: str, value: float) -> Number:
    label = f"{label} (arcsecs/s)"
    return Number(name, label, value, format="%.6f", min=-_MAX_RATE, max=_MAX_RATE, step=1e-6)


def _pulse(name: str, label: str) -> Number:
    return Number(name, f"{label} (ms)", format="%.f", max=60_000, step=100)


def _guide_rate(name: str, label: str) -> Number:
    return Number(name, f"{label} Rate", 0.5, format="%g", max=1, step=0.1)


class TelescopeProperties(FollowingDevice):
    """What clients see of the telescope.

    TELESCOPE_LIMITS is our own. The others mean what they mean in libindi's drivers; angles are in degrees, right
    ascensions in hours, coordinates of date.
    """

    polling = polling_period(250)

    on_set = SwitchVector(
        "ON_COORD_SET",
        Switch("TRACK", "Track", True),
        Switch("SLEW", "Slew"),
        Switch("SYNC", "Sync"),
        label="On Set",
    )
    coordinates = NumberVector(
        "EQUATORIAL_EOD_COORD",
        _right_ascension(),
        _declination(),
        label="Eq. Coordinates",
        timeout=_SLEW_TIMEOUT_S,
    )
    horizontal = NumberVector(
        "HORIZONTAL_COORD",
        Number("AZ", "AZ D:M:S", format="%010.6m", min=0, max=360),
        Number("ALT", "Alt D:M:S", format="%010.6m", min=-90, max=90),
        label="Hor. Coordinates",
        perm=Permission.READ_ONLY,
    )
    abort = SwitchVector(
        "TELESCOPE_ABORT_MOTION",
        Switch("ABORT", "Abort"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Abort Motion",
    )
    track_mode = SwitchVector(
        "TELESCOPE_TRACK_MODE",
        Switch("TRACK_SIDEREAL", "Sidereal", True),
        Switch("TRACK_SOLAR", "Solar"),
        Switch("TRACK_LUNAR", "Lunar"),
        Switch("TRACK_CUSTOM", "Custom"),
        label="Track Mode",
        saved=True,
    )
    tracking = SwitchVector(
        "TELESCOPE_TRACK_STATE",
        Switch("TRACK_ON", "On"),
        Switch("TRACK_OFF", "Off", True),
        label="Tracking",
    )
    track_rate = NumberVector(
        "TELESCOPE_TRACK_RATE",
        _track_rate("TRACK_RATE_RA", "RA", 15.041067),
        _track_rate("TRACK_RATE_DE", "DE", 0),
        label="Track Rates",
        saved=True,
    )
    parking = SwitchVector(
        "TELESCOPE_PARK",
        Switch("PARK", "Park(ed)"),
        Switch("UNPARK", "UnPark(ed)", True),
        label="Parking",
        timeout=_SLEW_TIMEOUT_S,
    )
    pier_side = SwitchVector(
        "TELESCOPE_PIER_SIDE",
        Switch("PIER_WEST", "West (pointing east)"),
        Switch("PIER_EAST", "East (pointing west)"),
        rule=SwitchRule.AT_MOST_ONE,
        label="Pier Side",
        perm=Permission.READ_ONLY,
    )
    motion_ns = SwitchVector(
        "TELESCOPE_MOTION_NS",
        Switch("MOTION_NORTH", "North"),
        Switch("MOTION_SOUTH", "South"),
        rule=SwitchRule.AT_MOST_ONE,
        label="Motion N/S",
        group=_MOTION,
    )
    motion_we = SwitchVector(
        "TELESCOPE_MOTION_WE",
        Switch("MOTION_WEST", "West"),
        Switch("MOTION_EAST", "East"),
        rule=SwitchRule.AT_MOST_ONE,
        label="Motion W/E",
        group=_MOTION,
    )
    reverse = SwitchVector(
        "TELESCOPE_REVERSE_MOTION",
        Switch("REVERSE_NS", "North/South"),
        Switch("REVERSE_WE", "West/East"),
        rule=SwitchRule.ANY_OF_MANY,
        label="Reverse",
        group=_MOTION,
        saved=True,
    )
    slew_rate = SwitchVector(
        "TELESCOPE_SLEW_RATE",
        Switch("1x", "Guide"),
        Switch("2x", "Centering"),
        Switch("3x", "Find", True),
        Switch("4x", "Max"),
        label="Slew Rate",
        group=_MOTION,
        saved=True,
    )
    target = NumberVector(
        "TARGET_EOD_COORD",
        _right_ascension(),
        _declination(),
        label="Slew Target",
        group=_MOTION,
        perm=Permission.READ_ONLY,
    )
    guide_ns = NumberVector(
        "TELESCOPE_TIMED_GUIDE_NS",
        _pulse("TIMED_GUIDE_N", "North"),
        _pulse("TIMED_GUIDE_S", "South"),
        label="Guide N/S",
        group=_MOTION,
        timeout=_SLEW_TIMEOUT_S,
    )
    guide_we = NumberVector(
        "TELESCOPE_TIMED_GUIDE_WE",
        _pulse("TIMED_GUIDE_W", "West"),
        _pulse("TIMED_GUIDE_E", "East"),
        label="Guide E/W",
        group=_MOTION,
        timeout=_SLEW_TIMEOUT_S,
    )
    guide_rate = NumberVector(
        "GUIDE_RATE",
        _guide_rate("GUIDE_RATE_WE", "W/E"),
        _guide_rate("GUIDE_RATE_NS", "N/S"),
        label="Guiding Rate",
        group=_MOTION,
        saved=True,
    )
    clock = TextVector(
        "TIME_UTC",
        Text("UTC", "UTC Time"),
        Text("OFFSET", "UTC Offset", "0.00"),
        label="UTC",
        group=_SITE,
    )
    # Greenwich: somewhere the pole is high enough for a first look at what a telescope does.
    site = NumberVector(
        "GEOGRAPHIC_COORD",
        Number("LAT", "Lat (dd:mm:ss.s)", 51.4779, format="%012.8m", min=-90, max=90),
        Number("LONG", "Lon (dd:mm:ss.s)", 0, format="%012.8m", min=0, max=360),
        Number("ELEV", "Elevation (m)", 46, format="%g", min=-200, max=10_000),
        label="Scope Location",
        group=_SITE,
        saved=True,
    )
    park_position = NumberVector(
        "TELESCOPE_PARK_POSITION",
        Number("PARK_HA", "HA (hh:mm:ss)", -6, format="%010.6m", min=-12, max=12),
        _declination("PARK_DEC", 90),
        label="Park Position",
        group=_SITE,
        saved=True,
    )
    park_option = SwitchVector(
        "TELESCOPE_PARK_OPTION",
        Switch("PARK_CURRENT", "Current"),
        Switch("PARK_DEFAULT", "Default"),
        Switch("PARK_WRITE_DATA", "Write Data"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Park Options",
        group=_SITE,
    )
    info = NumberVector(
        "TELESCOPE_INFO",
        _millimetres("TELESCOPE_APERTURE", "Aperture", 120, 5000),
        _millimetres("TELESCOPE_FOCAL_LENGTH", "Focal Length", 900, 10_000),
        _millimetres("GUIDER_APERTURE", "Guider Aperture", 120, 5000),
        _millimetres("GUIDER_FOCAL_LENGTH", "Guider Focal Length", 900, 10_000),
        label="Scope Properties",
        group=_OPTIONS,
        always=True,
        saved=True,
    )
    limits = NumberVector(
        "TELESCOPE_LIMITS",
        _degrees("ALTITUDE_MIN", "Lowest altitude", 0, -90, 90),
        _degrees("ALTITUDE_MAX", "Highest altitude", 90, -90, 90),
        _degrees("AZIMUTH_FROM", "Azimuths from", 0, 0, 360),
        _degrees("AZIMUTH_TO", "clockwise to", 360, 0, 360),
        _degrees("PAST_MERIDIAN", "Past the meridian", 15, 0, 90),
        label="Limits (degrees)",
        group=_OPTIONS,
        saved=True,
    )
