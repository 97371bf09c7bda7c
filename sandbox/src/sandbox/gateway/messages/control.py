"""Messages about the connection itself."""

from collections.abc import Sequence
from datetime import datetime

from sandbox.gateway.fields import Value
from sandbox.gateway.message_ids import Answer

_ADVANCED_REJECT_SINCE = 166


def error(request_id: int, code: int, text: str, version: int) -> list[Value]:
    """An error, warning or notice; which it is only the code tells."""
    fields: list[Value] = [Answer.ERROR, 2, request_id, code, text]
    return [*fields, ""] if version >= _ADVANCED_REJECT_SINCE else fields


def managed_accounts(accounts: Sequence[str]) -> list[Value]:
    return [Answer.MANAGED_ACCOUNTS, 1, ",".join(accounts)]


def next_valid_id(order_id: int) -> list[Value]:
    return [Answer.NEXT_VALID_ID, 1, order_id]


def current_time(now: datetime) -> list[Value]:
    return [Answer.CURRENT_TIME, 1, int(now.timestamp())]
