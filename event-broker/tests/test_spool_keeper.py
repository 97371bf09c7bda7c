"""The folder of waiting signals is taken as soon as it can be, and what an earlier process left there is not lost."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from event_broker.errors import SpoolUnusable
from event_broker.signal_spool import SignalSpool, SpoolFolder
from event_broker.spool_keeper import OpenFolder, SpoolKeeper
from event_broker.testing.listening_rig import ListeningRig, accounts_on, listening
from event_broker.testing.memory_progress import MemoryProgress
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.trigger import Trigger
from event_queue.components import ComponentReport, ComponentState
from event_queue.progress import Progress
from sandbox.ably import AblyServer, AblySpec, KeySpec
from service_runtime.clock import SystemClock

CHANNEL = "growth"
KEY = "app.main:secret-1"


class BrokenSpool(SignalSpool):
    """A file that is there and cannot be read."""

    def read(self) -> list[Trigger]:
        """Fail as a broken disk does."""
        raise SpoolUnusable(Path("spool"), OSError(5, "Input/output error"))


class BrokenFolder(SpoolFolder):
    """A folder on a disk that is broken at first."""

    is_broken = True

    def spool(self, channel: str) -> SignalSpool:
        """The file of one channel."""
        return BrokenSpool(self._directory, channel) if self.is_broken else super().spool(channel)


@pytest.fixture
async def ably() -> AsyncIterator[AblyServer]:
    """An Ably that keeps messages for a day."""
    async with AblyServer(AblySpec(keys=(KeySpec(key=KEY),), persisted={CHANNEL: 86_400})) as server:
        yield server


def message(number: int, *, minutes_ago: float) -> Trigger:
    """A message of the past."""
    sent_at = SystemClock().now().replace(microsecond=0) - timedelta(minutes=minutes_ago)
    return Trigger(CHANNEL, f"m{number}", {"number": number}, sent_at, sent_at)


def files_in(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [path.name for path in folder.iterdir()]


def numbers(intake: RecordingIntake) -> list[object]:
    """What was taken in, in order."""
    return [event.data["number"] for event in intake.taken]


def last_offered(intake: RecordingIntake) -> str | None:
    """The id of the message that was offered last."""
    message = intake.offers[-1].message
    return message.message_id if message else None


def listen(
    ably: AblyServer, open_spool: OpenFolder, *, intake: RecordingIntake, store: MemoryProgress | None = None
) -> AbstractAsyncContextManager[ListeningRig]:
    """One life of the service."""
    accounts = accounts_on(DU1=CHANNEL)
    return listening(accounts, endpoint=ably.endpoint, key=KEY, intake=intake, store=store, open_spool=open_spool)


def is_on_disk(report: ComponentReport) -> bool:
    """Whether signals that wait are on disk."""
    return report.facts["spool_error"] is None


async def test_what_the_earlier_process_saved_last_is_found_by_the_one_that_runs_already(
    ably: AblyServer, tmp_path: Path
) -> None:
    """It has it in its memory alone meanwhile, and says so; then all goes by its time, once, and the file goes."""
    earlier = SpoolFolder.open(tmp_path, "app")
    intake = RecordingIntake()
    store = MemoryProgress({CHANNEL: Progress(SystemClock().now() - timedelta(hours=1))})
    store.open.clear()
    intake.open.clear()
    open_spool = partial(SpoolFolder.open, tmp_path, "app")

    with capture_logs() as logs:
        async with listen(ably, open_spool, intake=intake, store=store) as rig:
            waiting = await rig.wait_attached()
            ably.publish(CHANNEL, {"number": 3})
            earlier.spool(CHANNEL).append([message(1, minutes_ago=9), message(2, minutes_ago=8)])
            earlier.close()
            after = await rig.wait_health(is_on_disk)
            intake.open.set()
            store.open.set()
            await intake.wait_taken(3)
            await store.wait_until(lambda stored: stored[CHANNEL].message_id == last_offered(intake))

    assert numbers(intake) == [1, 2, 3]
    assert waiting.state is ComponentState.DEGRADED
    assert "in memory alone" in waiting.detail
    assert "another process uses it" in waiting.facts["spool_error"]
    assert "in memory alone" not in after.detail
    assert files_in(tmp_path) == [".lock"]
    told = [log["event"] for log in logs]
    assert [told.count(name) for name in ("signals_not_on_disk", "signals_kept_on_disk")] == [1, 1]


async def test_what_waits_in_memory_goes_to_disk_when_the_folder_is_free(tmp_path: Path) -> None:
    """Whether it becomes free while the service runs or just before it ends; what is queued meanwhile does not."""
    earlier = SpoolFolder.open(tmp_path, "app")
    keeper = SpoolKeeper(partial(SpoolFolder.open, tmp_path, "app"), [CHANNEL], SystemClock())
    keeper.begin()
    queued, waiting = message(1, minutes_ago=2), message(2, minutes_ago=1)
    for each in (queued, waiting):
        keeper.safes[CHANNEL].waits(each)
    keeper.safes[CHANNEL].ended(queued)
    await keeper.save()
    without = files_in(tmp_path)
    earlier.close()

    await keeper.save()
    keeper.close()

    assert without == [".lock"]
    assert keeper.trouble is None
    assert SpoolFolder.open(tmp_path, "app").spool(CHANNEL).read() == [waiting]


async def test_a_file_that_cannot_be_read_is_neither_added_to_nor_forgotten_until_it_can(tmp_path: Path) -> None:
    """What lies in it outlives all that came since; it is told once, and found when the disk is well again."""
    folder = BrokenFolder.open(tmp_path, "app")
    SignalSpool(tmp_path, CHANNEL, application="app").append([left := message(1, minutes_ago=2)])
    keeper = SpoolKeeper(lambda: folder, [CHANNEL], SystemClock(), retry_seconds=0.01)
    found: list[str] = []
    keeper.on_left = found.append
    safe = keeper.safes[CHANNEL]

    with capture_logs() as logs:
        keeper.begin()
        safe.waits(later := message(2, minutes_ago=1))
        await keeper.save()
        safe.ended(later)
        await keeper.save()
        unread = (safe.kept(), keeper.trouble, list(found))
        folder.is_broken = False
        await keeper.run()
    kept = safe.kept()
    folder.close()

    assert unread == ([], "spool: Input/output error", [])
    assert (kept, keeper.trouble, found) == ([left], None, [CHANNEL])
    assert [log["event"] for log in logs] == ["signals_not_on_disk", "signals_found_on_disk", "signals_kept_on_disk"]
    assert SpoolFolder.open(tmp_path, "app").spool(CHANNEL).read() == [left]


async def test_a_disk_that_refuses_what_waits_is_trouble_until_it_takes_it(tmp_path: Path) -> None:
    """The folder went away under the service."""
    away = tmp_path / "away"
    keeper = SpoolKeeper(partial(SpoolFolder.open, away, "app"), [CHANNEL], SystemClock())
    keeper.begin()
    away.rename(tmp_path / "elsewhere")
    keeper.safes[CHANNEL].waits(message(1, minutes_ago=1))
    await keeper.save()
    before = keeper.trouble
    (tmp_path / "elsewhere").rename(away)
    await keeper.save()
    keeper.close()

    assert before is not None
    assert before.endswith("No such file or directory")
    assert keeper.trouble is None
