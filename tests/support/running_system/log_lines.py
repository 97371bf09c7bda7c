"""What a service has logged, over all its runs, and waiting for what it will log."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

_TIMEOUT_SECONDS = 40.0
_LAST_WORDS = 12


class LogLines:
    """Lines of JSON in the order in which they came; anything else is kept as `{"event": text}`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: list[Mapping[str, Any]] = []
        self._grown = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._lines)

    async def add(self, text: str) -> None:
        """Take one line of output, and wake whoever waits."""
        async with self._grown:
            self._lines.append(_parsed(text))
            self._grown.notify_all()

    def of(self, event: str, *, since: int = 0, **fields: object) -> list[Mapping[str, Any]]:
        """The lines of one event name with these fields, from line `since` on."""
        wanted = {"event": event, **fields}
        return [line for line in self._lines[since:] if wanted.items() <= line.items()]

    async def until(self, event: str, *, count: int = 1, since: int = 0, **fields: object) -> Mapping[str, Any]:
        """The `count`-th line of this event name with these fields, past or to come.

        Raises:
            AssertionError: it does not come in time; with the last lines of the log.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS), self._grown:
                await self._grown.wait_for(lambda: len(self.of(event, since=since, **fields)) >= count)
        except TimeoutError as error:
            raise AssertionError(f"{self._name} never logged {event} {fields}\n{self.last_words()}") from error
        return self.of(event, since=since, **fields)[count - 1]

    @property
    def text(self) -> str:
        """All of it, as one would search it."""
        return "\n".join(json.dumps(dict(line)) for line in self._lines)

    def last_words(self) -> str:
        """The end of the log, for messages."""
        return "\n".join(json.dumps(dict(line)) for line in deque(self._lines, maxlen=_LAST_WORDS))


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        line: Any = json.loads(text)
    except ValueError:
        line = None
    return cast("Mapping[str, Any]", line) if isinstance(line, dict) else {"event": text}
