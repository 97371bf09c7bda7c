"""Keeps notices until they are sent: each once, to every line, without anybody waiting for it.

Log events: notification_sent, notification_delayed (reason=), notification_not_sent (reason=), notifications_dropped.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from service_runtime.clock import Clock
from service_runtime.errors import NotificationFailed
from service_runtime.notifications.notice import Notice, Occasion

WAITING_AT_MOST: Final = 200
"""Notices for one line; one more pushes the oldest out."""
REMEMBERED: Final = 10_000
TRIES: Final = 10
RETRY_SECONDS: Final = 30.0
LAST_WORDS_SECONDS: Final = 4.0
"""For what waits when the service ends."""

_log = structlog.get_logger(__name__)


class Line(Protocol):
    """One way to people, such as a mailbox or a chat."""

    @property
    def name(self) -> str:
        """For the log: never with what is secret in its address."""
        ...

    async def send(self, notice: Notice) -> None:
        """Send within bounds; raises NotificationFailed."""
        ...


class NotificationDesk:
    """`Notifier` with a queue and a task for each line, so that none waits for another."""

    def __init__(self, lines: Sequence[Line], clock: Clock, *, retry_seconds: float = RETRY_SECONDS) -> None:
        """Take the lines; nothing is sent before `run`."""
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._told: OrderedDict[tuple[Occasion, str], None] = OrderedDict()
        self._waiting = [(line, asyncio.Queue[Notice](WAITING_AT_MOST)) for line in lines]

    def notify(self, notice: Notice) -> None:
        """See `Notifier.notify`."""
        if notice.key in self._told:
            return
        self._told[notice.key] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        for line, queue in self._waiting:
            if queue.full():
                dropped = queue.get_nowait()
                queue.task_done()
                _log.error("notifications_dropped", line=line.name, occasion=dropped.occasion.value)
            queue.put_nowait(notice)

    def over(self, occasion: Occasion, subject: str) -> None:
        """See `Notifier.over`."""
        self._told.pop((occasion, subject), None)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for line, queue in self._waiting:
                group.create_task(self._serve(line, queue))

    async def finish(self) -> None:
        """Give what waits a little time to go out; tells what did not."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await asyncio.gather(*(queue.join() for _, queue in self._waiting))
        except TimeoutError:
            _log.warning("notifications_dropped", reason="the service ends")

    async def _serve(self, line: Line, queue: asyncio.Queue[Notice]) -> None:
        while True:
            notice = await queue.get()
            await self._deliver(line, notice)
            queue.task_done()

    async def _deliver(self, line: Line, notice: Notice) -> None:
        """Try a bounded number of times, at fixed pauses."""
        ids = {"line": line.name, "occasion": notice.occasion.value, "subject": notice.subject}
        for attempt in range(1, TRIES + 1):
            try:
                await line.send(notice)
            except NotificationFailed as error:
                tell = self._teller(attempt)
                tell(**ids, attempt=attempt, reason=str(error))
            else:
                _log.info("notification_sent", **ids)
                return
            if attempt < TRIES:
                await self._clock.pause(self._retry_seconds)

    @staticmethod
    def _teller(attempt: int) -> Callable[..., None]:
        """Loud at the first failure and at the last."""

        def tell(**fields: object) -> None:
            if attempt == TRIES:
                _log.error("notification_not_sent", **fields)
            elif attempt == 1:
                _log.warning("notification_delayed", **fields)

        return tell
