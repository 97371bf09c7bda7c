"""Where a demonstration keeps its data: a folder of each run's own, gone at its end unless its logs are needed."""

import contextlib
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

from rich.console import Console

from rebalancer_cli.errors import CommandError, Interrupted, StackFailed
from rebalancer_cli.project import Project
from rebalancer_cli.stack.data_folder import locked
from rebalancer_cli.stack.leftovers import end_leftovers

_PREFIX = "demo-"


class DemoFolder:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = False

    def keep(self) -> None:
        """Leave it in place, for its logs tell why the run failed."""
        self.kept = True


@contextlib.contextmanager
def demo_folder(project: Project, console: Console) -> Generator[DemoFolder]:
    """A fresh folder under .data; what earlier runs left there goes first, processes included."""
    project.data.mkdir(exist_ok=True)
    for old in project.data.glob(f"{_PREFIX}*/lock"):
        _sweep(old.parent, console)
    folder = DemoFolder(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=project.data)))
    try:
        yield folder
    except Interrupted:
        raise
    except CommandError:
        folder.keep()
        raise
    finally:
        if folder.kept:
            console.print(f"logs of this run are in {folder.path / 'logs'}")
        else:
            shutil.rmtree(folder.path, ignore_errors=True)


def _sweep(old: Path, console: Console) -> None:
    """Remove an earlier run's folder, unless that run still goes on."""
    with contextlib.suppress(StackFailed), locked(old):
        for name in end_leftovers(old):
            console.print(f"ended {name}, left by a demonstration that was killed")
        shutil.rmtree(old, ignore_errors=True)
