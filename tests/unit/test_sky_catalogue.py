"""The simulated sky: known stars in their places, made-up ones the same for everybody and as dense as real ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

np = pytest.importorskip("numpy", reason="the simulators' sky needs the extra `simulators`")

from indigevent.simulators.sky.catalogue import SYNTHETIC, Stars, field, fill_in, load, separation_deg  # noqa: E402

KNOWN = {
    32349: (101.287, -16.716, -1.46),  # Sirius
    30438: (95.988, -52.696, -0.72),  # Canopus
    69673: (213.915, 19.182, -0.04),  # Arcturus
    91262: (279.234, 38.784, 0.03),  # Vega
    24608: (79.172, 45.998, 0.08),  # Capella
    24436: (78.634, -8.202, 0.12),  # Rigel
    27989: (88.793, 7.407, 0.50),  # Betelgeuse
    97649: (297.696, 8.868, 0.77),  # Altair
    21421: (68.980, 16.509, 0.85),  # Aldebaran
    65474: (201.298, -11.161, 0.98),  # Spica
    80763: (247.352, -26.432, 0.96),  # Antares
    113368: (344.413, -29.622, 1.16),  # Fomalhaut
    102098: (310.358, 45.280, 1.25),  # Deneb
    11767: (37.955, 89.264, 2.02),  # Polaris
    17702: (56.871, 24.105, 2.87),  # Alcyone
}


def rows(stars: Stars) -> set[tuple[float, float, float]]:
    return set(zip(stars.ra_deg.tolist(), stars.dec_deg.tolist(), stars.magnitude.tolist(), strict=True))


@pytest.mark.parametrize("number", KNOWN)
def test_a_known_star_is_in_its_place(number: int) -> None:
    stars = load()
    (index,) = np.flatnonzero(stars.number == number)
    ra_deg, dec_deg, magnitude = KNOWN[number]
    apart = separation_deg(ra_deg, dec_deg, stars.ra_deg[index : index + 1], stars.dec_deg[index : index + 1])
    assert apart[0] < 0.001
    assert abs(stars.magnitude[index] - magnitude) < 0.15


def test_the_catalogue_is_in_order_and_within_its_ranges() -> None:
    """Hipparcos numbers ascend with right ascension, so a digit written wrong would break the order."""
    stars = load()
    assert (np.diff(stars.number) > 0).all()
    assert (np.diff(stars.ra_deg) > 0).all()
    assert stars.ra_deg.min() >= 0
    assert stars.ra_deg.max() < 360
    assert np.abs(stars.dec_deg).max() <= 90
    assert stars.number.min() > SYNTHETIC


def test_the_catalogue_has_every_star_that_its_source_has_down_to_its_limit() -> None:
    magnitude = load().magnitude
    assert (magnitude <= 4.0).sum() == 519
    assert (magnitude <= 4.5).sum() == 921
    assert len(magnitude) == 924


def test_the_catalogue_is_read_once_and_cannot_be_changed() -> None:
    assert load() is load()
    with pytest.raises(ValueError, match="read-only"):
        load().magnitude[0] = 0.0


def test_a_cone_finds_what_is_in_it_across_the_meridian_and_at_the_pole() -> None:
    assert set(load().within(83.5, -0.9, 2.5).number) == {25930, 26311, 26549, 26727}
    assert 677 in load().within(359.5, 29.0, 3.0).number
    assert 11767 in load().within(217.0, 89.9, 1.0).number


@pytest.mark.parametrize(
    ("ra_deg", "dec_deg"), [(83.0, -5.0), (0.01, 40.0), (180.0, 89.9), (200.0, -89.5), (7.0, 75.2)]
)
def test_made_up_stars_are_dense_enough_everywhere_and_within_the_cone(ra_deg: float, dec_deg: float) -> None:
    stars = fill_in(ra_deg, dec_deg, 1.0)
    expected = np.pi * 0.22 * 10 ** (0.43 * 7.5)
    assert 0.8 * expected < len(stars) < 1.2 * expected
    assert separation_deg(ra_deg, dec_deg, stars.ra_deg, stars.dec_deg).max() <= 1.0
    assert (stars.number == SYNTHETIC).all()
    assert stars.magnitude.min() >= 6.5
    assert stars.ra_deg.min() >= 0
    assert stars.ra_deg.max() < 360


@pytest.mark.parametrize(("ra_deg", "dec_deg"), [(0.0, 10.0), (120.0, 60.0), (10.0, 90.0)])
def test_every_camera_sees_the_same_made_up_stars(ra_deg: float, dec_deg: float) -> None:
    wide, narrow = fill_in(ra_deg, dec_deg, 3.0), fill_in(ra_deg + 0.2, dec_deg - 0.3, 0.5)
    assert rows(narrow) == rows(wide.within(ra_deg + 0.2, dec_deg - 0.3, 0.5))
    assert rows(narrow)


def test_another_program_sees_the_same_made_up_stars() -> None:
    program = (
        "from indigevent.simulators.sky.catalogue import fill_in; s = fill_in(50.0, 20.0, 0.5);"
        "print(s.ra_deg.tolist(), s.dec_deg.tolist(), s.magnitude.tolist())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    stars = fill_in(50.0, 20.0, 0.5)
    assert said.split() == f"{stars.ra_deg.tolist()} {stars.dec_deg.tolist()} {stars.magnitude.tolist()}".split()


def test_a_brighter_limit_only_leaves_stars_out() -> None:
    all_stars, bright = fill_in(50.0, 20.0, 2.0), fill_in(50.0, 20.0, 2.0, faintest=11.0)
    assert 0 < len(bright) < len(all_stars)
    assert rows(bright) == {row for row in rows(all_stars) if row[2] <= 11.0}


def test_fainter_stars_are_more_numerous_as_in_the_real_sky() -> None:
    magnitude = fill_in(50.0, 20.0, 4.0).magnitude
    growth = (magnitude <= 13.0).sum() / (magnitude <= 12.0).sum()
    assert 2.2 < growth < 3.2


def test_a_field_has_both_kinds_and_a_wide_one_is_not_flooded() -> None:
    pleiades = field(56.8, 24.1, 0.6)
    assert (pleiades.number == 17702).sum() == 1
    assert (pleiades.number == SYNTHETIC).sum() > 100
    assert len(field(83.0, 0.0, 12.0, most=1000)) < 1500
