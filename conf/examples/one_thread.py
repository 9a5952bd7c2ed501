#!/usr/bin/env python3
"""A night log in SQLite, whose connections may only be used in the thread that made them, as many libraries demand.

Handlers, hooks and periodic methods run in one thread, the driver's. A thread of one's own, as under `@background`,
hands what concerns the library over to it with `self.call`.
"""

import os
import sqlite3
from functools import partial

from indigevent.driver import Device, Number, NumberVector, Text, TextVector, background, every, run


class NightLog(Device):
    name = "Night Log"
    file = TextVector("LOG_FILE", Text("FILE", "File", ":memory:"), label="Database", always=True, saved=True)
    note = TextVector("NOTE", Text("TEXT", "Text"), label="Note")
    notes = NumberVector("NOTES", Number("COUNT", "Notes"), Number("LOADS", "Loads"), perm="ro", label="In the log")

    def connect(self):
        self.log_file = sqlite3.connect(self.file["FILE"])
        self.log_file.execute("CREATE TABLE IF NOT EXISTS log (kind TEXT, entry TEXT)")

    def disconnect(self):
        self.log_file.close()

    @note.on_new
    def write_note(self, wanted):
        self.write("note", wanted["TEXT"])

    @every(1)
    def count(self):
        counts = dict(self.log_file.execute("SELECT kind, COUNT(*) FROM log GROUP BY kind"))
        self.notes.set(COUNT=counts.get("note", 0), LOADS=counts.get("load", 0))

    @background
    def watch_load(self):
        while True:  # a blocking call would be here
            self.call(partial(self.write, "load", str(os.getloadavg()[0])))
            if not self.wait(60):
                return

    def write(self, kind, entry):
        with self.log_file:
            self.log_file.execute("INSERT INTO log VALUES (?, ?)", (kind, entry))


if __name__ == "__main__":
    run(NightLog)
