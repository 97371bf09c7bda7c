"""Signals that wait for the queue outlive the process."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_router import ChannelRouter
from event_broker.errors import SpoolUnusable
from event_broker.safekeeping import KeptOnDisk
from event_broker.signal_spool import SignalSpool, SpoolFolder
from event_broker.testing.listening_rig import accounts_on
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.trigger import Trigger
from event_broker.until_stopped import end_task
from event_queue.progress import Progress
from service_runtime.clock import SystemClock

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CHANNEL = "growth/100 %"


def message(number: int, payload: object = None) -> Trigger:
    """A message published `number` seconds after the beginning, received a second later."""
    sent_at = NOW + timedelta(seconds=number)
    return Trigger(CHANNEL, f"m{number}", payload or {"number": number}, sent_at + timedelta(seconds=1), sent_at)


def files_in(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [path.name for path in folder.iterdir()]


@dataclass
class Life:
    """One process: an inbox with its file, and what it queued."""

    inbox: ChannelInbox
    safe: KeptOnDisk
    intake: RecordingIntake
    reached: list[Progress]

    @property
    def numbers(self) -> list[object]:
        """What was queued, in order."""
        return [event.data["number"] for event in self.intake.taken]


@asynccontextmanager
async def life(directory: Path, *, redis_is_up: bool) -> AsyncGenerator[Life]:
    """Live until the block ends, and then die without a word."""
    intake, reached = RecordingIntake(), list[Progress]()
    if not redis_is_up:
        intake.open.clear()
    spool = SignalSpool(directory, CHANNEL)
    safe = KeptOnDisk(CHANNEL, SystemClock(), moment_seconds=0)
    safe.begin(spool, spool.read())
    router = ChannelRouter(intake, accounts_on(DU1=CHANNEL), SystemClock(), retry_seconds=0.01)
    inbox = ChannelInbox(router, reached.append, safe)
    tasks = [asyncio.create_task(inbox.run_until(asyncio.Event())), asyncio.create_task(safe.run())]
    yield Life(inbox, safe, intake, reached)
    for task in tasks:
        await end_task(task)


async def test_what_waits_when_the_process_dies_is_queued_by_the_next_in_order(tmp_path: Path) -> None:
    """With what the history has besides, and before anything that comes later; progress goes on from there."""
    async with life(tmp_path, redis_is_up=False) as first:
        for number in (1, 3, 4):
            first.inbox.put(message(number))
        await first.safe.save()

    async with life(tmp_path, redis_is_up=True) as second:
        second.inbox.put(message(5))
        second.inbox.settle([message(1), message(2)], heard_until=NOW)
        await second.intake.wait_taken(5)
        await second.inbox.wait_empty()
        await second.safe.save()

    assert first.numbers == []
    assert second.numbers == [1, 2, 3, 4, 5]
    assert [progress.message_id for progress in second.reached] == ["m1", "m2", "m3", "m4", "m5", "m5"]
    assert files_in(tmp_path) == []


async def test_what_is_kept_back_for_the_history_is_kept_safe_too(tmp_path: Path) -> None:
    """And kept back by the next process too, which lets it go without progress when the history does not come."""
    async with life(tmp_path, redis_is_up=False) as first:
        first.inbox.hold()
        first.inbox.put(message(2))
        await first.safe.save()

    async with life(tmp_path, redis_is_up=True) as second:
        second.inbox.heard(NOW)
        held = second.inbox.backlog
        second.inbox.let_go()
        await second.intake.wait_taken(1)
        await second.inbox.wait_empty()

    assert held == 1
    assert second.numbers == [2]
    assert second.reached == []


async def test_what_is_on_disk_is_not_written_again_when_it_is_let_go(tmp_path: Path) -> None:
    """A message without an id would become two signals: nothing tells a second line from a second message."""
    nameless = replace(message(2), message_id=None)
    async with life(tmp_path, redis_is_up=False) as first:
        first.inbox.hold()
        first.inbox.put(nameless)
        await first.safe.save()
        first.inbox.let_go()
        await first.safe.save()

    assert SignalSpool(tmp_path, CHANNEL).read() == [nameless]


async def test_what_is_queued_is_forgotten(tmp_path: Path) -> None:
    """The file goes when all of it is queued; a third process finds nothing."""
    async with life(tmp_path, redis_is_up=False) as first:
        first.inbox.put(message(1))
        await first.safe.save()
        first.intake.open.set()
        await first.intake.wait_taken(1)
        await first.inbox.wait_empty()
        await first.safe.save()
    async with life(tmp_path, redis_is_up=True) as second:
        second.inbox.put(message(2))
        await second.intake.wait_taken(1)

    assert second.numbers == [2]


async def test_the_file_goes_although_the_history_tells_its_messages_too(tmp_path: Path) -> None:
    """Of two copies one is queued, and the other one waits for nothing more."""
    async with life(tmp_path, redis_is_up=False) as first:
        first.inbox.hold()
        first.inbox.put(message(2))
        await first.safe.save()
        first.intake.open.set()
        first.inbox.settle([message(1), message(2)], heard_until=NOW)
        await first.inbox.wait_empty()
        await first.safe.save()

    assert first.numbers == [1, 2]
    assert files_in(tmp_path) == []


async def test_a_message_that_is_queued_at_once_never_touches_the_disk(tmp_path: Path) -> None:
    """The usual case costs nothing."""
    async with life(tmp_path, redis_is_up=True) as only:
        only.inbox.put(message(1))
        await only.inbox.wait_empty()
        await only.safe.save()

    assert files_in(tmp_path) == []


async def test_a_disk_that_cannot_be_written_is_told_once_and_loses_nothing(tmp_path: Path) -> None:
    """The messages wait in memory, and are put on disk when it works again."""
    away = tmp_path / "away"
    with capture_logs() as lines:
        async with life(away, redis_is_up=False) as first:
            first.inbox.put(message(1))
            await first.safe.save()
            await first.safe.save()
            away.mkdir()
            await first.safe.save()
    async with life(away, redis_is_up=True) as second:
        second.inbox.let_go()
        await second.intake.wait_taken(1)

    told = [line["event"] for line in lines]
    assert told.count("signals_not_on_disk") == 1
    assert "signals_put_on_disk" in told
    assert second.numbers == [1]


FULL_DISK = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from event_broker.errors import SpoolUnusable
from event_broker.signal_spool import SignalSpool
from event_broker.trigger import Trigger

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool, waiting, failed = SignalSpool(Path(sys.argv[1]), "growth"), [], 0
for number in range(30):
    room = int(sys.argv[2]) if 5 <= number < 25 else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    waiting.append(Trigger("growth", f"m{number}", {"exec": "rebalance"}, datetime(2026, 3, 2, tzinfo=UTC), None))
    try:
        spool.append(waiting)
    except SpoolUnusable:
        failed += 1
    else:
        waiting = []
print(failed, len(waiting))
"""


