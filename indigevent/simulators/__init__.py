"""Simulated devices: drivers to try the server and clients with, and models to write drivers from."""
