"""Packaging of indigevent: what is installed, what it needs, and the commands it brings."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def version() -> str:
    """Return the version written in the package, without importing it."""
    text = (HERE / "indigevent" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit('setup.py: indigevent/__init__.py has no line __version__ = "..."')
    return found.group(1)


def long_description() -> str:
    """Return the README, or nothing when the source tree comes without one."""
    readme = HERE / "README.md"
    return readme.read_text(encoding="utf-8") if readme.is_file() else ""


# What the simulated camera needs for FITS and for the sky; the daemon and all other drivers do without.
SIMULATORS = ["astropy"]
# What --metrics needs.
METRICS = ["prometheus_client"]
TEST_REQUIREMENTS = [
    "pyserial",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "hypothesis",
    "ruff",
    "mypy",
    "types-psutil",
    "types-xmltodict",
]

setup(
    name="indigevent",
    version=version(),
    description="An INDI server daemon, driver framework and client library in Python on gevent",
    long_description=long_description(),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=["indigevent", "indigevent.*"]),
    package_data={"indigevent": ["py.typed"], "indigevent.simulators.sky": ["stars.csv", "SOURCE.txt"]},
    install_requires=["gevent", "xmltodict", "configargparse", "psutil", "pybase64", "tabulate"],
    extras_require={
        "simulators": SIMULATORS,
        "metrics": METRICS,
        "bench": ["matplotlib"],
        "test": [*TEST_REQUIREMENTS, *SIMULATORS, *METRICS],
    },
    entry_points={
        "console_scripts": [
            "indigevent = indigevent.cli.start:server",
            "indigevent-ctl = indigevent.cli.start:ctl",
            "indigevent-driver = indigevent.cli.start:driver",
            "indigevent-getprop = indigevent.cli.start:getprop",
            "indigevent-setprop = indigevent.cli.start:setprop",
            "indigevent-eval = indigevent.cli.start:evaluate",
            "indigevent-record = indigevent.cli.start:record",
            "indigevent-replay = indigevent.cli.start:replay",
        ]
    },
    classifiers=[
        "License :: OSI Approved :: MIT License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Astronomy",
    ],
)
