"""Four small cameras in one driver, so that four threads of a client have one each."""

from __future__ import annotations

from indigevent.driver import (
    BLOB,
    Blob,
    BLOBVector,
    Device,
    Driver,
    Light,
    LightVector,
    Number,
    NumberVector,
    PropertyState,
    Refused,
    Switch,
    SwitchVector,
    Text,
    TextVector,
    Wanted,
    run,
)


class Camera(Device):
    """Exposes as long as it is told, and sends a picture of so many bytes."""

    exposure = NumberVector("EXPOSURE", Number("SECONDS", min=0, max=60), timeout=1)
    pixels = NumberVector("PIXELS", Number("WIDTH", value=64, min=1, max=20_000), Number("HEIGHT", value=64))
    picture = BLOBVector("PICTURE", BLOB("PIXELS"), perm="ro")
    filters = SwitchVector("FILTER", Switch("RED", value=True), Switch("GREEN"), Switch("BLUE"))
    title = TextVector("TITLE", Text("LINE"))
    serial = TextVector("SERIAL", Text("NUMBER", value="0815"), perm="ro")
    lamp = LightVector("LAMP", Light("POWER", value=PropertyState.OK))
    extra = SwitchVector("EXTRA", Switch("DEFINE"), Switch("DELETE"), rule="AtMostOne", momentary=True)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.bonus = NumberVector("BONUS", Number("VALUE"))

    @exposure.on_new
    def expose(self, wanted: Wanted) -> None:
        seconds = wanted["SECONDS"]
        if seconds == 13:
            raise Refused("The shutter is superstitious.")
        self.exposure.set(SECONDS=seconds, state=PropertyState.BUSY)
        self.after(seconds, self.read_out)

    @title.on_new
    def name_it(self, wanted: Wanted) -> None:
        self.title.set(LINE=wanted["LINE"], message=f"It is called {wanted['LINE']}.")

    @extra.on_new
    def change(self, wanted: Wanted) -> None:
        if wanted["DEFINE"]:
            self.define(self.bonus)
        else:
            self.delete(self.bonus)

    def read_out(self) -> None:
        size = int(self.pixels["WIDTH"] * self.pixels["HEIGHT"])
        self.picture.send_blobs(PIXELS=Blob(self.name[-1].encode() * size, ".raw"))
        self.exposure.set(SECONDS=0, state=PropertyState.OK)


class Quartet(Driver):
    """Camera 1 to Camera 4."""

    def __init__(self) -> None:
        super().__init__(*(Camera(f"Camera {number}") for number in range(1, 5)))


if __name__ == "__main__":
    run(Quartet)
