"""Options of operation: users and networks, where to listen, rotation, access rules, remotes by TLS and ssh."""

from __future__ import annotations

import ipaddress
import os
import pwd
from pathlib import Path

import pytest

from indigevent.config import load, read, values
from indigevent.config.check import describe, findings
from indigevent.config.settings import ListenAddress, Rotation
from indigevent.config.words import cut
from indigevent.errors import ConfigError
from indigevent.routing.access import AccessRule
from indigevent.supervision.specs import DriverSpec, RemoteSpec, parse_driver

ME = pwd.getpwuid(os.getuid())


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.users, f"{ME.pw_name}, 12", (ME.pw_uid, 12)),
        (values.networks, "10.0.0.0/8 ::1", (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))),
        (values.networks, "192.168.1.7/24", (ipaddress.ip_network("192.168.1.0/24"),)),
        (values.listen_address, "7625", ListenAddress("127.0.0.1", 7625)),
        (values.listen_address, "0.0.0.0:80", ListenAddress("0.0.0.0", 80)),
        (values.listen_address, "[::1]:80", ListenAddress("::1", 80)),
        (values.rotation, "daily", Rotation(is_daily=True)),
        (values.rotation, "0.5", Rotation(max_bytes=512 * 1024)),
        (values.log_format, "json", "json"),
        (values.warn_restart, "restart", "restart"),
        (values.ssh_host, "me@pi.local", "me@pi.local"),
    ],
)
def test_values(parse: object, text: str, value: object) -> None:
    assert callable(parse)
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (values.users, "nobody-has-this-name", "this machine has no user"),
        (values.users, " , ", "no user is given"),
        (values.networks, "10.0.0.0/33", "is no network"),
        (values.networks, "", "no network is given"),
        (values.listen_address, "::1:80", "needs brackets"),
        (values.listen_address, "host:", "is not a port"),
        (values.listen_address, ":80", "is not a host name"),
        (values.rotation, "0", "neither a number of MB nor daily"),
        (values.rotation, "weekly", "neither a number of MB nor daily"),
        (values.log_format, "xml", "give text or json"),
        (values.warn_restart, "stop", "neither warn nor restart"),
        (values.positive_seconds, "0", "is no duration"),
        (values.ssh_host, "-oProxyCommand=x", "is not [USER@]HOST"),
        (values.ssh_host, "me@-oProxyCommand=x", "is not [USER@]HOST"),
    ],
)
def test_wrong_values(parse: object, text: str, reason: str) -> None:
    assert callable(parse)
    with pytest.raises(ValueError, match=reason.replace("[", r"\[")):
        parse(text)


@pytest.mark.parametrize(
    ("word", "spec"),
    [
        ("@tls://pi", RemoteSpec("@tls://pi", "pi", tls=True)),
        ("CCD 1@tls://[::1]:80", RemoteSpec("CCD 1@tls://[::1]:80", "::1", 80, "CCD 1", tls=True)),
        ("@ssh://me@pi", RemoteSpec("@ssh://me@pi", "localhost", ssh="me@pi")),
        ("@ssh://pi:7625", RemoteSpec("@ssh://pi:7625", "localhost", 7625, ssh="pi")),
    ],
)
def test_remotes_by_tls_and_ssh(word: str, spec: RemoteSpec) -> None:
    assert parse_driver(word) == spec


@pytest.mark.parametrize("word", ["@tls://me@pi", "@ssh://-oProxyCommand=x", "@ssh://-x@pi", "@tls://", "@ssh://me@"])
def test_wrong_remotes_by_tls_and_ssh(word: str) -> None:
    with pytest.raises(ConfigError, match="remote "):
        parse_driver(word)


def test_sections_say_everything(tmp_path: Path) -> None:
    path = tmp_path / "indigevent.conf"
    path.write_text(
        """
        allow = 10.0.0.0/8
        local-uids = 0
        [driver mount]
        watchdog = 20
        max-memory = 1
        max-cpu = 90
        over-limit = restart
        malformed = restart
        stop-timeout = 5
        [remote garden]
        host = pi
        tls = yes
        tls-ca = ca.pem
        compression = yes
        [access students]
        network = 10.1.0.0/16 10.2.0.0/16
        certificate = "Ann Smith" bob
        devices = "CCD *" Dome
        read-only = yes
        [access one]
        devices = "Telescope Simulator"
        """,
        encoding="utf-8",
    )
    settings = load(["-c", str(path)], {})
    assert settings.allow == (ipaddress.ip_network("10.0.0.0/8"),)
    assert settings.local_uids == (0,)
    assert settings.drivers == (
        DriverSpec(
            "mount",
            "mount",
            watchdog_s=20.0,
            max_memory_bytes=1 << 20,
            max_cpu=90,
            over_limit="restart",
            malformed="restart",
            stop_timeout_s=5.0,
        ),
        RemoteSpec("garden", "pi", tls=True, tls_ca=str(tmp_path / "ca.pem"), compression=True),
    )
    networks = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("10.2.0.0/16"))
    names = ("Ann Smith", "bob")
    assert settings.access == (
        AccessRule("students", networks, (), names, ("CCD *", "Dome"), read_only=True),
        AccessRule("one", devices=("Telescope Simulator",)),
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--tls-port 7625 x", "--tls-port needs --tls-certificate"),
        ("--tls-certificate a x", "no --tls-port to listen on"),
        ("--tls-port 7624 --tls-certificate a x", "is both --port and --tls-port"),
        ("--log-rotate daily x", "--log-rotate needs --log-file"),
    ],
)
def test_what_does_not_go_together(words: str, sentence: str) -> None:
    assert sentence in " ".join(read(cut(words.split()), {}, "indigevent").problems)


def test_the_check_names_files_and_folders_that_are_missing(tmp_path: Path) -> None:
    words = [
        "--tls-port",
        "1",
        "--tls-certificate",
        "/none/a.pem",
        "-f",
        "/none/fifo",
        "-l",
        "/none",
        "--log-file",
        "/none/log",
    ]
    found = findings(read(cut(words), {}, "indigevent"), {})
    assert found == [
        "tls-certificate: /none/a.pem cannot be read",
        "fifo: the folder of /none/fifo does not exist",
        "log-file: the folder of /none/log does not exist",
        "islog: there is no folder /none",
    ]


def test_the_check_says_where_tls_and_http_are_served_and_what_rules_there_are(tmp_path: Path) -> None:
    path = tmp_path / "indigevent.conf"
    rules = "[access a]\nread-only = yes\n[access b]\ndeny = yes\n[access c]\ndeny = perhaps\n"
    path.write_text(f"metrics = 9100\ntls-host = ::\n{rules}")
    words = ["--tls-port", "7625", "--tls-certificate", str(path), "-c", str(path)]
    lines = describe(read(cut(words), {}, "indigevent"), {})
    assert "listen: [::] port 7625 with TLS" in lines
    assert "listen: 127.0.0.1 port 9100 for HTTP" in lines
    assert "access a: may watch only" in lines
    assert "access b: turned away" in lines
    assert not any("access c" in line for line in lines)