@pytest.mark.parametrize("room", [0, 900, 1000, 1100])
def test_a_full_disk_keeps_what_is_on_it_and_takes_the_rest_when_there_is_room(tmp_path: Path, room: int) -> None:
    """A line that broke off where the disk ended costs no message: those that were refused are all written again."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(room)]

    run = subprocess.run(command, check=True, capture_output=True, text=True)

    failed, waiting = (int(word) for word in run.stdout.split())
    kept = [each.message_id for each in SignalSpool(tmp_path, "growth").read()]
    assert failed >= 15
    assert waiting == 0
    assert list(dict.fromkeys(kept)) == [f"m{number}" for number in range(30)]


class SlowSpool(SignalSpool):
    """A file on a disk that takes as long as the test wants."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, CHANNEL)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def append(self, triggers: Iterable[Trigger]) -> None:
        """Wait, then add them."""
        self.begun.set()
        self.go_on.wait(20)
        super().append(triggers)


async def test_a_stop_while_the_disk_is_slow_writes_nothing_twice(tmp_path: Path) -> None:
    """The saving that was under way is waited for, and the last one finds nothing left to do."""
    spool = SlowSpool(tmp_path)
    safe = KeptOnDisk(CHANNEL, SystemClock(), moment_seconds=0)
    safe.begin(spool, [])
    safe.waits(replace(message(1), message_id=None))
    running = asyncio.create_task(safe.run())
    await asyncio.to_thread(spool.begun.wait, 20)

    running.cancel()
    asyncio.get_running_loop().call_soon(spool.go_on.set)
    await asyncio.wait({running})
    await safe.save()

    assert running.cancelled()
    assert spool.read() == [replace(message(1), message_id=None)]


