"""Log what a camera tells of itself, until Ctrl-C."""

import logging
import sys

import PyIndi

SHOWN = {"CCD_TEMPERATURE", "CCD_EXPOSURE"}


class Watcher(PyIndi.BaseClient):
    def __init__(self):
        super().__init__()
        self.log = logging.getLogger("watch")

    def newDevice(self, device):
        self.log.info("there is %s", device.getDeviceName())

    def newProperty(self, shown):
        self.tell("defined", shown)

    def updateProperty(self, shown):
        self.tell("updated", shown)

    def tell(self, what, shown):
        self.log.info("%s: %s.%s, %s", what, shown.getDeviceName(), shown.getName(), shown.getTypeAsString())
        if shown.getName() in SHOWN:
            for element in PyIndi.PropertyNumber(shown):
                self.log.info("%s [%s] is %s", element.name, element.label, element.value)


def main():
    logging.basicConfig(level=logging.INFO)
    watcher = Watcher()
    watcher.setServer("localhost", 7624)
    if not watcher.connectServer():
        return 1
    try:
        while True:
            pass
    except KeyboardInterrupt:
        watcher.disconnectServer()
    return 0


if __name__ == "__main__":
    sys.exit(main())
