"""What each Dockerfile installs is enough to start its service, and no more."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
MODULES = {
    "event-broker": "event_broker",
    "event-processor": "event_processor",
    "management-service": "management_service",
}

NOTHING_TO_COMPILE = """
import os, sys
uncompiled = [name for name, module in sys.modules.items()
              if "site-packages" in (getattr(module, "__file__", None) or "")
              and module.__spec__.cached and not os.path.exists(module.__spec__.cached)]
assert not uncompiled, uncompiled
"""
"""What is not compiled in the image is compiled at each start, for its user cannot write there."""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The lines of a Dockerfile that decide what gets installed."""

    text: str

    @property
    def copied(self) -> list[str]:
        return re.findall(r"^COPY (\S+) \S+$", self.text, flags=re.MULTILINE)

    @property
    def install_arguments(self) -> list[str]:
        found = re.search(r"^RUN uv pip install --system --no-cache (.+)$", self.text, flags=re.MULTILINE)
        assert found is not None
        return found.group(1).split()


def dockerfile_of(service: str) -> Dockerfile:
    return Dockerfile((ROOT / service / "Dockerfile").read_text())


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(command), cwd=cwd, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("service", MODULES)
def test_a_service_starts_from_what_its_image_installs(service: str, tmp_path: Path) -> None:
    """Every module of the service imports, compiled, in an environment made by the Dockerfile's own install line."""
    dockerfile = dockerfile_of(service)
    for path in dockerfile.copied:
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, tmp_path / path, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        else:
            shutil.copy(ROOT / path, tmp_path / path)
    run(UV, "venv", "--quiet", "--python", sys.executable, "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"

    run(UV, "pip", "install", "--offline", "--python", python, *dockerfile.install_arguments, cwd=tmp_path)

    walk = (
        "import importlib, pkgutil, {0};"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages({0}.__path__, '{0}.') "
        "if not m.name.endswith('__main__')]"
    )
    run(python, "-B", "-c", walk.format(MODULES[service]) + NOTHING_TO_COMPILE, cwd=tmp_path)


@pytest.mark.parametrize("service", ["event-broker", "management-service"])
def test_ingestion_and_operations_cannot_trade(service: str) -> None:
    """The image of a service that must not trade does not contain the connector."""
    assert not any("ibkr" in path or "broker-connector" in path for path in dockerfile_of(service).copied)


@pytest.mark.parametrize("service", MODULES)
def test_a_service_does_not_run_as_root(service: str) -> None:
    """The last user that a Dockerfile names is an ordinary one."""
    users = re.findall(r"^USER (\S+)$", dockerfile_of(service).text, flags=re.MULTILINE)

    assert users[-1] == "rebalancer"
