"""Files, folders and modules that the documents name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "ARCHITECTURE.md", ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
NAME = re.compile(r"`([A-Za-z0-9_./-]+(?:/|\.(?:py|md|sql|lua|yaml|toml|sh|lock|ini)))`")
MADE_BY_RUNNING = (".data/", "data/")


def missing(name: str) -> bool:
    """Whether nothing in the tree has that path, or that name when it is a bare or partial one."""
    if name.startswith(MADE_BY_RUNNING) or name == ".env":
        return False
    if (ROOT / name).exists():
        return False
    return not any(
        path for folder in _SOURCE_FOLDERS for path in folder.rglob(Path(name).name) if path.match(f"**/{name}")
    )


_SOURCE_FOLDERS = [
    folder for folder in ROOT.iterdir() if folder.is_dir() and (folder.name == ".ci" or not folder.name.startswith("."))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_in_a_document_exists(page: Path) -> None:
    """A reader who looks for a file by the name we gave finds it."""
    assert sorted({name for name in NAME.findall(page.read_text("utf-8")) if missing(name)}) == []


def test_a_wrong_name_is_noticed() -> None:
    """The check itself tells a file that was renamed from one that is there."""
    assert missing("packages/event-queue/src/event_queue/no_such.py")
    assert not missing("event_queue/keys.py")
    assert not missing("packages/event-queue/")
