"""The faults that the server survives: 25 rows, each a test with real processes, named by the row's number."""
