"""indipyserver with the same drivers: `indipyserver_program.py PORT DRIVER...`."""

import asyncio
import sys

from indipyserver import IPyServer

server = IPyServer(host="localhost", port=int(sys.argv[1]), maxconnections=10)
for program in sys.argv[2:]:
    server.add_exdriver(program)
asyncio.run(server.asyncrun())
