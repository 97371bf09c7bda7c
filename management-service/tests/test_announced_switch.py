"""Who pauses trading is heard of."""

from dataclasses import replace

import pytest

from event_queue.outcomes import EVERY_ACCOUNT
from event_queue.redis_queue import RedisQueue
from management_service.announced_switch import AnnouncedSwitch
from service_runtime.notifications.notice import Nobody, Notice, Occasion

pytestmark = pytest.mark.integration


class Listening(Nobody):
    """`Notifier` that keeps what it is told, each key once."""

    def __init__(self) -> None:
        self.heard: dict[tuple[Occasion, str], Notice] = {}

    def notify(self, notice: Notice) -> None:
        """Keep it."""
        self.heard.setdefault(notice.key, notice)

    @property
    def titles(self) -> list[str]:
        """What was told."""
        return [notice.title for notice in self.heard.values()]


async def test_each_switching_is_told(redis_queue: RedisQueue) -> None:
    """For one account and for all, with who did it and why."""
    notifier = Listening()
    switch = AnnouncedSwitch(redis_queue.trading, notifier)

    await switch.pause("DU123456", actor="api", reason="look first")
    await switch.pause(EVERY_ACCOUNT, actor="api", reason="the world ends")
    await switch.resume(EVERY_ACCOUNT, actor="api")

    assert notifier.titles == [
        "Trading is paused for account DU123456",
        "Trading is paused for all accounts",
        "Trading is resumed for all accounts",
    ]
    assert "By api: look first" in next(iter(notifier.heard.values())).body
    assert list(await switch.read()) == ["DU123456"]


async def test_the_same_pause_is_told_once_and_the_next_one_again(redis_queue: RedisQueue) -> None:
    """A client that repeats its request tells nothing new; other words, and a later pause, do."""
    notifier = Listening()
    switch = AnnouncedSwitch(redis_queue.trading, notifier)

    first = await switch.pause("DU123456", actor="api", reason="look first")
    again = await switch.pause("DU123456", actor="api", reason="look first")
    await switch.pause("DU123456", actor="api", reason="still looking")

    assert replace(again, since=first.since) == first
    assert len(notifier.heard) == 2


async def test_lifting_what_was_not_paused_is_nothing_to_tell(redis_queue: RedisQueue) -> None:
    """Nothing has changed."""
    notifier = Listening()

    assert await AnnouncedSwitch(redis_queue.trading, notifier).resume("DU123456", actor="api") is None
    assert notifier.heard == {}
