"""Drivers that the tests have served in every way there is."""
