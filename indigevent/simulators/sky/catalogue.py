"""The stars of the sky: a bundled list of bright ones, and faint ones made up so that no field is empty."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SYNTHETIC = 0  # the number of a star that no catalogue has
FAINTEST = 14.0
_BRIGHTEST_SYNTHETIC = 6.5  # nobody misses a made-up star that the eye could not have seen
_COUNT_SLOPE = 0.43  # log10 of the growth of star counts per magnitude, averaged over the real sky
_PER_SQUARE_DEGREE = 0.22  # real stars brighter than _BRIGHTEST_SYNTHETIC
_CELLS_PER_CIRCLE = 360
_SEED = 1603  # changing it changes everybody's sky


@dataclass(frozen=True)
class Stars:
    """Stars as columns of equal length.

    Arguments:
        ra_deg: right ascension, J2000, degrees, 0 to 360.
        dec_deg: declination, J2000, degrees.
        magnitude: visual magnitude.
        number: Hipparcos number, or SYNTHETIC for a star that does not exist.
    """

    ra_deg: Floats
    dec_deg: Floats
    magnitude: Floats
    number: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.number)

    def where(self, chosen: NDArray[np.bool_]) -> Stars:
        """Return the chosen stars, in their order."""
        return Stars(self.ra_deg[chosen], self.dec_deg[chosen], self.magnitude[chosen], self.number[chosen])

    def within(self, ra_deg: float, dec_deg: float, radius_deg: float) -> Stars:
        """Return the stars not farther than `radius_deg` from a point (degrees, J2000)."""
        return self.where(separation_deg(ra_deg, dec_deg, self.ra_deg, self.dec_deg) <= radius_deg)


def separation_deg(ra_deg: float, dec_deg: float, ra_others_deg: Floats, dec_others_deg: Floats) -> Floats:
    """Return the angles between one point and others, in degrees; exact for small angles too (haversine)."""
    dec, dec_others = math.radians(dec_deg), np.radians(dec_others_deg)
    half_ra = np.radians(ra_others_deg - ra_deg) / 2
    square = np.sin((dec_others - dec) / 2) ** 2 + math.cos(dec) * np.cos(dec_others) * np.sin(half_ra) ** 2
    angles: Floats = np.degrees(2 * np.arcsin(np.sqrt(np.clip(square, 0, 1))))
    return angles


@lru_cache(maxsize=1)
def load() -> Stars:
    """Return the bundled bright stars; SOURCE.txt beside the data says where they come from."""
    text = files(__package__).joinpath("stars.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    stars = Stars(
        np.array([float(row["ra_deg"]) for row in rows]),
        np.array([float(row["dec_deg"]) for row in rows]),
        np.array([float(row["magnitude"]) for row in rows]),
        np.array([int(row["number"]) for row in rows]),
    )
    for column in (stars.ra_deg, stars.dec_deg, stars.magnitude, stars.number):
        column.setflags(write=False)  # the cache hands the same arrays to everybody
    return stars


def fill_in(ra_deg: float, dec_deg: float, radius_deg: float, faintest: float = FAINTEST) -> Stars:
    """Return made-up faint stars within `radius_deg` of a point (degrees, J2000), as dense as the real sky's average.

    The bundled list leaves almost every one-degree field empty, but focusing and guiding need stars in every frame.
    So each square degree or so of the sky has stars of its own, seeded by its place: every camera sees the same ones,
    every time, and a brighter limit `faintest` (magnitude, at most FAINTEST) only leaves some of them out. They are
    no real stars, and a plate solver will not know them.
    """
    near = [_cell_stars(*cell) for cell in _cells_near(ra_deg, dec_deg, radius_deg)]
    return _joined([stars.where(stars.magnitude <= faintest) for stars in near]).within(ra_deg, dec_deg, radius_deg)


def field(ra_deg: float, dec_deg: float, radius_deg: float, most: int = 2000) -> Stars:
    """Return the bundled and the made-up stars within `radius_deg` of a point (degrees, J2000).

    Arguments:
        ra_deg, dec_deg, radius_deg: the field; a wide one is cut at a brighter magnitude.
        most: about how many made-up stars there may be.
    """
    area = math.pi * radius_deg**2
    limit = _BRIGHTEST_SYNTHETIC + math.log10(max(most / area / _PER_SQUARE_DEGREE, 1)) / _COUNT_SLOPE
    made_up = fill_in(ra_deg, dec_deg, radius_deg, min(limit, FAINTEST))
    return _joined([load().within(ra_deg, dec_deg, radius_deg), made_up])


def _joined(parts: Sequence[Stars]) -> Stars:
    return Stars(
        np.concatenate([stars.ra_deg for stars in parts]),
        np.concatenate([stars.dec_deg for stars in parts]),
        np.concatenate([stars.magnitude for stars in parts]),
        np.concatenate([stars.number for stars in parts]),
    )


def _cells_near(ra_deg: float, dec_deg: float, radius_deg: float) -> Iterator[tuple[int, int, int]]:
    """Yield band, cell and the band's number of cells for all cells of one degree that the circle may touch."""
    lowest = max(math.floor(dec_deg - radius_deg), -90)
    highest = min(math.floor(dec_deg + radius_deg), 89)
    reach_deg = _reach_in_ra(dec_deg, radius_deg)
    for band in range(lowest, highest + 1):
        cells = max(1, round(_CELLS_PER_CIRCLE * math.cos(math.radians(band + 0.5))))
        width = 360 / cells
        first, last = math.floor((ra_deg - reach_deg) / width), math.floor((ra_deg + reach_deg) / width)
        for cell in range(first, min(last, first + cells - 1) + 1):
            yield band, cell % cells, cells


def _reach_in_ra(dec_deg: float, radius_deg: float) -> float:
    """Return how far a circle on the sphere extends in right ascension to each side, in degrees."""
    if abs(dec_deg) + radius_deg >= 90:
        return 180.0
    return math.degrees(math.asin(math.sin(math.radians(radius_deg)) / math.cos(math.radians(dec_deg))))


@lru_cache(maxsize=512)
def _cell_stars(band: int, cell: int, cells: int) -> Stars:
    random = np.random.default_rng((_SEED, band + 90, cell))
    low, high = math.sin(math.radians(band)), math.sin(math.radians(band + 1))
    area = 360 / cells * math.degrees(high - low)
    brighter = _PER_SQUARE_DEGREE * area
    growth = 10 ** (_COUNT_SLOPE * (FAINTEST - _BRIGHTEST_SYNTHETIC))
    count = int(random.poisson(brighter * (growth - 1)))
    ra_deg = (cell + random.random(count)) * 360 / cells
    dec_deg = np.degrees(np.arcsin(low + (high - low) * random.random(count)))
    # The inverse of N(m) = 10 ** (slope * m), cut at both ends.
    magnitude = _BRIGHTEST_SYNTHETIC + np.log10(1 + random.random(count) * (growth - 1)) / _COUNT_SLOPE
    return Stars(ra_deg, dec_deg, magnitude, np.full(count, SYNTHETIC, dtype=np.int64))
