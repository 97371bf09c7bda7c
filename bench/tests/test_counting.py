"""Commands a transition, counted on the real Redis."""

from collections import Counter

import pytest
from bench.counting import CommandCount, count_on_a_fresh_queue, summarise


def test_the_sent_script_is_told_from_what_it_ran() -> None:
    """Asking for the statistics, and the wake-up of a waiting worker, belong to nobody's count."""
    calls = Counter({"evalsha": 1, "lpush": 2, "hset": 3, "info": 1, "blpop": 4})

    assert summarise("enqueue", calls) == CommandCount("enqueue", round_trips=1, inside_the_script=5)


@pytest.mark.integration
async def test_every_transition_is_one_round_trip() -> None:
    """What the page says of round trips holds for the queue as it is."""
    counts = await count_on_a_fresh_queue()

    assert len(counts) == 7
    assert {count.transition: count.round_trips for count in counts if count.round_trips != 1} == {}
    assert all(count.inside_the_script > 0 for count in counts)
