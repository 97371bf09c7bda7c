"""Fixtures of the worker's tests."""

import pytest

from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON, paper_account, paper_brokerage
from event_processor.testing.worker_world import WorkerWorld
from event_queue.redis_queue import RedisQueue
from event_queue.testing.first_run import vouch_for_run


@pytest.fixture
async def redis_queue(redis_queue: RedisQueue) -> RedisQueue:
    """An empty queue whose lease nobody has ever held: no worker waits for an earlier one's to end."""
    await vouch_for_run(redis_queue.client, redis_queue.keys)
    return redis_queue


@pytest.fixture
def world(redis_queue: RedisQueue) -> WorkerWorld:
    """A worker before the account of case 5, at noon on a trading day."""
    clock = HandClock(NOON)
    account = paper_account(20_000, AAA=1000, BBB=1500)
    return WorkerWorld(redis_queue, paper_brokerage(account, clock, {"AAA": 50, "BBB": 20, "CCC": 125}), clock)
