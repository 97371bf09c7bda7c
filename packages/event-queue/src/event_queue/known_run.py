"""Events go only to the run of Redis that was compared with history: its next start may come from an older file.

A connection leads to one run for as long as it lasts. So each says, before anything is sent on it, to which; what is
then sent reaches that run or none, and there is no moment in which Redis could become another one unseen.
"""

import re
from typing import Any, Final

from redis.exceptions import RedisError

from event_queue.quick_connection import QuickConnection

_RUN_ID: Final = re.compile(r"^run_id:(\w+)", re.MULTILINE)


class UnknownRun(RedisError):
    """The connection leads to a run of Redis that nobody has compared with history; nothing was sent."""


class KnownRun:
    """The run that events may go to, shared by whoever compares and the connections of the way in."""

    def __init__(self) -> None:
        """Know none yet."""
        self.run_id = ""
        """As `RedisMending.run_id` tells it; empty when none is known."""


class KnownRunConnection(QuickConnection):
    """A connection that is of use only while it leads to the known run."""

    def __init__(self, *, known_run: KnownRun, **settings: Any) -> None:
        """Take the run, and what `Connection` takes."""
        QuickConnection.__init__(self, redis_connect_func=self._meet, **settings)
        self._known_run = known_run
        self._run_id = ""

    def is_ready(self) -> bool:
        """Whether it can take a command now, and it would go to the right run."""
        return self._leads_to_known_run() and QuickConnection.is_ready(self)

    async def _meet(self, _connection: Any) -> None:
        """Introduce ourselves as redis-py does, and ask who is there.

        Raises:
            UnknownRun: another run than the known one.
        """
        await self.on_connect()
        await self.send_command("INFO", "server")
        told = _RUN_ID.search(await self.read_response())
        self._run_id = told[1] if told else ""
        if not self._leads_to_known_run():
            raise UnknownRun("Redis has started anew, and has not been compared with history yet")

    def _leads_to_known_run(self) -> bool:
        return bool(self._run_id) and self._run_id == self._known_run.run_id
