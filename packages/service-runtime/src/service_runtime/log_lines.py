"""Where our own log lines go: rendered already, they are written as they are.

The standard logging would make a record of each first, with the place in the code that nobody is shown, then a copy of
it, and format that: twice the time of all that a line needs.
"""

from contextlib import suppress
from typing import TextIO


class LineWriter:
    """What structlog calls a logger: a module's way to the stream."""

    __slots__ = ("_stream", "name")

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def write(self, line: str) -> None:
        """Write the line, whole and at once; a stream that takes none costs the line, never the work it tells of."""
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


class LineWriters:
    """Makes one for each module that asks."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, name: str = "", *_: object) -> LineWriter:
        """A writer under a name."""
        return LineWriter(name, self._stream)
