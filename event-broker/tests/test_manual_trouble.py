"""Many files at once, and a folder that is not what it was."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from event_broker.manual_watch import DEALT_WITH_AT_ONCE
from event_broker.testing.manual_rig import watch_over
from event_broker.testing.recording_intake import RecordingIntake
from event_queue.components import ComponentState
from event_queue.errors import QueueUnavailable
from service_runtime.clock import SystemClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The watched folder."""
    path = tmp_path / "in"
    path.mkdir()
    return path


@pytest.fixture
def intake() -> RecordingIntake:
    """Where events go."""
    return RecordingIntake()


def put(folder: Path, name: str, account_id: str = "DU1") -> Path:
    """Leave a file for an account."""
    path = folder / name
    path.write_text(json.dumps({"account_id": account_id}), encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    """What lies in a folder, but for that of refused files."""
    return sorted(path.name for path in folder.iterdir() if path.name != "failed")


async def test_thousands_of_files_are_taken_a_thousand_at_a_look(folder: Path, intake: RecordingIntake) -> None:
    """None is forgotten, and a good one among bad ones has its turn."""
    watch, health = watch_over(folder, intake)
    for number in range(2 * DEALT_WITH_AT_ONCE + 100):
        put(folder, f"{number:05}.json", account_id="DU1" if number % 2 else "DU99")

    waiting: list[int] = []
    for _ in range(3):
        await watch.look()
        waiting.append(health.report().facts["waiting"])

    assert waiting == [DEALT_WITH_AT_ONCE + 100, 100, 0]
    assert len(intake.taken) == DEALT_WITH_AT_ONCE + 50
    assert names(folder) == []


async def test_files_that_cannot_be_moved_keep_nobody_out(folder: Path, intake: RecordingIntake) -> None:
    """A file in the place of `failed/` leaves a thousand bad files where they are; a good one is taken all the same."""
    (folder / "failed").write_text("in the way", encoding="utf-8")
    for number in range(DEALT_WITH_AT_ONCE):
        put(folder, f"{number:05}.json", account_id="DU99")
    watch, health = watch_over(folder, intake)

    with capture_logs() as lines:
        await watch.look()
        put(folder, "good.json")
        await watch.look()
        report = health.report()

    assert [event.account_id for event in intake.taken] == ["DU1"]
    assert report.state is ComponentState.DEGRADED
    assert report.facts["waiting"] == DEALT_WITH_AT_ONCE
    assert [line["event"] for line in lines].count("folder_unusable") == 1


async def test_bad_files_that_could_not_be_moved_are_moved_when_they_are_written_anew(
    folder: Path, intake: RecordingIntake
) -> None:
    """Whoever puts `failed/` right touches them."""
    (folder / "failed").write_text("in the way", encoding="utf-8")
    put(folder, "one.json", account_id="DU99")
    watch, health = watch_over(folder, intake)
    await watch.look()

    (folder / "failed").unlink()
    put(folder, "one.json", account_id="DU98")
    await watch.look()

    assert names(folder / "failed") == ["one.json", "one.json.reason"]
    assert health.report().state is ComponentState.OK


async def test_a_folder_put_right_is_cleared_without_a_touch_of_its_files(
    folder: Path, intake: RecordingIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused files are moved and those taken in are deleted, each trouble and each refusal told once."""
    watch, health = watch_over(folder, intake)
    (folder / "failed").write_text("in the way", encoding="utf-8")
    for number in range(3):
        put(folder, f"bad{number}.json", account_id="DU99")
        put(folder, f"good{number}.json", account_id=f"DU{number + 1}")

    with capture_logs() as lines:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", _refuse)
            for _ in range(5):
                await watch.look()
            stuck = health.report()
        (folder / "failed").unlink()
        await watch.look()

    assert "6 trigger files cannot be deleted or moved" in stuck.detail
    assert names(folder) == []
    assert len(names(folder / "failed")) == 6, "three files, each with its reason"
    assert (health.report().state, health.report().facts["waiting"]) == (ComponentState.OK, 0)
    assert [event.account_id for event in intake.taken] == ["DU1", "DU2", "DU3"]
    assert [line["event"] for line in lines].count("file_refused") == 3
    assert [line["event"] for line in lines].count("folder_unusable") <= 6


async def test_a_file_that_resists_for_ever_does_not_keep_the_others_stuck(
    folder: Path, intake: RecordingIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look tries them up to the first that resists, and another one first the next time."""
    watch, health = watch_over(folder, intake)
    for number in range(3):
        put(folder, f"{number}.json", account_id=f"DU{number + 1}")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _refuse)
        await watch.look()

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _refuse_the_first)
        for _ in range(2):
            await watch.look()

    assert names(folder) == ["0.json"]
    assert "1 trigger files cannot be deleted or moved" in health.report().detail
    assert len(intake.offers) == 3


_UNLINK = Path.unlink


def _refuse(path: Path, *, missing_ok: bool = False) -> None:
    raise PermissionError(1, "not allowed", str(path), missing_ok)


def _refuse_the_first(path: Path, *, missing_ok: bool = False) -> None:
    if path.name == "0.json":
        _refuse(path)
    _UNLINK(path, missing_ok=missing_ok)


async def test_a_folder_that_goes_away_is_made_again(folder: Path, intake: RecordingIntake) -> None:
    """While the service runs, and with a bad file just refused."""
    watch, health = watch_over(folder, intake)
    put(folder, "bad.json", account_id="DU99")
    await watch.look()

    shutil.rmtree(folder)
    await watch.look()
    put(folder, "good.json")
    await watch.look()

    assert len(intake.taken) == 1
    assert names(folder) == []
    assert health.report().state is ComponentState.OK


async def test_a_file_called_like_a_reason_is_not_overwritten_by_one(folder: Path, intake: RecordingIntake) -> None:
    """Each refused file keeps its content, and has a reason of its own."""
    watch, _ = watch_over(folder, intake)
    odd = put(folder, "one.json.reason")
    content = odd.read_text(encoding="utf-8")
    await watch.look()
    put(folder, "one.json", account_id="DU99")
    await watch.look()

    failed = folder / "failed"
    assert names(failed) == ["one.json", "one.json.reason", "one.json.reason_", "one.json.reason_.reason"]
    assert (failed / "one.json.reason_").read_text(encoding="utf-8") == content


async def test_an_older_file_is_not_held_up_by_a_half_written_one(folder: Path, intake: RecordingIntake) -> None:
    """Each is judged by itself."""
    watch, _ = watch_over(folder, intake, settle_seconds=60)
    (folder / "half.json").write_text('{"account', encoding="utf-8")
    put(folder, "whole.json")

    await watch.look()

    assert len(intake.taken) == 1
    assert names(folder) == ["half.json"]


async def test_an_old_file_waits_while_nobody_can_tell_whether_it_was_taken_in(
    folder: Path, intake: RecordingIntake
) -> None:
    """Redis does not answer, as for any other file."""
    then = (SystemClock().now() - timedelta(days=5)).timestamp()
    os.utime(put(folder, "one.json"), (then, then))
    answers: list[bool] = []

    async def was_taken_in(_asked: UUID) -> bool:
        answers.append(bool(answers))
        if not answers[-1]:
            raise QueueUnavailable("gone")
        return True

    watch, _ = watch_over(folder, intake, was_taken_in=was_taken_in)
    await watch.look()
    waiting = names(folder)
    await watch.look()

    assert (waiting, names(folder)) == (["one.json"], [])
