"""The standard properties of a dome, with the names, labels and ranges that INDI's clients know."""

from __future__ import annotations

from indigevent.driver import Number, NumberVector, Switch, SwitchRule, SwitchVector, Text, TextVector
from indigevent.simulators.following import FollowingDevice

_OPTIONS = "Options"
_SITE = "Site Management"
_SLAVING = "Slaving"
_MOTION_TIMEOUT_S = 60


def _metres(name: str, label: str, min: float = -10, max: float = 10) -> Number:
    return Number(name, f"{label} (m)", format="%6.2f", min=min, max=max, step=1)


class DomeProperties(FollowingDevice):
    """What clients see of the dome. They mean what they mean in libindi's drivers; angles are in degrees."""

    motion = SwitchVector(
        "DOME_MOTION",
        Switch("DOME_CW", "Dome CW"),
        Switch("DOME_CCW", "Dome CCW"),
        rule=SwitchRule.AT_MOST_ONE,
        label="Motion",
    )
    absolute = NumberVector(
        "ABS_DOME_POSITION",
        Number("DOME_ABSOLUTE_POSITION", "Degrees", format="%6.2f", min=0, max=360, step=1),
        label="Absolute Position",
        timeout=_MOTION_TIMEOUT_S,
    )
    relative = NumberVector(
        "REL_DOME_POSITION",
        Number("DOME_RELATIVE_POSITION", "Degrees", format="%6.2f", min=-180, max=180, step=10),
        label="Relative Position",
        timeout=_MOTION_TIMEOUT_S,
    )
    abort = SwitchVector(
        "DOME_ABORT_MOTION",
        Switch("ABORT", "Abort"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Abort Motion",
    )
    shutter = SwitchVector(
        "DOME_SHUTTER",
        Switch("SHUTTER_OPEN", "Open"),
        Switch("SHUTTER_CLOSE", "Close", True),
        rule=SwitchRule.AT_MOST_ONE,
        label="Shutter",
        timeout=_MOTION_TIMEOUT_S,
    )
    parking = SwitchVector(
        "DOME_PARK",
        Switch("PARK", "Park(ed)"),
        Switch("UNPARK", "UnPark(ed)", True),
        label="Parking",
        timeout=_MOTION_TIMEOUT_S,
    )
    slaving = SwitchVector(
        "DOME_AUTOSYNC",
        Switch("DOME_AUTOSYNC_ENABLE", "Enable"),
        Switch("DOME_AUTOSYNC_DISABLE", "Disable", True),
        label="Slaving",
        group=_SLAVING,
        saved=True,
    )
    params = NumberVector(
        "DOME_PARAMS",
        Number("AUTOSYNC_THRESHOLD", "Autosync threshold (deg)", 5, format="%6.2f", min=0, max=360, step=1),
        label="Params",
        group=_SLAVING,
        saved=True,
    )
    measurements = NumberVector(
        "DOME_MEASUREMENTS",
        _metres("DM_DOME_RADIUS", "Radius", 0, 50),
        _metres("DM_SHUTTER_WIDTH", "Shutter width", 0, 10),
        _metres("DM_NORTH_DISPLACEMENT", "N displacement"),
        _metres("DM_EAST_DISPLACEMENT", "E displacement"),
        _metres("DM_UP_DISPLACEMENT", "Up displacement"),
        _metres("DM_OTA_OFFSET", "OTA offset"),
        label="Measurements",
        group=_SLAVING,
        saved=True,
    )
    park_position = NumberVector(
        "DOME_PARK_POSITION",
        Number("PARK_AZ", "AZ D:M:S", 90, format="%10.6m", min=0, max=360),
        label="Park Position",
        group=_SITE,
        saved=True,
    )
    park_option = SwitchVector(
        "DOME_PARK_OPTION",
        Switch("PARK_CURRENT", "Current"),
        Switch("PARK_DEFAULT", "Default"),
        Switch("PARK_WRITE_DATA", "Write Data"),
        rule=SwitchRule.AT_MOST_ONE,
        momentary=True,
        label="Park Options",
        group=_SITE,
    )
    shutter_policy = SwitchVector(
        "DOME_SHUTTER_PARK_POLICY",
        Switch("SHUTTER_CLOSE_ON_PARK", "Close On Park"),
        Switch("SHUTTER_OPEN_ON_UNPARK", "Open On UnPark"),
        rule=SwitchRule.ANY_OF_MANY,
        label="Shutter",
        group=_OPTIONS,
        saved=True,
    )
    mount_policy = SwitchVector(
        "MOUNT_POLICY",
        Switch("MOUNT_IGNORED", "Mount ignored", True),
        Switch("MOUNT_LOCKS", "Mount locks"),
        label="Mount Policy",
        group=_OPTIONS,
        always=True,
        saved=True,
    )
    active_devices = TextVector(
        "ACTIVE_DEVICES",
        Text("ACTIVE_TELESCOPE", "Telescope", "Telescope Simulator"),
        label="Snoop devices",
        group=_OPTIONS,
        always=True,
        saved=True,
    )
