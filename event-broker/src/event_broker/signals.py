"""Signals from Ably, put together: from the channels into the queue, and the report `ably`."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from event_broker.ably_health import AblyHealth
from event_broker.ably_history import AblyHistory
from event_broker.ably_source import AblySource
from event_broker.admission import Admission
from event_broker.catch_up import Means, OnMissed
from event_broker.channel_lines import ChannelLines, lines_of
from event_broker.channel_link import Surroundings
from event_broker.channel_router import ChannelRouter
from event_broker.continuity import Continuity
from event_broker.past_gate import PastGate
from event_broker.progress_book import ProgressBook, ProgressStore
from event_broker.settings import AblyTiming
from event_broker.spool_keeper import OpenFolder, SpoolKeeper
from event_queue.errors import QueueError
from event_queue.ports.intake import Intake
from service_runtime.lifecycle import ServiceContext
from service_runtime.redaction import Redactor, secrets_of

LAST_WRITE_SECONDS: Final = 2.0
"""For the progress made since its last writing, when the service stops."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where signals go, where progress is kept, and who learns of signals that may be missing."""

    intake: Intake
    gate: PastGate
    store: ProgressStore
    on_missed: OnMissed
    open_spool: OpenFolder
    """Opens the folder where signals wait that the queue does not take."""


Run = Callable[[str, Callable[[], Coroutine[None, None, None]]], None]
"""Starts a task that is cancelled when the service stops, and started again when it fails."""


def health_of(context: ServiceContext, admission: Admission, continuity: Continuity) -> AblyHealth:
    """The report before anything is known."""
    return AblyHealth(
        admission.accounts.channels,
        continuity,
        context.clock,
        redact=Redactor(secrets_of(context.configuration.settings)).text,
        idle_reason=admission.idle_reason,
        remarks=admission.remarks,
    )


@asynccontextmanager
async def listening(
    context: ServiceContext, run: Run, outlets: Outlets, admission: Admission, health: AblyHealth
) -> AsyncGenerator[None]:
    """Start listening; at the end of the block, when its tasks are done, progress is written a last time."""
    settings = context.configuration.settings
    channels = admission.accounts.channels
    book = ProgressBook(outlets.store, channels, context.clock, readable=outlets.gate.opened)
    history = AblyHistory(settings.ably, AblyTiming(), context.clock)
    retention = timedelta(seconds=settings.ably.retention_seconds)
    means = Means(history, book, health.past, context.clock, AblyTiming(), retention, outlets.on_missed)
    router = ChannelRouter(outlets.intake, admission.accounts, context.clock)
    keeper = SpoolKeeper(outlets.open_spool, channels, context.clock)
    lines = lines_kept_by(keeper, router, means, health)
    health.intake_trouble = lambda: router.trouble
    health.backlog = lambda: lines.backlog
    health.taken_in_until = lambda: book.last_message_at
    outlets.gate.whenever_lost.append(partial(_past_lost, book, lines))
    _start_lines(context, run, lines)
    run("signal spool", keeper.run)
    for channel, safe in keeper.safes.items():
        run(f"safekeeping of {channel}", safe.run)
    around = Surroundings(
        health, health.continuity, context.clock, AblyTiming(), settings.ably.rewind, lines.begin_catch_up
    )
    run("progress", book.run)
    run("ably", AblySource(settings.ably, lines.inboxes, around).run)
    try:
        yield
    finally:
        await keeper.save()
        with suppress(QueueError, TimeoutError):
            async with asyncio.timeout(LAST_WRITE_SECONDS):
                await book.write()
        await history.close()
        keeper.close()


def lines_kept_by(keeper: SpoolKeeper, router: ChannelRouter, means: Means, health: AblyHealth) -> ChannelLines:
    """The lines of the keeper's channels, with what an earlier process left; blocks for the first look at the disk."""
    keeper.begin()
    lines = lines_of(keeper.safes, router, means, keeper.safes)
    keeper.on_left = lines.left_found
    keeper.changed = health.note_change
    health.spool_trouble = lambda: keeper.trouble
    return lines


def _past_lost(book: ProgressBook, lines: ChannelLines, told_until: datetime | None) -> None:
    """First the book, so that channels are read again from what it then loads."""
    book.past_lost(told_until)
    lines.past_lost()


def _start_lines(context: ServiceContext, run: Run, lines: ChannelLines) -> None:
    for channel, inbox in lines.inboxes.items():
        context.run(f"inbox of {channel}", partial(inbox.run_until, context.stopping))
        run(f"past of {channel}", lines.catch_ups[channel].run)
