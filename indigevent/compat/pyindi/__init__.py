"""`import indigevent.compat.pyindi as PyIndi`: scripts for pyindi-client 2.x on plain Python, without its crashes."""

from indigevent.compat.pyindi import constants
from indigevent.compat.pyindi.client import AbstractBaseClient, BaseClient, BaseMediator
from indigevent.compat.pyindi.constants import *  # noqa: F403  # scripts use any of them as PyIndi.NAME
from indigevent.compat.pyindi.device import BaseDevice
from indigevent.compat.pyindi.properties import (
    Properties,
    Property,
    PropertyBlob,
    PropertyLight,
    PropertyNumber,
    PropertySwitch,
    PropertyText,
)
from indigevent.compat.pyindi.vectors import (
    IBLOBVectorProperty,
    ILightVectorProperty,
    INumberVectorProperty,
    ISwitchVectorProperty,
    ITextVectorProperty,
)
from indigevent.compat.pyindi.widgets import (
    IBLOB,
    ILight,
    INumber,
    ISwitch,
    IText,
    WidgetViewBlob,
    WidgetViewLight,
    WidgetViewNumber,
    WidgetViewSwitch,
    WidgetViewText,
)

# What Property.getNumber() and the others return in the real module; scripts compare types with them.
PropertyViewText = PropertyText
PropertyViewNumber = PropertyNumber
PropertyViewSwitch = PropertySwitch
PropertyViewLight = PropertyLight
PropertyViewBlob = PropertyBlob

__all__ = [
    "AbstractBaseClient",
    "BaseClient",
    "BaseDevice",
    "BaseMediator",
    "IBLOB",
    "IBLOBVectorProperty",
    "ILight",
    "ILightVectorProperty",
    "INumber",
    "INumberVectorProperty",
    "ISwitch",
    "ISwitchVectorProperty",
    "IText",
    "ITextVectorProperty",
    "Properties",
    "Property",
    "PropertyBlob",
    "PropertyLight",
    "PropertyNumber",
    "PropertySwitch",
    "PropertyText",
    "PropertyViewBlob",
    "PropertyViewLight",
    "PropertyViewNumber",
    "PropertyViewSwitch",
    "PropertyViewText",
    "WidgetViewBlob",
    "WidgetViewLight",
    "WidgetViewNumber",
    "WidgetViewSwitch",
    "WidgetViewText",
]

__all__ += [name for name in vars(constants) if name.isupper()]