def test_a_link_in_the_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    """Whoever can make one must not choose what is traded on."""
    real = SignalSpool(tmp_path, CHANNEL)
    real.append([message(1)])
    [file] = tmp_path.iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SpoolUnusable):
        real.read()


@pytest.mark.parametrize("payload", [{"exec": "rebalance", "ö": [1, 2.5, None]}, "text", b"\x00\xff", [1], 7, "\ud800"])
def test_every_payload_comes_back_as_it_was(tmp_path: Path, payload: object) -> None:
    """Objects, text, bytes, and what is refused later."""
    spool = SignalSpool(tmp_path, CHANNEL)
    spool.append([message(1, payload)])

    assert spool.read() == [message(1, payload)]


def test_a_message_without_id_time_and_payload_comes_back(tmp_path: Path) -> None:
    """Nothing of it is needed."""
    bare = Trigger(CHANNEL, None, None, NOW)
    spool = SignalSpool(tmp_path, CHANNEL)
    spool.append([bare])

    assert spool.read() == [bare]


def test_moments_of_the_hour_that_comes_twice_are_told_apart(tmp_path: Path) -> None:
    """When clocks are put back for the winter, whoever stamps messages by the local time of New York."""
    twice = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    first, second = (replace(message(1), received_at=twice.replace(fold=fold)) for fold in (0, 1))
    spool = SignalSpool(tmp_path, CHANNEL)
    spool.append([first, second])

    assert [each.received_at.astimezone(UTC).hour for each in spool.read()] == [5, 6]


def test_what_json_cannot_hold_never_trades(tmp_path: Path) -> None:
    """It is described instead."""
    spool = SignalSpool(tmp_path, CHANNEL)
    spool.append([message(1, {"exec": "rebalance", "odd": {1, 2}})])

    assert spool.read() == [message(1, {"undecoded": "dict"})]


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_a_line_cut_short_by_a_crash_costs_only_itself(tmp_path: Path, cut: int) -> None:
    """What was written before and what is written after are both there."""
    spool = SignalSpool(tmp_path, CHANNEL)
    spool.append([message(1), message(2)])
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-cut])
    spool.append([message(3)])

    assert [each.message_id for each in spool.read()] in (["m1", "m3"], ["m1", "m2", "m3"])


def test_nothing_is_kept_of_another_channel(tmp_path: Path) -> None:
    """A line that names another one is not this channel's."""
    other = replace(message(1), channel="other")
    spool = SignalSpool(tmp_path, CHANNEL)
    spool.append([other])

    assert spool.read() == []


def test_nothing_is_kept_of_another_application(tmp_path: Path) -> None:
    """What was signalled in a simulated world never trades in the real one, though channels have the same names."""
    folder = SpoolFolder.open(tmp_path, "sandbox")
    folder.spool(CHANNEL).append([message(1)])
    folder.close()

    assert SpoolFolder.open(tmp_path, "sandbox").spool(CHANNEL).read() == [message(1)]
    assert SignalSpool(tmp_path, CHANNEL, application="real").read() == []


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    """Nothing is written elsewhere."""
    spool, elsewhere = SignalSpool(tmp_path, CHANNEL), tmp_path / "elsewhere"
    spool.append([message(1)])
    [file] = tmp_path.iterdir()
    file.unlink()
    file.symlink_to(elsewhere)

    with pytest.raises(SpoolUnusable):
        spool.append([message(2)])
    assert not elsewhere.exists()


def test_one_process_at_a_time_uses_the_folder(tmp_path: Path) -> None:
    """Two would queue and forget each other's signals."""
    first = SpoolFolder.open(tmp_path / "spool", "app")
    with pytest.raises(SpoolUnusable):
        SpoolFolder.open(tmp_path / "spool", "app")
    first.close()

    SpoolFolder.open(tmp_path / "spool", "app").close()


def test_a_fresh_folder_is_on_disk_before_anything_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that lists a new one is synced: a power failure would take the whole branch."""
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    SpoolFolder.open(tmp_path / "data" / "spool", "app").close()
    fresh = list(synced)
    SpoolFolder.open(tmp_path / "data" / "spool", "app").close()

    assert fresh == [str(tmp_path / "data"), str(tmp_path)]
    assert synced == fresh
