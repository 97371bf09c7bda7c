"""The virtual environment of the peers, made at first use and whenever their pinned versions change."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[1]
_PINNED: Final = _ROOT / "bench" / "peers" / "requirements.txt"
_DIRECTORY: Final = _ROOT / ".bench-venv"
_PYTHON: Final = _DIRECTORY / "bin" / "python"


class PeersNotInstalled(Exception):
    """The peers could not be installed; the product is then measured alone."""


def peer_python(tell: Callable[[str], Any]) -> Path:
    """The interpreter that has the peers.

    Raises:
        PeersNotInstalled: no package index could be reached, or a package does not fit.
    """
    installed = _DIRECTORY / "installed.txt"
    if not installed.exists() or installed.read_bytes() != _PINNED.read_bytes():
        tell(f"installing the peers into {_DIRECTORY.name}")
        _install()
        installed.write_bytes(_PINNED.read_bytes())
    return _PYTHON


def _install() -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    packages = ["--no-deps", "--require-hashes", "--requirements", str(_PINNED)]
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(_DIRECTORY)],
        [uv, "pip", "install", "--quiet", "--python", str(_PYTHON), *packages],
    ):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - a tool of this project
        except (OSError, subprocess.CalledProcessError) as error:
            words = getattr(error, "stderr", "") or str(error)
            raise PeersNotInstalled(words.strip()) from error
