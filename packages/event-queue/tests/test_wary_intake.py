"""The wary way in, when nobody can say whether an empty Redis was emptied."""

from event_queue.arrival import Arrival
from event_queue.errors import QueueUnavailable
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.testing.events import make_event
from event_queue.testing.fake_redis import fake_queue
from event_queue.wary_intake import WaryIntake


class Silent(Mender):
    """Gets no answer from Redis."""

    def __init__(self) -> None:
        """Nothing to compare."""

    async def vouch(self) -> str:
        """Fail."""
        raise QueueUnavailable("no answer")


async def test_many_events_are_each_answered_when_the_comparison_fails() -> None:
    """As `enqueue` would have raised for each; none was taken in."""
    async with fake_queue() as queue:
        intake = WaryIntake(queue.intake, Silent(), KnownRun())
        answers = await intake.enqueue_all([Arrival(make_event()), Arrival(make_event())])
        waiting = await queue.outbox.length()

    assert [type(answer) for answer in answers] == [QueueUnavailable] * 2
    assert waiting == 0
