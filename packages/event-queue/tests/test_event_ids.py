"""Ids of new events."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from event_queue.event_ids import new_event_id
from event_queue.events import Command, RebalanceEvent

NOW = datetime(2025, 6, 24, 14, 30, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def test_an_id_tells_its_form_and_its_moment() -> None:
    """Version 7 begins with the milliseconds since 1970."""
    event_id = new_event_id(NOW)

    assert (event_id.version, event_id.variant) == (7, RFC_4122)
    assert event_id.int >> 80 == NOW.timestamp() * 1000


def test_ids_follow_the_order_in_which_events_are_made() -> None:
    """As history finds them side by side then, however they are compared."""
    events = [
        RebalanceEvent.new(
            account_id="DU1", exec_command=Command.REBALANCE, source="api", now=NOW + number * MILLISECOND
        )
        for number in range(100)
    ]
    ids = [event.event_id for event in events]

    assert ids == sorted(ids)
    assert [str(event_id) for event_id in ids] == sorted(map(str, ids))


def test_ids_of_one_moment_differ() -> None:
    """By everything that is random in them."""
    assert len({new_event_id(NOW) for _ in range(1000)}) == 1000


def test_a_moment_that_no_id_can_tell_still_gives_one() -> None:
    """A clock may say what it will."""
    assert new_event_id(datetime(1969, 12, 31, tzinfo=UTC)).version == 7
