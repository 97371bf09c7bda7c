"""What becomes of whatever the SDK hands out."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from event_broker.ably_message import trigger_of

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "message_id"),
    [("a:0", "a:0"), (None, None), (17, "17"), (True, "True"), (1.5, "1.5"), (["x"], "['x']"), ({}, "{}")],
)
def test_an_id_that_is_no_text_is_taken_as_its_text(told: object, message_id: str | None) -> None:
    """The message is a signal all the same, and is recognised when it comes again."""
    message = SimpleNamespace(id=told, data={}, encoding="", timestamp=0)

    trigger = trigger_of(message, "growth", NOW)

    assert trigger.message_id == message_id


def test_an_endless_id_is_cut() -> None:
    """It becomes a part of a key."""
    message = SimpleNamespace(id=["x" * 10_000], data={}, encoding="", timestamp=0)

    assert len(trigger_of(message, "growth", NOW).message_id or "") <= 200
