"""Every name of pyindi-client that a script can use is there, with its parameters; what is not has a reason here.

`surface.json` was recorded from pyindi-client 2.3.0:
`INTERPRETER tests/system/pyindi/surface_of.py PyIndi > tests/system/pyindi/surface.json`
"""

from __future__ import annotations

import json
import os
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import indigevent.compat.pyindi as ours

from .surface_of import surface

FOLDER = Path(__file__).parent
REAL = "INDIGEVENT_PYINDI_PYTHON"
Surface = dict[str, Any]

# Reason -> patterns of names that the real module has and ours has not.
ABSENT = {
    "C++ containers; here getDevices() is a list": "BaseDeviceVector* PropertyVector SwigPyIterator",
    "bases that no call returns; the derived classes have all their methods": "PropertyBasic*",
    "of other types of properties only": "PropertyView[LNTB]*.?etRule PropertyView[LNTB]*.getRuleAsString",
    "for the driver's side: making, dispatching and storing properties": """
        BaseDevice.addMessage BaseDevice.attach BaseDevice.build* BaseDevice.checkMessage BaseDevice.detach
        BaseDevice.doMessage BaseDevice.?etMediator BaseDevice.getRawProperty BaseDevice.getSharedFilePath
        BaseDevice.registerProperty BaseDevice.removeProperty BaseDevice.setDeviceName BaseDevice.setValue
        Property*.emitUpdate Property*.fill Property*.?etRegistered Property*.hasUpdateCallback Property*.isDynamic
        Property*.isUpdated Property*.load Property*.onNewValues Property*.save Property*.setBaseDevice
        Property*.setDynamic Property*.setProperty Property*.setType Property*.snoop PropertyNumber.updateMinMax
        WidgetView*.fill WidgetView*.setParent""",
    "takes a C++ function or a C array, which Python cannot make": """
        BaseDevice.watchProperty BaseDevice.WATCH_* Property*.onUpdate PropertyBlob.setBlobDeleter
        PropertyBlob.update""",
    "memory management of C++": """
        *.aux* *.begin *.end *.?etAux *.push* *.reserve *.resize *.shrink_to_fit Properties.clear Properties.erase
        Property*.getProperty WidgetViewBlob.cast WidgetViewBlob.setBlobLen WidgetViewBlob.setSize
        WidgetView[LNST]*.clear PropertyView*.cast PropertyView*.clear PropertyView*.setWidgets PropertyView*.widget""",
    "the way back from a widget to its property, for 1.x; newBLOB's argument has bvp": "I*.?vp WidgetView*.?vp",
}


def differences(real: Surface) -> list[str]:
    """What the real module has and ours has not, or with other parameters or values, unless there is a reason."""
    patterns = [f"{pattern} is missing" for pattern in " ".join(ABSENT.values()).split()]
    mine = surface(ours)
    wrong = [line for name in real for line in _compared(name, real[name], mine.get(name))]
    unexplained = [line for line in wrong if not any(fnmatchcase(line, one) for one in patterns)]
    stale = [one for one in patterns if not any(fnmatchcase(line, one) for line in wrong)]
    return unexplained + [f"no longer: {pattern}" for pattern in stale]


def _compared(name: str, theirs: Any, mine: Any) -> list[str]:
    if mine is None:
        return [f"{name} is missing"]
    if not isinstance(theirs, dict):
        return [] if theirs == mine else [f"{name} is {theirs!r}, not {mine!r}"]
    return [f"{name}.{member} is missing" for member in theirs if member not in mine] + [
        f"{name}.{member} takes {parameters}, not {mine[member]}"
        for member, parameters in theirs.items()
        if parameters not in (None, ["*args"]) and mine.get(member, parameters) != parameters
    ]


def test_all_names_with_their_parameters_are_there() -> None:
    assert differences(json.loads((FOLDER / "surface.json").read_text(encoding="utf-8"))) == []


def test_the_recorded_names_are_those_of_the_real_module() -> None:
    interpreter = os.environ.get(REAL)
    if not interpreter:
        pytest.skip(f"{REAL} names no interpreter that has pyindi-client")
    words = [interpreter, str(FOLDER / "surface_of.py"), "PyIndi"]
    real = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=60).stdout)
    assert real == json.loads((FOLDER / "surface.json").read_text(encoding="utf-8"))
    assert differences(real) == []


def test_a_star_import_brings_exactly_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from indigevent.compat.pyindi import *", namespace)
    del namespace["__builtins__"]
    assert set(namespace) == set(surface(ours))
