"""The directions between packages, kept by reading every import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "indigevent"
MODULES = sorted(PACKAGE.rglob("*.py"))

PURE = (
    "indigevent.errors",
    "indigevent.protocol",
    "indigevent.routing",
    "indigevent.supervision",
    "indigevent.client.model",
    "indigevent.client.commands",
    "indigevent.client.blob_modes",
    "indigevent.client.snapshot",
    "indigevent.driver.properties",
)
IMPURE = ("gevent", "socket", "subprocess", "os", "time", "psutil")

# Package -> the parts of indigevent that it may import besides itself; the version in `indigevent` is free.
MAY_IMPORT = {
    "indigevent.errors": (),
    "indigevent.protocol": ("errors",),
    "indigevent.routing": ("errors", "protocol"),
    "indigevent.supervision": ("errors", "protocol"),
    "indigevent.client.model": ("errors", "protocol"),
    "indigevent.client.commands": ("errors", "protocol", "client.model"),
    "indigevent.client.blob_modes": ("protocol",),
    "indigevent.client.snapshot": ("protocol", "client.model"),
    "indigevent.driver.properties": ("errors", "protocol"),
    "indigevent.driver": ("errors", "protocol", "fdpass"),
    "indigevent.fdpass": (),
    "indigevent.embedding": ("errors", "protocol", "supervision", "logs", "config", "driver", "server"),
    "indigevent.client": ("errors", "protocol", "logs", "fdpass"),
    "indigevent.tools": ("errors", "protocol", "client", "logs"),
    "indigevent.config": ("errors", "protocol", "routing", "supervision", "executables"),
    "indigevent.executables": (),
    "indigevent.background": (),
    "indigevent.control": (),
    "indigevent.console": ("errors", "control"),
    "indigevent.log_output": ("errors",),
    "indigevent.logs": ("errors", "background", "log_output"),
    "indigevent.server.app": ("errors", "protocol", "routing", "supervision", "logs", "config"),
    "indigevent.server.preparation": ("errors", "logs", "log_output", "config"),
    "indigevent.server": (
        "errors",
        "protocol",
        "routing",
        "supervision",
        "logs",
        "log_output",
        "background",
        "executables",
        "fdpass",
        "control",
    ),
    "indigevent.simulators": ("errors", "protocol", "driver", "logs"),
    "indigevent.compat": ("errors", "protocol", "client", "logs"),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield what a module imports, anywhere in it, with lines; `from a import b` is `a.b`."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def of_module(path: Path) -> str:
    return module_name(path)


@pytest.mark.parametrize("path", MODULES, ids=of_module)
def test_pure_packages_import_nothing_that_does_io(path: Path) -> None:
    name = module_name(path)
    if not any(is_within(name, package) for package in PURE):
        return
    wrong = [(line, found) for found, line in imports(path) if found.split(".")[0] in IMPURE]
    assert not wrong, f"{name} is pure: time, bytes and files come in as arguments"


@pytest.mark.parametrize("path", MODULES, ids=of_module)
def test_packages_import_in_the_agreed_direction(path: Path) -> None:
    name = module_name(path)
    # The longest entry that holds the module rules, so that client.model is stricter than client.
    rules = [package for package in MAY_IMPORT if is_within(name, package)]
    if not rules:
        return
    rule = max(rules, key=len)
    own = rule if rule in PURE else ".".join(rule.split(".")[:2])
    allowed = (own, "indigevent.__version__", *(f"indigevent.{part}" for part in MAY_IMPORT[rule]))
    wrong = [
        (line, found)
        for found, line in imports(path)
        if is_within(found, "indigevent") and not any(is_within(found, package) for package in allowed)
    ]
    assert not wrong, f"{name} may import only {', '.join(allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=of_module)
def test_only_cli_and_the_composition_root_read_the_configuration(path: Path) -> None:
    name = module_name(path)
    root = ("indigevent.server.app", "indigevent.server.preparation")
    readers = ("indigevent.config", "indigevent.cli", *root, "indigevent.embedding")
    if any(is_within(name, reader) for reader in readers):
        return
    wrong = [(line, found) for found, line in imports(path) if is_within(found, "indigevent.config")]
    assert not wrong, f"{name} receives plain values"


@pytest.mark.parametrize("path", MODULES, ids=of_module)
def test_only_the_server_and_entry_points_import_gevent(path: Path) -> None:
    name = module_name(path)
    if any(is_within(name, package) for package in ("indigevent.server", "indigevent.cli", "indigevent.embedding")):
        return
    wrong = [(line, found) for found, line in imports(path) if is_within(found, "gevent")]
    assert not wrong, f"{name} is plain blocking code; patched programs make it greenlets"


@pytest.mark.parametrize("path", MODULES, ids=of_module)
def test_every_module_has_a_docstring_and_less_than_500_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{path} says nowhere what it is for"
    assert text.count("\n") < 500


def test_importing_the_package_does_not_load_gevent_or_patch() -> None:
    program = (
        "import socket, sys; before = socket.socket; import indigevent, indigevent.cli.server;"
        "sys.exit(socket.socket is not before or 'gevent' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_the_test_sees_a_wrong_import(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("from gevent import socket\ndef late():\n    import os.path\n", encoding="utf-8")
    assert list(imports(module)) == [("gevent.socket", 1), ("os.path", 3)]
