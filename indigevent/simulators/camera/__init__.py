"""The parts of the simulated camera; `indigevent.simulators.ccd` puts them together.

Only `picture` needs the extra `simulators` (astropy): the driver can be loaded, and say what is missing, without it.
"""
