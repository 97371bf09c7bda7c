"""Spilled records on disk: safe on return, in order, once, whatever the disk or the process does in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from event_queue.audit import AuditKind, AuditRecord
from event_queue.errors import HistoryDiverged, SpillDamaged, SpillUnavailable
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.records import RecordMaker


@pytest.fixture
def records() -> Sequence[AuditRecord]:
    """Thirty records of one Redis."""
    maker = RecordMaker()
    return [maker.record(AuditKind.QUEUED, make_event(f"DU☃{number}")) for number in range(30)]


@pytest.fixture
def open_spill(tmp_path: Path) -> Iterator[Callable[..., Spill]]:
    """Opens the spill of one directory, again and again, as one process after another."""
    opened: list[Spill] = []

    def open_again(**options: Any) -> Spill:
        for spill in opened:
            spill.close()
        opened.append(Spill(tmp_path / "spill", host="here", **options))
        opened[-1].open()
        return opened[-1]

    yield open_again
    for spill in opened:
        spill.close()


def drained(spill: Spill, batch: int = 7) -> list[AuditRecord]:
    """Everything in the spill, released as it is read."""
    taken: list[AuditRecord] = []
    while found := spill.read(batch):
        taken.extend(found)
        spill.release()
    return taken


def test_what_was_put_in_comes_out_unchanged_and_leaves_no_file(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord]
) -> None:
    """Across several files, in order; the last release leaves the directory without segments."""
    spill = open_spill(segment_bytes=2000)
    for start in range(0, 30, 5):
        spill.append(records[start : start + 5])
    held, files = spill.records, len(list(spill.directory.glob("0*")))

    assert drained(spill) == list(records)

    assert held == 30
    assert files > 2
    assert spill.records == 0
    assert list(spill.directory.glob("0*")) == []


def test_reading_gives_the_same_again_until_it_is_released(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord]
) -> None:
    """A batch that PostgreSQL did not take comes again."""
    spill = open_spill()
    spill.append(records)

    first, second = spill.read(10), spill.read(10)
    spill.release()

    assert first == second == list(records[:10])
    assert spill.read(5) == list(records[10:15])
    assert spill.records == 20


def test_the_next_process_goes_on_with_all_that_was_not_removed(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord]
) -> None:
    """Records of a file that was read in part are given again; the file's identity stays."""
    spill = open_spill()
    marker = spill.append(records[:20])
    spill.read(10)
    spill.release()

    heir = open_spill()
    later = heir.append(records[20:])

    assert heir.oldest_at == records[0].recorded_at
    assert (marker.spill_id, marker.first, marker.last) == (later.spill_id, 1, 20)
    assert (later.first, later.last) == (1, 30)
    assert drained(heir) == list(records)


@pytest.mark.parametrize("lost", [1, 9, 10, 150, 400])
def test_a_torn_end_costs_only_what_was_not_yet_safe(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord], lost: int
) -> None:
    """A file cut at any byte gives every whole record before the cut, and can be added to."""
    spill = open_spill()
    spill.append(records[:10])
    (path,) = spill.directory.glob("*.open")
    whole = path.read_bytes()
    spill.close()
    (sealed,) = spill.directory.glob("*.jsonl")
    sealed.unlink()
    path.write_bytes(whole[:-lost])
    kept = whole[:-lost].count(b"\n") - 1

    heir = open_spill()
    heir.append(records[kept:])

    assert drained(heir) == list(records)


def test_rubbish_behind_the_last_whole_record_is_left_out(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord]
) -> None:
    """Power failures leave blocks of zeros, and whole lines behind them; neither was promised to anybody."""
    spill = open_spill()
    spill.append(records[:6])
    (path,) = spill.directory.glob("*.open")
    lines = path.read_bytes().splitlines(keepends=True)
    spill.close()
    next(spill.directory.glob("*.jsonl")).unlink()
    path.write_bytes(b"".join(lines[:4]) + b"\0" * 512 + b"".join(lines[4:]))

    assert drained(open_spill()) == list(records[:3])


