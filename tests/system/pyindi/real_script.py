"""Run a script with the real module, whose connections nobody can redirect: say the port in setServer."""

import os
import sys

import PyIndi

set_server = PyIndi.AbstractBaseClient.setServer
PyIndi.AbstractBaseClient.setServer = lambda self, host, port: set_server(self, host, int(os.environ["LAB_INDI_PORT"]))
with open(sys.argv[1], encoding="utf-8") as file:
    exec(compile(file.read(), sys.argv[1], "exec"))
