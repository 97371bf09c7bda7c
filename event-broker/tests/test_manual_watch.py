"""From a file in the folder to an event, or to `failed/`."""

import json
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from event_broker.manual_folder import ManualFolder
from event_broker.testing.manual_rig import watch_over
from event_broker.testing.recording_intake import RecordingIntake
from event_queue.components import ComponentState
from event_queue.errors import QueueUnavailable
from event_queue.events import Command
from event_queue.outcomes import Duplicate
from service_runtime.clock import SystemClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The watched folder."""
    directory = tmp_path / "data" / "manual-rebalance"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def intake() -> RecordingIntake:
    """An empty intake."""
    return RecordingIntake()


class LaterClock(SystemClock):
    """A clock that is ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        """The later time."""
        return super().now() + self._ahead


def put(folder: Path, name: str = "one.json", **fields: Any) -> Path:
    """Leave a document."""
    path = folder / name
    path.write_text(json.dumps({"account_id": "DU1"} | fields), encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def reason(folder: Path, name: str = "one.json") -> str:
    """Why a file was refused."""
    return (folder / "failed" / f"{name}.reason").read_text(encoding="utf-8")


async def test_a_file_becomes_an_event_and_is_gone(folder: Path, intake: RecordingIntake) -> None:
    """The document is the event's data, its source is `file`, and health names the file."""
    watch, health = watch_over(folder, intake)
    put(folder, exec="rebalance", source="manual")

    await watch.look()

    [event] = intake.taken
    assert (event.account_id, event.exec_command, event.source) == ("DU1", Command.REBALANCE, "file")
    assert event.data == {"account_id": "DU1", "exec": "rebalance", "source": "manual"}
    assert names(folder) == []
    report = health.report()
    assert (report.name, report.state) == ("manual_files", ComponentState.OK)
    assert report.facts["last_file"]["name"] == "one.json"
    assert report.facts["last_file"]["outcome"] == "queued"
    assert (report.facts["failed"], report.facts["waiting"]) == (0, 0)


async def test_the_folder_is_made(tmp_path: Path, intake: RecordingIntake) -> None:
    """The first look creates it."""
    watch, health = watch_over(tmp_path / "a" / "b", intake)

    await watch.look()

    assert (tmp_path / "a" / "b").is_dir()
    assert health.report().state is ComponentState.OK


async def test_files_are_taken_in_the_order_of_their_writing(folder: Path, intake: RecordingIntake) -> None:
    """Oldest first, whatever they are called."""
    now = SystemClock().now().timestamp()
    for age, name in enumerate(["a.json", "c.json", "b.json"]):
        os.utime(put(folder, name, source=name), (now - age, now - age))
    watch, _ = watch_over(folder, intake)

    await watch.look()

    assert [event.data["source"] for event in intake.taken] == ["b.json", "c.json", "a.json"]


async def test_a_duplicate_is_set_aside_naming_its_twin(folder: Path, intake: RecordingIntake) -> None:
    """Only one event of an account and command at a time."""
    twin = uuid4()
    intake.answer = lambda _: Duplicate(twin)
    watch, health = watch_over(folder, intake)
    put(folder)

    await watch.look()

    assert str(twin) in reason(folder)
    assert (folder / "failed" / "one.json").is_file()
    assert health.report().facts["failed"] == 1
    assert "1 refused files" in health.report().detail


async def test_a_bad_file_is_set_aside_once_and_never_overwrites_another(folder: Path, intake: RecordingIntake) -> None:
    """A second file of the same name gets a place of its own."""
    watch, _ = watch_over(folder, intake)
    for account in ("DU8", "DU9"):
        put(folder, account_id=account)
        await watch.look()

    assert intake.offers == []
    assert "DU8" in reason(folder)
    assert "DU9" in reason(folder, "one.json.2")


async def test_a_half_written_file_is_left_until_it_is_whole(folder: Path, intake: RecordingIntake) -> None:
    """Half a document, or none, is not judged while its writer may still be at it."""
    watch, health = watch_over(folder, intake, settle_seconds=60)
    path = folder / "one.json"
    for text in ("", '{"account_id": "DU1"'):
        path.write_text(text, encoding="utf-8")
        await watch.look()
    waiting = health.report().facts["waiting"]
    put(folder)
    await watch.look()

    assert waiting == 1
    assert len(intake.taken) == 1
    assert names(folder) == []


async def test_a_half_written_file_that_stays_so_is_set_aside(folder: Path, intake: RecordingIntake) -> None:
    """After the time its writer is given, the reason says what is wrong."""
    watch, _ = watch_over(folder, intake, settle_seconds=0)
    (folder / "one.json").write_text('{"account_id"', encoding="utf-8")

    await watch.look()

    assert "breaks off" in reason(folder)
    assert intake.offers == []


async def test_a_slow_writer_gets_longer_than_a_wrong_document(folder: Path, intake: RecordingIntake) -> None:
    """What only breaks off waits on; what no writer could put right goes."""
    watch, _ = watch_over(folder, intake, settle_seconds=0, broken_off_seconds=60)
    (folder / "slow.json").write_text('{"account_id": "DU1", "exec": "reb', encoding="utf-8")
    (folder / "empty.json").touch()
    (folder / "wrong.json").write_text('{"account_id": DU1', encoding="utf-8")

    await watch.look()

    assert names(folder) == ["empty.json", "failed", "slow.json"]
    assert "is not JSON" in reason(folder, "wrong.json")


async def test_a_writer_that_appends_and_one_that_starts_again_are_waited_for(
    folder: Path, intake: RecordingIntake
) -> None:
    """After each of their steps the time begins anew; at the end both files are taken in."""
    watch, health = watch_over(folder, intake, settle_seconds=60)
    first, second = json.dumps({"account_id": "DU1"}), json.dumps({"account_id": "DU2"})
    for end in range(len(first)):
        with (folder / "appended.json").open("a") as file:
            file.write(first[end])
        (folder / "rewritten.json").write_text(second[: end + 1], encoding="utf-8")
        await watch.look()

    assert sorted(event.account_id for event in intake.taken) == ["DU1", "DU2"]
    assert health.report().facts["failed"] == 0
    assert names(folder) == []


@pytest.mark.parametrize("name", [".one.json", "one.json.tmp", "one.json~", ".one.json.swp", "one.part"])
async def test_names_of_unfinished_files_are_left_alone(folder: Path, intake: RecordingIntake, name: str) -> None:
    """They belong to their writers."""
    watch, _ = watch_over(folder, intake)
    put(folder, name)

    await watch.look()

    assert names(folder) == [name]
    assert intake.offers == []


def _link(path: Path) -> None:
    target = path.parent.parent / "elsewhere.json"
    target.write_text('{"account_id": "DU1", "exec": "rebalance"}', encoding="utf-8")
    path.symlink_to(target)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _hard_link(path: Path) -> None:
    target = path.parent.parent / "elsewhere.json"
    target.write_text('{"account_id": "DU1", "exec": "rebalance"}', encoding="utf-8")
    path.hardlink_to(target)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, TemporaryDirectory() as short:
        listener.bind(f"{short}/s")  # the path of a socket has to be short
        Path(short, "s").rename(path)


def _huge(path: Path) -> None:
    path.write_bytes(b'{"account_id": "DU1", "note": "' + b"x" * 65536 + b'"}')


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "symbolic link"),
        (_dangling, "symbolic link"),
        (_hard_link, "hard link"),
        (os.mkdir, "a directory"),
        (os.mkfifo, "named pipe"),
        (_socket, "not a plain file"),
        (_huge, "larger than 65536 bytes"),
    ],
    ids=["link", "dangling", "hard link", "directory", "pipe", "socket", "huge"],
)
async def test_what_is_no_small_plain_file_is_refused_unread(
    folder: Path, intake: RecordingIntake, make: Callable[[Path], None], words: str
) -> None:
    """It is moved away, never followed, opened or waited for."""
    watch, _ = watch_over(folder, intake)
    make(folder / "one.json")

    await watch.look()

    assert words in reason(folder)
    assert names(folder / "failed") == ["one.json", "one.json.reason"]
    assert intake.offers == []
    elsewhere = folder.parent / "elsewhere.json"
    assert not elsewhere.exists() or "rebalance" in elsewhere.read_text(encoding="utf-8")


