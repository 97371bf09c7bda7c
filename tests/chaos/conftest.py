"""What the trials of a test run share: one nursery a test, one database a test process."""

from collections.abc import AsyncGenerator, Generator

import pytest
import stamina.instrumentation

from chaos.processes import Nursery, open_nursery
from chaos.queue_level.arena import ACTORS, Database
from event_queue.testing.postgres_server import PostgresServer, running_postgres


@pytest.fixture(scope="session", autouse=True)
def quiet_waits() -> None:
    """Looking again is what a waiting test does; it is no news."""
    stamina.instrumentation.set_on_retry_hooks(())


@pytest.fixture
def own_postgres() -> Generator[PostgresServer]:
    """A server that trials may kill."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def database(own_postgres: PostgresServer, pytestconfig: pytest.Config) -> Database:
    """A database that one trial after the other empties."""
    schema = (pytestconfig.rootpath / "init.sql").read_text("utf-8")
    return Database(own_postgres, await own_postgres.create_database(schema))


@pytest.fixture
async def actors() -> AsyncGenerator[Nursery]:
    """Where the processes of the trials of the queue come from."""
    async with open_nursery(ACTORS) as nursery:
        yield nursery
