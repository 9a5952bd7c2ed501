"""Write down what a server has: each device, each property, each element with its value; and tell what happens."""

import time

import PyIndi

KINDS = {
    PyIndi.INDI_TEXT: (PyIndi.PropertyText, lambda element: element.getText()),
    PyIndi.INDI_NUMBER: (PyIndi.PropertyNumber, lambda element: f"{element.getValue():g}"),
    PyIndi.INDI_SWITCH: (PyIndi.PropertySwitch, lambda element: element.getStateAsString()),
    PyIndi.INDI_LIGHT: (PyIndi.PropertyLight, lambda element: element.getStateAsString()),
    PyIndi.INDI_BLOB: (PyIndi.PropertyBlob, lambda element: f"{element.getSize()} bytes"),
}


class Counting(PyIndi.BaseClient):
    def __init__(self):
        super().__init__()
        self.counts = {}

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def newDevice(self, device):
        self.count("devices")

    def removeDevice(self, device):
        self.count("devices that went")

    def newProperty(self, shown):
        self.count("properties of " + shown.getDeviceName())

    def updateProperty(self, shown):
        self.count("updates")

    def removeProperty(self, shown):
        self.count("properties that went")

    def newMessage(self, device, number):
        device.messageQueue(number)

    def serverConnected(self):
        print(f"connected: {self.getHost()}, {self.isServerConnected()}")

    def serverDisconnected(self, code):
        print(f"disconnected with {code}: {self.getHost()}, {self.isServerConnected()}")


def describe(device):
    print(device.getDeviceName())
    for shown in device.getProperties():
        print(f"  {shown.getName()}: {shown.getTypeAsString()} in {shown.getGroupName()!r}")
        cast, value = KINDS[shown.getType()]
        for element in cast(shown):
            print(f"    {element.getName()} ({element.getLabel()}) = {value(element)}")


client = Counting()
client.setServer("localhost", 7624)
if not client.connectServer():
    raise SystemExit(f"nobody answers at {client.getHost()}:{client.getPort()}")
time.sleep(1)
devices = client.getDevices()
for each in devices:
    describe(each)
print("all were told:", sum(client.counts["properties of " + each.getDeviceName()] for each in devices) > 0)
print("devices:", client.counts["devices"], "gone:", client.counts.get("devices that went", 0))
client.disconnectServer()
