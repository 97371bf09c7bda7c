"""What each contender can do."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

NOTE: Final = "note"
"""The job that does nothing but note its start."""
HANG: Final = "hang"
"""The job that notes its start and then never ends."""
HANG_SECONDS: Final = 3600
PAYLOAD: Final = "x" * 100
"""What every job carries."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the servers are."""

    redis_port: int
    redis_db: int
    postgres_port: int
    postgres_database: str

    @property
    def redis_url(self) -> str:
        """Of the database on the Redis server."""
        return f"redis://127.0.0.1:{self.redis_port}/{self.redis_db}"

    @property
    def postgres_dsn(self) -> str:
        """Of the PostgreSQL database."""
        return f"postgresql://postgres@127.0.0.1:{self.postgres_port}/{self.postgres_database}"


class Sender(Protocol):
    """An open way in."""

    async def __call__(self, job: str, key: str) -> None:
        """Queue a job under a key, unique where the contender has unique jobs; returns once it is accepted."""
        ...


class CrowdSender(Protocol):
    """An open way in for many at once."""

    async def __call__(self, job: str, keys: Sequence[str]) -> None:
        """Queue a job under each of the keys; returns once all are accepted."""
        ...


class Contender(Protocol):
    """A job queue. Each method runs in a fresh process."""

    async def prepare(self) -> None:
        """Create what the first job needs, such as tables."""
        ...

    def sending(self) -> AbstractAsyncContextManager[Sender]:
        """Open the way in."""
        ...

    def work(self, concurrency: int) -> None:
        """Work jobs off, until killed."""
        ...


class CrowdContender(Contender, Protocol):
    """One that takes many jobs at once."""

    def sending_crowds(self) -> AbstractAsyncContextManager[CrowdSender]:
        """Open the way in for many at once."""
        ...