async def test_a_file_without_the_right_ending_is_refused(folder: Path, intake: RecordingIntake) -> None:
    """Nobody waits for a file that is never looked at."""
    watch, _ = watch_over(folder, intake)
    put(folder, "one.txt")

    await watch.look()

    assert "ends in .json" in reason(folder, "one.txt")


@pytest.mark.parametrize(
    "name", ["a\nb\x1b[31m.json", "\udcff.json", "\N{RIGHT-TO-LEFT OVERRIDE}.json", "x" * 250 + ".json"]
)
async def test_odd_names_are_shown_safely(folder: Path, intake: RecordingIntake, name: str) -> None:
    """Whatever a file is called, the log and the names in `failed/` hold plain characters only."""
    watch, health = watch_over(folder, intake)
    put(folder, name, account_id="DU8")

    with capture_logs() as logs:
        await watch.look()

    [refused] = [log for log in logs if log["event"] == "file_refused"]
    assert refused["file"].isascii()
    assert refused["file"].isprintable()
    assert len(refused["file"]) <= 150
    assert all(path.name.isascii() and path.name.isprintable() for path in (folder / "failed").iterdir())
    assert len(list((folder / "failed").iterdir())) == 2
    assert health.report().facts["last_file"]["name"].isprintable()


@pytest.mark.parametrize(("age", "words"), [(timedelta(hours=49), "48 hours ago"), (-timedelta(hours=2), "future")])
async def test_a_file_of_another_time_is_refused(
    folder: Path, intake: RecordingIntake, age: timedelta, words: str
) -> None:
    """What the queue may have forgotten again is not acted upon."""
    watch, _ = watch_over(folder, intake)
    then = (SystemClock().now() - age).timestamp()
    os.utime(put(folder, exec="rebalance"), (then, then))

    await watch.look()

    assert words in reason(folder)
    assert intake.offers == []


