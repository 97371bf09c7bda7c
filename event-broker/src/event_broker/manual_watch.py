"""Trigger files become events, each at most once, whatever dies in between.

The folder is looked through every second. That costs next to nothing, and works where file events do not arrive: on
network drives, and in a container whose folder belongs to another system.

A file is queued first and deleted then. Its event's id follows from the file itself, so that a file read again after a
crash is recognised by the queue; by history, when it is so old that the queue may have forgotten it. Log events:
event_queued, file_known, file_refused, intake_refused, folder_unusable.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from event_broker.admission import Admission
from event_broker.errors import FileBreaksOff, FileRefused, FileUnfinished, FolderUnusable
from event_broker.manual_folder import Entry, ManualFolder
from event_broker.manual_health import ManualHealth
from event_broker.manual_request import read_request
from event_broker.settings import BROKEN_OFF_SECONDS, OLDEST_FILE, SCAN_SECONDS, SETTLE_SECONDS
from event_queue.errors import PayloadRefused, QueueError
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Duplicate
from event_queue.ports.intake import Intake
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

DEALT_WITH_AT_ONCE: Final = 1000
"""Files of one look; those that cannot be deleted or moved do not count, so that they never keep others out."""
_FUTURE: Final = timedelta(hours=1)
Step = Callable[[str], None]
"""Called between any two actions that outlive the process: read, queued, deleted, refused, set_aside."""


def _go_on(_step: str) -> None:
    """Nothing stands between two steps."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left to be done with a file that the folder would not let go."""

    change: Callable[[], object]
    step: str
    reason: str


