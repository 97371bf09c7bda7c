"""One event of an account at a time, however many slots the worker has."""

import asyncio
from types import TracebackType


class AccountLocks:
    """A lock for each account that somebody holds or waits for; those who wait get it in the order of asking."""

    def __init__(self) -> None:
        self._locks: dict[str, _AccountLock] = {}

    def of(self, account_id: str) -> "_AccountLock":
        """The account's lock, to be held while an event of it is worked on, whatever its command."""
        lock = self._locks.get(account_id)
        if lock is None:
            lock = self._locks[account_id] = _AccountLock(account_id, self._locks)
        return lock


class _AccountLock:
    """Held in an `async with`; forgotten when the last one has left it."""

    __slots__ = ("_account_id", "_lock", "_locks", "_users")

    def __init__(self, account_id: str, locks: "dict[str, _AccountLock]") -> None:
        self._account_id = account_id
        self._locks = locks
        self._lock = asyncio.Lock()
        self._users = 0

    async def __aenter__(self) -> None:
        """Wait in line."""
        self._users += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._users -= 1
        if not self._users:
            self._locks.pop(self._account_id, None)
