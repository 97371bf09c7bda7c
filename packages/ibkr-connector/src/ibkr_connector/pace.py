"""Never more than 45 messages in a second, as the gateway counts them; at more than 50 it closes the connection.

The gateway counts a message when it reads it, which may be long after it was written: it may be busy, or our own loop
may have stood still in between. Two bursts that leave a second apart may then count together. But it reads in order,
and its answer to a message says that this one and all before it have been read. So a message leaves only when 44 at
most of those before it may still count: each for one second after the first answer that proves it read. One without
such proof counts for two seconds after it was written.
"""

from dataclasses import dataclass, field
from typing import Final

MOST_MESSAGES: Final = 45
_COUNTED_SECONDS: Final = 1.01
"""The gateway's second, and a little for the difference between two clocks."""
_UNPROVEN_SECONDS: Final = 2.0

_NUMBER_PLACES: Final = {"1": 2, "3": 1, "7": 2, "9": 2, "62": 2}
"""Where reqMktData, placeOrder, reqExecutions, reqContractDetails and reqAccountSummary carry the number that answers
repeat."""


@dataclass(slots=True)
class _Sent:
    line: object
    number: str
    counts_until: float
    is_read: bool = False

    def is_of(self, line: object, number: str) -> bool:
        return self.line is line and self.number == number


@dataclass(slots=True)
class Pace:
    """Messages that may still count, over all connections that count together. Times are on the loop's clock."""

    _recent: list[_Sent] = field(default_factory=list[_Sent])
    written: int = 0
    """All messages so far."""

    def next_at(self, now: float) -> float:
        """When the next message may leave; not later than now if at once. Proof may come that makes it earlier."""
        if self.counted(now) < MOST_MESSAGES:
            return now
        return min(sent.counts_until for sent in self._recent)

    def counted(self, now: float) -> int:
        """Messages that the gateway may count at this moment."""
        self._recent = [sent for sent in self._recent if sent.counts_until > now]
        return len(self._recent)

    def wrote(self, line: object, message: str, now: float) -> None:
        """This message left over this line."""
        self.written += 1
        self._recent.append(_Sent(line, _number(message), now + _UNPROVEN_SECONDS))

    def answered(self, line: object, number: int, now: float) -> None:
        """The request or order of this number was answered over this line, so all written before it have been read."""
        place = next((i for i in reversed(range(len(self._recent))) if self._recent[i].is_of(line, str(number))), None)
        if place is None or self._recent[place].is_read:
            return
        for sent in self._recent[: place + 1]:
            if sent.line is line and not sent.is_read:
                sent.is_read = True
                sent.counts_until = now + _COUNTED_SECONDS


def _number(message: str) -> str:
    fields = message.split("\0", 3)
    place = _NUMBER_PLACES.get(fields[0])
    return "" if place is None or place >= len(fields) else fields[place]
