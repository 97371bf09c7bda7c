"""Where a client that attaches to a channel starts to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.ably.channel_log import ChannelLog
from sandbox.ably.errors import BadRequestError
from sandbox.ably.messages import Message

SECONDS_PER_UNIT = {"s": 1, "m": 60}


@dataclass(frozen=True, slots=True)
class Attachment:
    """The place behind message `number`, the messages that follow at once, and whether nothing was missed."""

    number: int
    backlog: tuple[Message, ...] = ()
    resumed: bool = False


def attachment(
    log: ChannelLog, channel_serial: str | None, params: Mapping[str, Any], *, continuous: bool
) -> Attachment:
    """Decide the start of an attach.

    A serial is honoured while the connection is `continuous` (the same, or resumed) and every message behind the serial
    is still kept. Rewind counts only for an attach without a serial.
    """
    if channel_serial is None:
        return _rewound(log, params.get("rewind"))
    number = log.number_of(channel_serial)
    missed = log.after(number) if continuous and number is not None else None
    if number is None or missed is None:
        return Attachment(log.last_number)
    return Attachment(number, tuple(missed), resumed=True)


def _rewound(log: ChannelLog, rewind: object) -> Attachment:
    if rewind is None:
        return Attachment(log.last_number)
    text = str(rewind)
    unit = SECONDS_PER_UNIT.get(text[-1:])
    amount = text[:-1] if unit else text
    if not amount.isdigit():
        raise BadRequestError(f"rewind has to be a count or a time such as 30s or 2m, not {text!r}")
    backlog = log.newest(seconds=int(amount) * unit) if unit else log.newest(count=int(amount))
    return Attachment(backlog[0].number - 1 if backlog else log.last_number, tuple(backlog))
