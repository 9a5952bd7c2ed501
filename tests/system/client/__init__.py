"""System tests of the client library."""
