"""Where the command prints: a terminal as it is, anything else wide enough and without decoration."""

import os
import sys

from rich.console import Console

_WIDTH_OF_A_FILE = 160


def open_console(*, stderr: bool = False) -> Console:
    """A console that shows text as it stands: no markup is read from it, no numbers are coloured."""
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or os.environ.get("COLUMNS") else _WIDTH_OF_A_FILE
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=wide)
