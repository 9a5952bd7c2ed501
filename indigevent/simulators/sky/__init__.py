"""What a simulated camera sees: stars, their places on the sensor, the sensor's image and its FITS file.

Needs the extra `simulators` (astropy, which brings numpy and pyerfa). Pure code: the time and the noise come in as
arguments, and nothing here reaches for the network.
"""