async def test_the_refusal_of_an_old_file_names_the_event_that_it_may_have_become(
    folder: Path, intake: RecordingIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was queued and could not be deleted; the next process, days later, invites nobody to queue it again."""

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(1, "not allowed", str(path), missing_ok)

    put(folder, exec="rebalance")
    first, _ = watch_over(folder, intake)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        await first.look()
    second, _ = watch_over(folder, intake, clock=LaterClock(timedelta(hours=49)))
    await second.look()

    [event] = intake.taken
    assert f"may have run since, as event {event.event_id}" in reason(folder)
    assert "look at the events of account DU1 before it is tried again" in reason(folder)


async def test_an_old_file_that_was_taken_in_is_deleted_quietly(folder: Path, intake: RecordingIntake) -> None:
    """The process died before it could, and the next one came days later: there is nothing for anybody to look at."""
    then = (SystemClock().now() - timedelta(days=5)).timestamp()
    for name in ("one.json", "two.json"):
        os.utime(put(folder, name), (then, then))
    known = ManualFolder(folder).entries()[0]
    event_id = known.event_id((folder / known.name).read_bytes())

    async def was_taken_in(asked: UUID) -> bool:
        return asked == event_id

    watch, health = watch_over(folder, intake, was_taken_in=was_taken_in)
    await watch.look()

    assert known.name == "one.json"
    assert names(folder / "failed") == ["two.json", "two.json.reason"]
    assert names(folder) == ["failed"]
    assert intake.offers == []
    assert health.report().facts["failed"] == 1


async def test_while_redis_is_away_files_stay(folder: Path, intake: RecordingIntake) -> None:
    """They are told to wait, once in the log, and are taken in when it is back, the same events as before."""
    watch, health = watch_over(folder, intake)
    put(folder)
    put(folder, "two.json", account_id="DU2")
    intake.refuse = lambda _: QueueUnavailable("gone")

    with capture_logs() as logs:
        await watch.look()
        await watch.look()
    waiting = health.report()
    intake.refuse = lambda _: None
    await watch.look()

    assert [log["event"] for log in logs] == ["intake_refused"]
    assert waiting.state is ComponentState.DEGRADED
    assert "2 trigger files stay where they are" in waiting.detail
    assert len(intake.offers) == 4, "after the first refusal of a look no other file is tried"
    assert {event.account_id for event in intake.taken} == {"DU1", "DU2"}
    assert len({offer.event.event_id for offer in intake.offers if offer.event.account_id == "DU1"}) == 1


async def test_a_file_that_cannot_be_deleted_is_queued_once(
    folder: Path, intake: RecordingIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and not offered again until it is another file."""

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(1, "not allowed", str(path), missing_ok)

    watch, health = watch_over(folder, intake)
    put(folder)
    monkeypatch.setattr(Path, "unlink", refuse)

    with capture_logs() as logs:
        await watch.look()
        await watch.look()

    assert len(intake.offers) == 1
    assert [log["event"] for log in logs] == ["event_queued", "folder_unusable"]
    assert health.report().state is ComponentState.DEGRADED
    assert "1 trigger files cannot be deleted" in health.report().detail


async def test_a_file_that_may_be_deleted_at_last_is_not_queued_again(
    folder: Path, intake: RecordingIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts its owner or mode right makes it another file to the system, and the same one to us."""

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(1, "not allowed", str(path), missing_ok)

    watch, health = watch_over(folder, intake)
    path = put(folder, exec="rebalance")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        await watch.look()

    path.chmod(0o600)
    await watch.look()
    put(folder, exec="rebalance")
    await watch.look()

    assert len(intake.offers) == 2, "the file, and the one that was put there afterwards"
    assert names(folder) == []
    assert health.report().state is ComponentState.OK


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, intake: RecordingIntake) -> None:
    """The report says what is wrong, and the log once."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    watch, health = watch_over(tmp_path / "file" / "folder", intake)

    with capture_logs() as logs:
        await watch.look()
        await watch.look()

    assert [log["event"] for log in logs] == ["folder_unusable"]
    assert health.report().state is ComponentState.DOWN
    assert "Not a directory" in health.report().detail


async def test_a_false_failed_folder_is_not_written_through(folder: Path, intake: RecordingIntake) -> None:
    """A link in the place of `failed/` leads nowhere."""
    (folder.parent / "trap").mkdir()
    (folder / "failed").symlink_to(folder.parent / "trap")
    watch, health = watch_over(folder, intake)
    put(folder, account_id="DU8")

    await watch.look()

    assert list((folder.parent / "trap").iterdir()) == []
    assert (folder / "one.json").exists()
    assert health.report().state is ComponentState.DEGRADED


def test_a_file_that_became_another_is_not_deleted(folder: Path) -> None:
    """What was put in its place after it was read waits for its own turn."""
    files = ManualFolder(folder)
    put(folder)
    [entry] = files.entries()
    replacement = put(folder, ".new", account_id="DU2")
    replacement.rename(folder / "one.json")

    files.delete(entry)

    assert "DU2" in (folder / "one.json").read_text(encoding="utf-8")


async def test_a_file_put_right_while_it_is_refused_is_taken_in(folder: Path, intake: RecordingIntake) -> None:
    """Its writer was quicker than we: the good one has its own turn, and is not set aside for what the bad one said."""

    def put_right(step: str) -> None:
        if step == "refused":
            put(folder, ".new", account_id="DU2").rename(folder / "one.json")

    watch, _ = watch_over(folder, intake, step=put_right)
    put(folder, account_id="DU99")
    await watch.look()
    await watch.look()

    assert [event.account_id for event in intake.taken] == ["DU2"]
    assert names(folder) == []


def test_the_same_file_is_the_same_event_and_another_is_not(folder: Path) -> None:
    """Name, content and times all count."""
    files = ManualFolder(folder)
    put(folder)
    [first] = files.entries()
    [again] = files.entries()
    put(folder, "two.json")
    other = files.entries()[-1]
    content = files.read(first) or b""

    assert first.event_id(content) == again.event_id(content)
    assert len({first.event_id(content), other.event_id(content), first.event_id(content + b" ")}) == 3
