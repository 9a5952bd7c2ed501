"""Print the public names of a PyIndi module as JSON, with parameters where introspection gives any.

Run by either interpreter: `python surface_of.py MODULE`. A class has its public attributes: null for a value, a list of
parameter names for a method (`*args` where the module does not say more); a constant is its value.
"""

import importlib
import inspect
import json
import sys


def parameters(function):
    """The names of a method's parameters without self, `=` behind those that may be left out."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ["*args"]
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(one.kind in variadic for one in found):
        return ["*args"]
    return [one.name + ("=" if one.default is not one.empty else "") for one in found if one.name != "self"]


def members(cls):
    """A class's public attributes, its bases' included."""
    names = [name for name in dir(cls) if not name.startswith("_") and name not in ("this", "thisown")]
    found = {name: inspect.getattr_static(cls, name) for name in names}
    return {name: parameters(one) if callable(one) else None for name, one in found.items()}


def surface(module):
    """All public names of a module."""
    result = {}
    for name, found in vars(module).items():
        if inspect.isclass(found):
            result[name] = members(found)
        elif isinstance(found, (int, float, str)):
            result[name] = found
    return {name: result[name] for name in sorted(result) if not name.startswith("_")}


if __name__ == "__main__":
    found = surface(importlib.import_module(sys.argv[1]))
    print("{" + ",\n".join(f"{json.dumps(name)}: {json.dumps(found[name])}" for name in found) + "}")
