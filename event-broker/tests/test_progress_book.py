"""Progress survives Redis being away, and only grows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from event_broker.progress_book import ProgressBook
from event_broker.testing.memory_progress import MemoryProgress
from event_broker.until_stopped import until_stopped
from event_queue.errors import CorruptQueue, QueueFull, QueueUnavailable
from event_queue.progress import MissedStretch, Progress
from service_runtime.clock import SystemClock

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def at(seconds: float, name: str | None = None) -> Progress:
    """Progress up to some seconds after the beginning."""
    moment = NOW + timedelta(seconds=seconds)
    return Progress(moment, name, moment if name else None)


@pytest.fixture
def store() -> MemoryProgress:
    """Two channels known, one of which nobody follows any more."""
    return MemoryProgress({"growth": at(10, "m10"), "abandoned": at(5)})


@pytest.fixture
async def book(store: MemoryProgress) -> AsyncIterator[ProgressBook]:
    """A book at work."""
    book, stopping = ProgressBook(store, ["growth", "income"], SystemClock(), retry_seconds=0.001), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(until_stopped(stopping, book.run))
        yield book
        stopping.set()


async def test_what_is_known_is_told_once_loaded(book: ProgressBook, store: MemoryProgress) -> None:
    """A followed channel is known, another never was, and what nobody follows is forgotten."""
    assert await book.known("growth") == at(10, "m10")
    assert await book.known("income") is None
    assert "abandoned" not in store.progress


async def test_the_last_message_of_all_channels_is_known_once_loaded(book: ProgressBook) -> None:
    """Of an earlier process first, and of this one as soon as it took a later one in."""
    await book.known("growth")
    loaded = book.last_message_at
    book.reached("income", at(12, "m12"))

    assert loaded == NOW + timedelta(seconds=10)
    assert book.last_message_at == NOW + timedelta(seconds=12)


async def test_loading_is_tried_until_redis_answers(store: MemoryProgress) -> None:
    """Each trouble is told once."""
    store.failures = [QueueUnavailable("gone"), QueueUnavailable("gone"), CorruptQueue("odd")]
    book, stopping = ProgressBook(store, ["growth"], SystemClock(), retry_seconds=0.001), asyncio.Event()

    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(until_stopped(stopping, book.run))
            known = await asyncio.wait_for(book.known("growth"), 5)
            stopping.set()

    assert known == at(10, "m10")
    assert [log["event"] for log in logs] == ["progress_unavailable", "progress_unavailable", "progress_loaded"]


async def test_each_step_is_written(book: ProgressBook, store: MemoryProgress) -> None:
    """Soon after, and again after a failure."""
    await book.known("growth")
    store.failures = [QueueFull("full"), QueueUnavailable("gone")]

    book.reached("growth", at(20, "m20"))
    book.reached("income", at(1))
    await store.wait_until(lambda stored: stored.get("income") == at(1))

    assert store.progress["growth"] == at(20, "m20")


async def test_progress_only_grows(book: ProgressBook) -> None:
    """An older message read again moves nothing back; a sign of life keeps the last message."""
    await book.known("growth")

    book.reached("growth", at(4, "m4"))
    older = await book.known("growth")
    book.reached("growth", at(30))
    silence = await book.known("growth")

    assert older == at(10, "m10")
    assert silence == Progress(NOW + timedelta(seconds=30), "m10", NOW + timedelta(seconds=10))


async def test_a_gap_is_kept_with_the_progress(book: ProgressBook, store: MemoryProgress) -> None:
    """It is still told after a restart and after further messages."""
    stretch = MissedStretch(NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    await book.known("growth")

    book.missed("growth", stretch)
    book.reached("growth", at(99, "m99"))
    await store.wait_until(lambda stored: stored["growth"].message_id == "m99")

    assert store.progress["growth"].missed == stretch


async def test_after_a_loss_only_what_history_knows_counts(book: ProgressBook, store: MemoryProgress) -> None:
    """The last message is the one that history knows; silence counts as heard for as long as history knew all."""
    await book.known("growth")
    book.reached("growth", at(50, "m50"))
    book.reached("income", at(60))
    await store.wait_until(lambda stored: stored["growth"].message_id == "m50" and "income" in stored)

    book.past_lost(NOW + timedelta(seconds=40))
    store.progress = {"growth": at(30, "m30")}
    known = await book.known("growth")
    silent = await book.known("income")
    await store.wait_until(lambda stored: "income" in stored)

    assert known == Progress(NOW + timedelta(seconds=40), "m30", NOW + timedelta(seconds=30))
    assert silent == at(40)
    assert store.progress == {"growth": known, "income": silent}


async def test_what_is_being_written_when_redis_lost_its_past_is_not_written_over_what_history_knows(
    book: ProgressBook, store: MemoryProgress
) -> None:
    """A writing may be repeated until the other Redis is there, and been rebuilt."""
    await book.known("growth")
    store.writable.clear()
    book.reached("growth", at(50, "m50"))
    await store.begun.wait()
    book.past_lost(None)
    store.progress = {"growth": at(30, "m30")}
    store.writable.set()

    assert await book.known("growth") == at(30, "m30")


async def test_what_was_read_before_redis_lost_its_past_is_never_loaded_after_it(store: MemoryProgress) -> None:
    """Not even when the loss comes after the reading, while channels that nobody follows are dropped."""
    book, stopping = ProgressBook(store, ["growth"], SystemClock(), retry_seconds=0.001), asyncio.Event()
    store.forgettable.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(until_stopped(stopping, book.run))
        await store.forgetting.wait()
        book.past_lost(None)
        store.progress = {"growth": at(7, "m7")}
        store.forgettable.set()
        known = await asyncio.wait_for(book.known("growth"), 5)
        stopping.set()

    assert known == at(7, "m7")


async def test_nothing_is_read_before_it_can_be_relied_on(store: MemoryProgress) -> None:
    """Redis may be empty until history has been asked."""
    reliable, stopping = asyncio.Event(), asyncio.Event()

    async def readable() -> None:
        await reliable.wait()

    book = ProgressBook(store, ["growth"], SystemClock(), readable=readable)
    async with asyncio.TaskGroup() as group:
        group.create_task(until_stopped(stopping, book.run))
        known = group.create_task(book.known("growth"))
        store.progress = {"growth": at(7, "m7")}
        reliable.set()
        result = await known
        stopping.set()

    assert result == at(7, "m7")
