"""The documents, read once."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def readme(root: Path) -> str:
    """The text of README.md."""
    return (root / "README.md").read_text("utf-8")
