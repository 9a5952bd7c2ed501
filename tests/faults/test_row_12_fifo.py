"""Row 12: whatever becomes of the FIFO's path, the server goes on, and takes commands when there is a FIFO again."""

from __future__ import annotations

import os

from tests.lab.lab import Lab
from tests.lab.vocabulary import EVERYTHING
from tests.system.robustness import Commands, ends_well

from .parties import one_driver, served


def test_row_12_a_fifo_that_is_deleted_replaced_or_no_fifo_any_more(lab: Lab) -> None:
    commands = Commands(lab)
    server, alpha = one_driver(lab, "-f", commands.path)
    client = lab.client(server, "client", EVERYTHING)

    def takes_commands(name: str) -> None:
        driver = lab.driver(name)
        commands.write(f"start {driver.path}")
        driver.expect("getProperties")
        assert served(client, alpha)

    takes_commands("first")
    commands.path.unlink()
    lab.pump.poll(commands.path.is_fifo, "the FIFO is made again")
    takes_commands("deleted")
    spare = Commands(lab, "spare")
    spare.path.rename(commands.path)
    takes_commands("replaced")
    commands.path.unlink()
    other = lab.folder / "file"
    other.write_text("no FIFO")
    os.replace(other, commands.path)
    server.wait_for_log(f"FIFO: {commands.path} is not a FIFO; remove it, and it is made anew")
    assert served(client, alpha)
    commands.path.unlink()
    lab.pump.poll(commands.path.is_fifo, "the FIFO is made again")
    takes_commands("last")
    ends_well(server)
