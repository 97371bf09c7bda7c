"""What is said of the outbox while it fills, and what health shows of it."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from event_broker.outbox_watch import OutboxWatch
from event_broker.relay_keeper import RelayKeeper
from event_queue.audit import AuditKind, AuditRecord, Cursor
from event_queue.components import ComponentState
from event_queue.errors import QueueUnavailable
from event_queue.outbox_relief import OutboxRelief
from event_queue.outbox_size import OutboxSize
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.records import RecordMaker

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Enough(Exception):
    """Ends the endless watch."""


class Looks:
    """An outbox that has these percentages of its budget, one a look, and the clock that counts the looks."""

    def __init__(self, *percentages: float | Exception) -> None:
        self._coming = list(percentages)
        self._now: float = 0
        self._fresh = True
        self._maker = RecordMaker()

    def now(self) -> datetime:
        """Always the same moment."""
        return NOW

    async def pause(self, seconds: float) -> None:
        """Go to the next look, or end."""
        del seconds
        self._fresh = True
        if not self._coming:
            raise Enough

    async def size(self) -> OutboxSize:
        """As told; half of the budget once records were taken out."""
        if self._fresh:
            coming = self._coming.pop(0)
            if isinstance(coming, Exception):
                raise coming
            self._now, self._fresh = coming, False
        return OutboxSize(records=int(self._now), bytes=int(self._now))

    async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        """One more record."""
        del after, limit, block
        return [self._maker.record(AuditKind.QUEUED, make_event())]

    async def take_out(self, through: str, marker: object) -> bool:
        """There is room again."""
        del through, marker
        self._now = 49
        return True


def watch_over(directory: Path, looks: Looks) -> tuple[OutboxWatch, Spill]:
    """A watch that has not looked yet."""
    untyped: Any = looks
    spill = Spill(directory, host="here")
    return OutboxWatch(OutboxRelief(untyped, spill, budget_bytes=100), untyped), spill


async def watched(directory: Path, looks: Looks) -> tuple[OutboxWatch, list[tuple[str, str]]]:
    """Look as often as there are looks; the watch, and level and name of what was logged."""
    watch, spill = watch_over(directory, looks)
    with capture_logs() as logs, pytest.raises(Enough), closing(spill):
        await watch.run()
    return watch, [(log["log_level"], log["event"]) for log in logs]


async def test_each_crossing_is_told_once_until_the_outbox_is_well(tmp_path: Path) -> None:
    """A level is told when it is first reached, and again only after the outbox was below a quarter."""
    looks = Looks(10, 30, 55, 60, 45, 60, 20, 55)

    _, logs = await watched(tmp_path / "spill", looks)

    assert logs == [
        ("warning", "outbox_filling"),
        ("info", "outbox_well_again"),
        ("warning", "outbox_filling"),
    ]


async def test_each_change_of_level_is_announced(tmp_path: Path) -> None:
    """Whoever posts the report hears of it at once, and of nothing between."""
    watch, spill = watch_over(tmp_path / "spill", Looks(10, 30, 31, 55, 80, 49, 10))
    levels: list[float] = []
    watch.changed = lambda: levels.append(watch.state.percent)

    with pytest.raises(Enough), closing(spill):
        await watch.run()

    assert levels == [10, 30, 55, 49, 49, 10]


async def test_a_relay_that_is_only_starting_tells_of_a_full_outbox(tmp_path: Path) -> None:
    """It may have been started in the middle of an outage."""
    looks: Any = Looks(60)
    watch, _ = await watched(tmp_path / "spill", looks)

    report = RelayKeeper(OutboxRelay(looks, looks, now=looks.now, pause=looks.pause), watch, looks).report()

    assert report.state is ComponentState.DEGRADED
    assert report.detail == "Starting. The outbox takes 60 % of its budget."


async def test_moving_records_to_disk_is_told(tmp_path: Path) -> None:
    """The alarm, and how many went; a second wave is no second alarm."""
    _, logs = await watched(tmp_path / "spill", Looks(80, 49, 80))

    assert logs == [("error", "outbox_nearly_full"), ("warning", "outbox_spilled"), ("warning", "outbox_spilled")]


async def test_a_disk_that_cannot_be_used_is_told_once_and_in_health(tmp_path: Path) -> None:
    """Records stay in Redis, and health says why; a Redis that is silent meanwhile changes nothing."""
    (tmp_path / "file").touch()
    looks: Any = Looks(80, 80, QueueUnavailable("away"))

    watch, logs = await watched(tmp_path / "file" / "spill", looks)
    report = RelayKeeper(OutboxRelay(looks, looks, now=looks.now, pause=looks.pause), watch, looks).report()

    assert logs == [("error", "outbox_nearly_full"), ("error", "outbox_not_spilled")]
    assert "cannot be used" in report.facts["spill_error"]
    assert (report.facts["outbox_bytes"], report.facts["budget_bytes"], report.facts["budget_percent"]) == (80, 100, 80)


async def test_an_outbox_that_fills_degrades_health(tmp_path: Path) -> None:
    """From a quarter of the budget on, with the share in words; carrying well is no excuse."""

    class Ends(Looks):
        """A relay's ends with nothing to carry."""

        async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
            del after, limit, block
            return ()

        async def cursor(self) -> Cursor:
            return Cursor("1-0")

        async def length(self) -> int:
            return 0

        async def spills(self) -> Sequence[str]:
            return ()

    ends: Any = Ends(30)
    watch, _ = await watched(tmp_path / "spill", ends)
    relay = OutboxRelay(ends, ends, now=ends.now, pause=ends.pause)
    await relay.carry(block=timedelta(milliseconds=1))

    report = RelayKeeper(relay, watch, ends).report()

    assert report.state is ComponentState.DEGRADED
    assert "takes 30 % of its budget" in report.detail
