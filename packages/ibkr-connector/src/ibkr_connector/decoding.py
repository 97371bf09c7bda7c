"""Decoding that hides nothing: ib_async drops a message that it cannot decode, and goes on as if it had never come."""

from collections.abc import Callable
from typing import Any, Final

from ib_async.decoder import Decoder
from ib_async.wrapper import Wrapper

from ibkr_connector.messages import Undecodable
from ibkr_connector.numbers import Senseless

UNREADABLE: Final = -1
"""The id of a message whose own id cannot be read: it may have been anything."""

_MAX_TEXT: Final = 300

_NAMES: Final = {
    3: "orderStatus",
    4: "error",
    5: "openOrder",
    6: "updateAccountValue",
    10: "contractDetails",
    11: "execDetails",
    59: "commissionReport",
    61: "position",
    63: "accountSummary",
    73: "accountUpdateMulti",
    101: "completedOrder",
}

_EXECUTION: Final = 11
_LIVE: Final = "-1"

_ACCOUNT_AT: Final = {5: 20, _EXECUTION: 16, 61: 2, 63: 3}
"""Where messages about one account name it."""


class ListeningDecoder(Decoder):
    """Runs the handlers itself and hands on what none of them could take in.

    Kinds of messages that ib_async does not know are newer than it is, and nothing that was asked for.
    """

    def __init__(self, wrapper: Wrapper, receive: Callable[[Undecodable], None]) -> None:
        super().__init__(wrapper, 0)
        self._receive = receive

    def wrap(self, methodName: str, types: list[type], skip: int = 2) -> Any:  # noqa: N803 - ib_async's name
        """The handler of a message of plain fields; unlike ib_async's own it lets errors through."""

        def handler(fields: list[str]) -> None:
            method: Callable[..., None] | None = getattr(self.wrapper, methodName, None)
            if method:
                method(*(_parsed(kind, field) for kind, field in zip(types, fields[skip:], strict=False)))

        return handler

    def interpret(self, fields: list[str]) -> None:
        """Decode one message and pass it on."""
        message_id = _message_id(fields)
        handlers: dict[int, Any] = vars(self)["handlers"]
        if message_id != UNREADABLE and message_id not in handlers:
            return
        # The handlers pop from the list that they are given.
        excerpt, account_id, is_answer = str(fields[:20]), _account_of(message_id, fields), _is_answer(fields)
        try:
            handlers[message_id](fields)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the message is lost and must be missed
            name = _NAMES.get(message_id, "message")
            order = error.order if isinstance(error, Senseless) else None
            text = f"{error!r} in {excerpt}"[:_MAX_TEXT]
            lost = Undecodable(message_id, name, text, account_id, order, is_answer)
            self.logger.error("%s", lost)  # noqa: TRY400 - the text names the error
            self._receive(lost)


def _message_id(fields: list[str]) -> int:
    text = fields[0] if fields else ""
    return int(text) if text.isascii() and text.isdecimal() else UNREADABLE


def _account_of(message_id: int, fields: list[str]) -> str:
    place = _ACCOUNT_AT.get(message_id, len(fields))
    return fields[place] if place < len(fields) else ""


def _is_answer(fields: list[str]) -> bool:
    return fields[:1] == [str(_EXECUTION)] and len(fields) > 1 and fields[1] != _LIVE


def _parsed(kind: type, field: str) -> Any:
    """A field as ib_async reads it: empty numbers are zero."""
    if kind is str:
        return field
    return bool(int(field or 0)) if kind is bool else kind(field or 0)
