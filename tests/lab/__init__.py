"""A laboratory for INDI servers: real processes, scripted drivers and clients on both sides of a server under test."""
