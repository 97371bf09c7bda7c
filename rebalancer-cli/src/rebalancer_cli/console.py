"""Where the command prints: a terminal as it is, anything else wide enough and without decoration."""

import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

_WIDTH_OF_A_FILE = 160
_LAYOUT = frozenset("\n\t")


class PlainConsole(Console):
    """Shows text as it stands: what would steer a terminal, or cannot be seen, is shown by its number."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Every text that is printed comes through here, also those in tables."""
        return super().render_str(printable(text), **options)


def printable(text: str) -> str:
    r"""The text with controls, direction marks and half characters escaped, such as `\x1b`; line ends stay."""
    return "".join(
        character if character.isprintable() or character in _LAYOUT else _escape(character) for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def open_console(*, stderr: bool = False) -> Console:
    """A console that reads no markup from its text and colours no numbers."""
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or os.environ.get("COLUMNS") else _WIDTH_OF_A_FILE
    return PlainConsole(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=wide)
