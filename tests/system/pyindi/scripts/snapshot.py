"""Take an image with what pyindi-client 1.x had: newBLOB, getblob() and attributes; and end once it is asked for."""

import PyIndi


class Camera(PyIndi.BaseClient):
    def newBLOB(self, blobs):
        for blob in blobs:
            with open(f"snapshot{blob.format}", "wb") as file:
                print("wrote", file.write(blob.getblob()), "bytes")


client = Camera()
client.setServer("localhost", 7624)
client.connectServer()
client.setBLOBMode(PyIndi.B_ALSO, "CCD Simulator", None)

position = client.getDevice("Telescope Simulator").getNumber("EQUATORIAL_EOD_COORD")
for element, value in zip(position, (7.5, 12.0), strict=True):
    element.value = value
client.sendNewNumber(position)

exposure = client.getDevice("CCD Simulator").getNumber("CCD_EXPOSURE")
exposure[0].value = 1.5
client.sendNewNumber(exposure)
