"""Pictures that the simulated camera keeps on the driver's own disk."""

from __future__ import annotations

import re
from pathlib import Path

from indigevent.driver import Device, Permission, Refused, Switch, SwitchVector, Text, TextVector, Wanted
from indigevent.errors import DriverError

_OPTIONS = "Options"
_NUMBER = "XXX"


class Storage(Device):
    """UPLOAD_MODE says where pictures go, UPLOAD_SETTINGS what their files are called."""

    upload_mode = SwitchVector(
        "UPLOAD_MODE",
        Switch("UPLOAD_CLIENT", "Client", True),
        Switch("UPLOAD_LOCAL", "Local"),
        Switch("UPLOAD_BOTH", "Both"),
        label="Upload",
        group=_OPTIONS,
        saved=True,
    )
    upload_settings = TextVector(
        "UPLOAD_SETTINGS",
        Text("UPLOAD_DIR", "Dir", "~"),
        Text("UPLOAD_PREFIX", "Prefix", f"IMAGE_{_NUMBER}"),
        label="Upload Settings",
        group=_OPTIONS,
        saved=True,
    )

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._file_path = TextVector(
            "CCD_FILE_PATH", Text("FILE_PATH", "Path"), label="Filename", group="Image Info", perm=Permission.READ_ONLY
        )

    @property
    def goes_to_clients(self) -> bool:
        """Whether pictures are sent."""
        return not self.upload_mode["UPLOAD_LOCAL"]

    @property
    def goes_to_disk(self) -> bool:
        """Whether pictures are written to a file."""
        return not self.upload_mode["UPLOAD_CLIENT"]

    def store(self, picture: bytes) -> None:
        """Write a FITS file and tell its name; raises DriverError when that cannot be done. Any thread may call it."""
        folder = Path(self.upload_settings["UPLOAD_DIR"]).expanduser()
        prefix = self.upload_settings["UPLOAD_PREFIX"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{prefix.replace(_NUMBER, f'{_next_number(folder, prefix):03d}')}.fits"
            path.write_bytes(picture)
        except OSError as error:
            raise DriverError(
                f"The picture cannot be written to {folder}: {error.strerror}; set UPLOAD_DIR to another folder"
            ) from None
        self._file_path.set(FILE_PATH=str(path))

    @upload_mode.on_new
    def _set_mode(self, wanted: Wanted) -> None:
        """CCD_FILE_PATH is there while files are written, as with libindi's cameras."""
        if wanted["UPLOAD_CLIENT"]:
            self.delete(self._file_path)
        else:
            self.define(self._file_path)

    @upload_settings.on_new
    def _set_files(self, wanted: Wanted) -> None:
        if "/" in wanted["UPLOAD_PREFIX"] or not wanted["UPLOAD_PREFIX"]:
            raise Refused("UPLOAD_PREFIX is a file's name without its folder: the folder goes into UPLOAD_DIR")


def _next_number(folder: Path, prefix: str) -> int:
    """Return the number after the highest in the folder, so that no picture takes another's place."""
    pattern = re.compile(re.escape(prefix).replace(_NUMBER, r"(\d+)", 1).replace(_NUMBER, r"\d+") + r"\.fits")
    found = (pattern.fullmatch(path.name) for path in folder.iterdir())
    return max((int(match[1]) for match in found if match and match.groups()), default=0) + 1