class ManualWatch:
    """Takes in whatever is put into the folder."""

    def __init__(  # noqa: PLR0913 - the parts of the way from a file to the queue
        self,
        folder: ManualFolder,
        intake: Intake,
        admission: Admission,
        clock: Clock,
        health: ManualHealth,
        *,
        was_taken_in: Callable[[UUID], Awaitable[bool]],
        settle_seconds: float = SETTLE_SECONDS,
        broken_off_seconds: float = BROKEN_OFF_SECONDS,
        step: Step = _go_on,
    ) -> None:
        """Take the folder, the way into the queue, which accounts may be queued, and who knows what was queued."""
        self._folder = folder
        self._intake = intake
        self._admission = admission
        self._clock = clock
        self._health = health
        self._was_taken_in = was_taken_in
        self._settle_seconds = settle_seconds
        self._broken_off_seconds = broken_off_seconds
        self._step = step
        self._first_seen: dict[Entry, float] = {}
        self._stuck: dict[Entry, _Left] = {}
        """Files that could be neither deleted nor moved, the one last tried at the end."""
        self._queued: set[tuple[str, int, int, int]] = set()
        """Files that were queued and are still there; whoever lets them be deleted does not queue them again."""
        self._trouble: str | None = None
        self._told: str | None = None

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            await self.look()
            await self._clock.pause(SCAN_SECONDS)

    async def look(self) -> None:
        """Deal with everything that lies in the folder now."""
        try:
            entries = await asyncio.to_thread(self._folder.entries)
        except FolderUnusable as error:
            self._tell("folder_unusable", str(error))
            self._health.is_unusable(str(error))
            return
        now = asyncio.get_running_loop().time()
        self._first_seen = {entry: self._first_seen.get(entry, now) for entry in entries}
        self._stuck = {entry: left for entry, left in self._stuck.items() if entry in self._first_seen}
        self._queued &= {entry.lasting for entry in entries}
        self._trouble = None
        promising = [entry for entry in entries if entry not in self._stuck]
        ended = await self._try_stuck_again()
        ended += sum([await self._ended(entry) for entry in promising[:DEALT_WITH_AT_ONCE]])
        failed = await asyncio.to_thread(self._folder.failed_count)
        self._health.looked(
            waiting=len(entries) - ended, failed=failed, stuck=len(self._stuck), intake_trouble=self._trouble
        )
        if self._trouble is None and not self._stuck:
            self._told = None

    async def _try_stuck_again(self) -> int:
        """Do what is left to be done, up to the first file that resists still; how many do so no longer.

        That one is the last to be tried next time. So a folder that was put right is cleared at once, and one that was
        not costs each look a single attempt.
        """
        before = len(self._stuck)
        for entry, left in list(self._stuck.items())[:DEALT_WITH_AT_ONCE]:
            if not await self._changed(entry, left.change, left.step):
                break
        return before - len(self._stuck)

    async def _ended(self, entry: Entry) -> bool:
        """Deal with one file; whether nothing of it is left for the next look."""
        if self._trouble is not None:
            return False
        try:
            return await self._take(entry)
        except FileUnfinished as error:
            patience = self._broken_off_seconds if isinstance(error, FileBreaksOff) else self._settle_seconds
            if asyncio.get_running_loop().time() - self._first_seen[entry] < patience:
                return False
            return await self._refuse(entry, str(error))
        except (FileRefused, PayloadRefused) as error:
            return await self._refuse(entry, str(error))
        except QueueError as error:
            self._trouble = f"{type(error).__name__}: {error}"
            self._tell("intake_refused", self._trouble)
            return False

    async def _take(self, entry: Entry) -> bool:
        if entry.lasting in self._queued:
            return await self._delete(entry)
        content = await asyncio.to_thread(self._folder.read, entry)
        if content is None:
            return True
        request = read_request(content, self._admission)
        self._step("read")
        event = RebalanceEvent(
            event_id=entry.event_id(content),
            account_id=request.account_id,
            exec_command=request.command,
            created_at=self._clock.now(),
            source="file",
            data=request.data,
        )
        if misdated := self._misdated(entry, event):
            return await self._delete_or_refuse(entry, event, misdated)
        outcome = await self._intake.enqueue(event)
        self._step("queued")
        if isinstance(outcome, Duplicate):
            return await self._refuse(entry, _twin_words(event, outcome.active_event_id))
        _log.info(
            "event_queued",
            event_id=str(event.event_id),
            account_id=event.account_id,
            command=event.exec_command.value,
            file=entry.shown_name,
        )
        self._health.file_ended(entry.shown_name, self._clock.now(), "queued")
        self._queued.add(entry.lasting)
        return await self._delete(entry)

    async def _delete_or_refuse(self, entry: Entry, event: RebalanceEvent, reason: str) -> bool:
        """Take leave of a file that is not to be queued any more: quietly, where it was queued before."""
        if not await self._was_taken_in(event.event_id):
            return await self._refuse(entry, reason)
        _log.info("file_known", event_id=str(event.event_id), account_id=event.account_id, file=entry.shown_name)
        return await self._delete(entry)

    async def _delete(self, entry: Entry) -> bool:
        return await self._changed(entry, lambda: self._folder.delete(entry), "deleted")

    async def _refuse(self, entry: Entry, reason: str) -> bool:
        self._step("refused")
        _log.warning("file_refused", file=entry.shown_name, reason=reason)
        self._health.file_ended(entry.shown_name, self._clock.now(), "refused")
        words = f"{self._clock.now().isoformat()} refused: {reason}"
        return await self._changed(entry, lambda: self._folder.set_aside(entry, words), "set_aside")

    async def _changed(self, entry: Entry, change: Callable[[], object], step: str) -> bool:
        """Change the folder; of a file that resists this is left to be done, and told again when the reason changes."""
        before = self._stuck.pop(entry, None)
        try:
            await asyncio.to_thread(change)
        except FolderUnusable as error:
            self._stuck[entry] = _Left(change, step, str(error))
            if before is None or before.reason != str(error):
                self._tell("folder_unusable", str(error))
            return False
        self._queued.discard(entry.lasting)
        self._step(step)
        return True

    def _misdated(self, entry: Entry, event: RebalanceEvent) -> str:
        """Why a file is not queued that the queue may not recognise any more; empty for all others."""
        age = self._clock.now() - entry.modified_at
        if age > OLDEST_FILE:
            hours = OLDEST_FILE // timedelta(hours=1)
            return (
                f"it was written at {entry.modified_at.isoformat()}, more than {hours} hours ago, and may have run "
                f"since, as event {event.event_id} or another: look at the events of account {event.account_id} "
                "before it is tried again"
            )
        if -age > _FUTURE:
            return f"it is dated {entry.modified_at.isoformat()}, in the future"
        return ""

    def _tell(self, name: str, reason: str) -> None:
        """Log a trouble once as long as it repeats itself."""
        if reason != self._told:
            _log.error(name, reason=reason, directory=str(self._folder.directory), retry_seconds=SCAN_SECONDS)
        self._told = reason


def _twin_words(event: RebalanceEvent, twin: UUID) -> str:
    return (
        f"{event.exec_command} of account {event.account_id} is queued or in work already as event {twin}; "
        "when that has ended, try again"
    )
