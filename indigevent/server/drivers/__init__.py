"""Drivers: programs, remotes and embedded ones, each with a supervisor that keeps it alive."""
