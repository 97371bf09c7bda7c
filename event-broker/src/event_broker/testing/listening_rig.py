"""The whole way from Ably to the intake, with waits short enough for tests."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from event_broker.ably_health import AblyHealth
from event_broker.ably_history import AblyHistory
from event_broker.ably_source import AblySource
from event_broker.catch_up import Means
from event_broker.channel_lines import lines_of
from event_broker.channel_link import Surroundings
from event_broker.channel_router import ChannelRouter
from event_broker.continuity import Continuity, Interruption
from event_broker.progress_book import ProgressBook
from event_broker.settings import AblyTiming
from event_broker.signals import lines_kept_by
from event_broker.spool_keeper import OpenFolder, SpoolKeeper
from event_broker.testing.memory_progress import MemoryProgress
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.until_stopped import until_stopped
from event_queue.components import ComponentReport
from event_queue.progress import MissedStretch
from service_runtime.accounts import AccountConfig, Accounts
from service_runtime.clock import Clock, SystemClock
from service_runtime.settings import AblySettings

SHORT: Final = AblyTiming(
    request_seconds=0.5,
    attach_seconds=2,
    ping_interval_seconds=0.1,
    retry_seconds=0.1,
    history_seconds=2,
    history_longest_seconds=8,
    hold_seconds=5,
    close_seconds=0.3,
)
RETENTION: Final = timedelta(seconds=120)


@dataclass
class ListeningRig:
    """A running source and what came of it."""

    intake: RecordingIntake
    health: AblyHealth
    stopping: asyncio.Event
    interruptions: list[Interruption] = field(default_factory=list[Interruption])
    store: MemoryProgress = field(default_factory=MemoryProgress)
    missed: list[tuple[str, MissedStretch]] = field(default_factory=list[tuple[str, MissedStretch]])
    reports: list[ComponentReport] = field(default_factory=list[ComponentReport])
    """The report after each change of health."""
    is_killed: bool = False
    """Set to end without a goodbye: nothing more is taken in, saved or written."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_health(self, wanted: Callable[[ComponentReport], bool], *, within: float = 20) -> ComponentReport:
        """The first report from now on that is as wanted."""
        async with asyncio.timeout(within):
            while not wanted(report := self.health.report()):
                self._changed.clear()
                await self._changed.wait()
        return report

    async def wait_attached(self) -> ComponentReport:
        """Wait until every channel is attached."""
        return await self.wait_health(
            lambda report: (
                report.facts["connection"] == "connected" and set(report.facts["channels"].values()) == {"attached"}
            )
        )

    def note_missed(self, channel: str, missed: MissedStretch) -> None:
        """Messages may be missing for good."""
        self.missed.append((channel, missed))

    def note_change(self) -> None:
        """Health has changed."""
        self.reports.append(self.health.report())
        self._changed.set()


def accounts_on(**channels: str) -> Accounts:
    """Accounts by id with their channels."""
    configs = [
        AccountConfig.model_validate({"account_id": account, "notification": {"channel": channel}})
        for account, channel in channels.items()
    ]
    return Accounts({config.account_id: config for config in configs})


@asynccontextmanager
async def listening(  # noqa: PLR0913 - each is one thing that a test may want otherwise
    accounts: Accounts,
    *,
    endpoint: str,
    key: str,
    timing: AblyTiming = SHORT,
    intake: RecordingIntake | None = None,
    store: MemoryProgress | None = None,
    clock: Clock | None = None,
    open_spool: OpenFolder | None = None,
) -> AsyncGenerator[ListeningRig]:
    """Listen to an Ably on a local endpoint until the block ends; without `open_spool` in memory alone."""
    clock, interruptions = clock or SystemClock(), list[Interruption]()
    continuity = Continuity(clock, interruptions.append)
    health = AblyHealth(accounts.channels, continuity, clock)
    rig = ListeningRig(intake or RecordingIntake(), health, asyncio.Event(), interruptions, store or MemoryProgress())
    health.changed = rig.note_change
    settings = AblySettings(api_key=SecretStr(key), endpoint=endpoint, tls=False)
    book = ProgressBook(rig.store, accounts.channels, clock, retry_seconds=0.01)
    history = AblyHistory(settings, timing, clock)
    means = Means(history, book, health.past, clock, timing, RETENTION, rig.note_missed)
    router = ChannelRouter(rig.intake, accounts, clock, retry_seconds=0.01)
    keeper = SpoolKeeper(open_spool, accounts.channels, clock, retry_seconds=0.05) if open_spool else None
    lines = lines_kept_by(keeper, router, means, health) if keeper else lines_of(accounts.channels, router, means)
    health.backlog = lambda: lines.backlog
    health.taken_in_until = lambda: book.last_message_at
    around = Surroundings(health, continuity, clock, timing, settings.rewind, lines.begin_catch_up)
    source = AblySource(settings, lines.inboxes, around)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(inbox.run_until(rig.stopping)) for inbox in lines.inboxes.values()]
        kept = (keeper, *keeper.safes.values()) if keeper else ()
        jobs = (book.run, source.run, *(each.run for each in (*lines.catch_ups.values(), *kept)))
        tasks += [group.create_task(until_stopped(rig.stopping, job)) for job in jobs]
        try:
            yield rig
        finally:
            rig.stopping.set()
            for task in tasks if rig.is_killed else ():
                task.cancel()
    await history.close()
    await _end(rig, book, keeper)


async def _end(rig: ListeningRig, book: ProgressBook, keeper: SpoolKeeper | None) -> None:
    if not rig.is_killed:
        await book.write()
    if keeper and not rig.is_killed:
        await keeper.save()
    if keeper:
        keeper.close()