def test_a_damaged_file_is_named_and_nothing_is_left_out(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord]
) -> None:
    """One changed byte in a finished file stops the reading before it."""
    spill = open_spill()
    spill.append(records)
    spill.close()
    (path,) = spill.directory.glob("*.jsonl")
    content = bytearray(path.read_bytes())
    content[content.index(b'"n":12') + 5] ^= 1
    path.write_bytes(content)

    heir = open_spill()
    before = heir.read(11)
    heir.release()

    assert before == list(records[:11])
    with pytest.raises(SpillDamaged, match=path.name):
        heir.read(5)


def test_one_directory_belongs_to_one_process(
    open_spill: Callable[..., Spill], records: Sequence[AuditRecord], tmp_path: Path
) -> None:
    """A second one is told so and changes nothing; when the first has gone it may."""
    first = open_spill()
    first.append(records[:3])
    second = Spill(tmp_path / "spill", host="there")

    with pytest.raises(SpillUnavailable, match="another process"):
        second.append(records[3:])
    first.close()
    second.open()

    assert drained(second) == list(records[:3])
    second.close()


def test_what_is_here_already_is_recognised(open_spill: Callable[..., Spill], records: Sequence[AuditRecord]) -> None:
    """A crash between disk and Redis makes the same records come again; they are kept once."""
    spill = open_spill()
    spill.append(records[:10])

    spill.append(records[5:15])

    assert spill.records == 15
    assert drained(spill) == list(records[:15])


def test_records_of_another_past_are_refused(open_spill: Callable[..., Spill], records: Sequence[AuditRecord]) -> None:
    """A Redis that went back in time gives known counters under new ids."""
    spill = open_spill()
    spill.append(records[:10])
    other = RecordMaker(start=records[-1].recorded_at)

    with pytest.raises(HistoryDiverged):
        spill.append([other.record(AuditKind.QUEUED, make_event())])


def test_a_directory_that_cannot_be_made_is_told(records: Sequence[AuditRecord], tmp_path: Path) -> None:
    """Nothing is taken in, so the caller keeps its records."""
    (tmp_path / "file").write_text("in the way")
    spill = Spill(tmp_path / "file" / "spill", host="here")

    with pytest.raises(SpillUnavailable, match="cannot be used"):
        spill.append(records)

    assert (spill.records, spill.is_open) == (0, False)


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    """A system whose PostgreSQL never goes away has no such directory."""
    spill = Spill(tmp_path / "spill", host="here")

    assert not spill.exists
    assert spill.records == 0


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from event_queue.audit import AuditKind
from event_queue.errors import SpillUnavailable
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.records import RecordMaker

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
maker, safe, failed = RecordMaker(), 0, 0
spill = Spill(Path(sys.argv[1]), host="here")
for number in range(120):
    room = int(sys.argv[2]) if 50 <= number < 80 else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    maker.record(AuditKind.QUEUED, make_event("DU1"))
    try:
        spill.append(maker.made[safe:])
    except SpillUnavailable:
        failed += 1
    else:
        safe = len(maker.made)
print(safe, failed, spill.records)
"""


@pytest.mark.parametrize("room", [0, 50, 700])
def test_a_full_disk_refuses_whole_batches_and_heals(tmp_path: Path, room: int) -> None:
    """While files cannot grow every batch is refused and nothing kept twice; with room again all go in."""
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "spill"), str(room)],
        check=True,
        capture_output=True,
        text=True,
    )
    safe, failed, held = (int(word) for word in run.stdout.split())
    spill = Spill(tmp_path / "spill", host="here")
    spill.open()

    counters = [record.counter for record in drained(spill)]

    spill.close()
    assert failed > 10
    assert held == safe == 120
    assert counters == list(range(1, 121))


KILLED = """
import sys
from pathlib import Path
from event_queue.audit import AuditKind
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.records import RecordMaker

maker = RecordMaker()
spill = Spill(Path(sys.argv[1]), host="here", segment_bytes=4000)
while True:
    spill.append([maker.record(AuditKind.QUEUED, make_event("DU1")) for _ in range(3)])
    print(len(maker.made), flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 23, 40])
def test_whatever_was_told_safe_outlives_a_kill(tmp_path: Path, after: int) -> None:
    """A process killed while it spills leaves at least all that it had been told was safe, without a gap."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "spill")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout if line.endswith("\n")]
    spill = Spill(tmp_path / "spill", host="here")
    spill.open()

    counters = [record.counter for record in drained(spill)]

    spill.close()
    assert counters == list(range(1, len(counters) + 1))
    assert len(counters) >= max(told)
