"""The whole way from Ably to the intake, with waits short enough for tests."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from event_broker.ably_health import AblyHealth
from event_broker.ably_source import AblySource
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_link import Surroundings
from event_broker.channel_router import ChannelRouter
from event_broker.continuity import Continuity, Gap
from event_broker.settings import AblyTiming
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.until_stopped import until_stopped
from event_queue.components import ComponentReport
from service_runtime.accounts import AccountConfig, Accounts
from service_runtime.clock import SystemClock
from service_runtime.settings import AblySettings

SHORT: Final = AblyTiming(
    request_seconds=0.5, attach_seconds=2, ping_interval_seconds=0.1, retry_seconds=0.1, close_seconds=0.3
)


@dataclass
class ListeningRig:
    """A running source and what came of it."""

    intake: RecordingIntake
    health: AblyHealth
    stopping: asyncio.Event
    gaps: list[Gap] = field(default_factory=list[Gap])
    reports: list[ComponentReport] = field(default_factory=list[ComponentReport])
    """The report after each change of health."""
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
async def listening(
    accounts: Accounts, *, endpoint: str, key: str, timing: AblyTiming = SHORT, intake: RecordingIntake | None = None
) -> AsyncGenerator[ListeningRig]:
    """Listen to an Ably on a local endpoint until the block ends."""
    clock, gaps = SystemClock(), list[Gap]()
    continuity = Continuity(clock, gaps.append)
    health = AblyHealth(accounts.channels, continuity, clock)
    rig = ListeningRig(intake or RecordingIntake(), health, asyncio.Event(), gaps)
    health.changed = rig.note_change
    router = ChannelRouter(rig.intake, accounts, clock, retry_seconds=0.01)
    inboxes = {channel: ChannelInbox(router) for channel in accounts.channels}
    health.backlog = lambda: sum(inbox.backlog for inbox in inboxes.values())
    settings = AblySettings(api_key=SecretStr(key), endpoint=endpoint, tls=False)
    source = AblySource(settings, inboxes, Surroundings(health, continuity, clock, timing, settings.rewind))
    async with asyncio.TaskGroup() as group:
        for inbox in inboxes.values():
            group.create_task(inbox.run_until(rig.stopping))
        group.create_task(until_stopped(rig.stopping, source.run))
        try:
            yield rig
        finally:
            rig.stopping.set()
