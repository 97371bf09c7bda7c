"""One event of an account at a time, however many slots the worker has."""

import asyncio
from contextlib import AbstractAsyncContextManager
from weakref import WeakValueDictionary


class AccountLocks:
    """A lock for each account that somebody holds or waits for; those who wait get it in the order of asking."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, account_id: str) -> AbstractAsyncContextManager[None]:
        """The account's lock, to be held while an event of it is worked on, whatever its command."""
        return self._locks.setdefault(account_id, asyncio.Lock())
