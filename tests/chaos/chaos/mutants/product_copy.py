"""A copy of the product with one known bug in it."""

import importlib.util
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chaos.mutants.bugs import Addition, Bug, Change

_MEMBERS = {
    "packages/event-queue/src": "event_queue",
    "event-processor/src": "event_processor",
}


class BugNotSeeded(Exception):
    """A passage that a bug replaces is not in the product (any more): the bug has to be written anew."""


@contextmanager
def copy_with(bug: Bug) -> Generator[list[Path]]:
    """The folders to look for modules in first; gone with the context.

    Raises:
        BugNotSeeded: the product does not look as the bug expects.
    """
    with TemporaryDirectory(prefix="mutant-") as directory:
        root = Path(directory)
        for folder, package in _MEMBERS.items():
            shutil.copytree(_home_of(package), root / folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        for change in bug.changes:
            _apply(root, change)
        yield [root / folder for folder in _MEMBERS]


def _home_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed")
    return Path(spec.origin).parent


def _apply(root: Path, change: Change | Addition) -> None:
    file = root / change.file
    text = file.read_text("utf-8")
    match change:
        case Addition(lines=lines):
            file.write_text(text + lines, "utf-8")
        case Change(old=old, new=new):
            if text.count(old) != 1:
                raise BugNotSeeded(f"{change.file} holds {text.count(old)} times, not once: {old!r}")
            file.write_text(text.replace(old, new), "utf-8")
