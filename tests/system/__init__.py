"""Tests with real server processes: the reference and ours must behave alike, or differ as announced."""
