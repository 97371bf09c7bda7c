"""Every call that clients made at a paper brokerage, in order."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A method of BrokerClient by name, and the account, order or symbols that it was about."""

    name: str
    subject: str = ""


class Journal:
    """Calls of all clients."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    def record(self, name: str, subject: str = "") -> None:
        """Add a call."""
        self._calls.append(Call(name, subject))

    def subjects(self, name: str) -> tuple[str, ...]:
        """What the calls of this name were about."""
        return tuple(call.subject for call in self._calls if call.name == name)
