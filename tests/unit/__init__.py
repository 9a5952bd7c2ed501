"""Tests of the pure packages: no sockets, no processes."""
