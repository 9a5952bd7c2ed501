"""INDI messages as a scripted party would write them, short enough to keep a scenario readable."""

from __future__ import annotations

import base64
from xml.sax.saxutils import escape

EVERYTHING = "<getProperties version='1.7'/>"
STAR = "<getProperties version='1.7' device='*'/>"


def attributes(**values: str | None) -> str:
    """Return attributes with a leading blank each; a value of None leaves its attribute out."""
    return "".join(f" {name}='{escape(value)}'" for name, value in values.items() if value is not None)


def get(device: str | None = None, name: str | None = None) -> str:
    """A getProperties."""
    return f"<getProperties version='1.7'{attributes(device=device, name=name)}/>"


def define(device: str, name: str = "P") -> str:
    """A defNumberVector with one element."""
    return (
        f"<defNumberVector device='{device}' name='{name}' state='Idle' perm='rw'>"
        "<defNumber name='x' format='%g' min='0' max='9' step='1'>1</defNumber></defNumberVector>"
    )


def define_blob(device: str, name: str) -> str:
    """A defBLOBVector with one element."""
    return f"<defBLOBVector device='{device}' name='{name}' state='Idle' perm='ro'><defBLOB name='b'/></defBLOBVector>"


def update(device: str | None, name: str | None = "P", value: int = 1) -> str:
    """A setNumberVector with one element."""
    where = attributes(device=device, name=name)
    return f"<setNumberVector{where} state='Ok'><oneNumber name='x'>{value}</oneNumber></setNumberVector>"


def command(device: str | None, name: str | None = "P", value: int = 1) -> str:
    """A newNumberVector with one element."""
    where = attributes(device=device, name=name)
    return f"<newNumberVector{where}><oneNumber name='x'>{value}</oneNumber></newNumberVector>"


def note(device: str | None, text: str, name: str | None = None) -> str:
    """A message element."""
    return f"<message{attributes(device=device, name=name)} message='{text}'/>"


def delete(device: str | None, name: str | None = None) -> str:
    """A delProperty."""
    return f"<delProperty{attributes(device=device, name=name)}/>"


def enable_blob(policy: str, device: str | None = None, name: str | None = None) -> str:
    """An enableBLOB."""
    return f"<enableBLOB{attributes(device=device, name=name)}>{policy}</enableBLOB>"


def blob_vector(tag: str, device: str, name: str, content: str) -> str:
    """A setBLOBVector or newBLOBVector around its oneBLOBs."""
    return f"<{tag}BLOBVector device='{device}' name='{name}'>{content}</{tag}BLOBVector>"


def inline(payload: bytes, name: str = "b", form: str = ".x", width: int = 0, enclen: bool = True) -> str:
    """A oneBLOB with its bytes inside, in lines of `width` characters if given."""
    text = base64.b64encode(payload).decode()
    length = attributes(enclen=str(len(text)) if enclen else None)
    if width:
        text = "\n".join(text[start : start + width] for start in range(0, len(text), width))
    return f"<oneBLOB name='{name}' size='{len(payload)}'{length} format='{form}'>{text}</oneBLOB>"


def attached(size: int, name: str = "b", form: str = ".x") -> str:
    """A oneBLOB whose bytes come in a descriptor."""
    return f"<oneBLOB name='{name}' size='{size}' format='{form}' attached='true'/>"


def set_blob(device: str, name: str, payload: bytes, form: str = ".x") -> str:
    """A setBLOBVector with one inline BLOB."""
    return blob_vector("set", device, name, inline(payload, form=form))
