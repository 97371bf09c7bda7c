"""Systems to test: the three services as processes between a simulated world and real stores.

A test file that shares one system among its tests defines a fixture `system` of module scope with `open_system`.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import stamina.instrumentation

from event_queue.testing.postgres_server import PostgresServer
from event_queue.testing.redis_server import RedisServer
from running_system import Follower, Stores, System, running_system

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]


@pytest.fixture(scope="session", autouse=True)
def quiet_waits() -> None:
    """Looking again is what a waiting test does; it is no news."""
    stamina.instrumentation.set_on_retry_hooks(())


@pytest.fixture(scope="session")
def schema(pytestconfig: pytest.Config) -> str:
    """The text of init.sql."""
    return (pytestconfig.rootpath / "init.sql").read_text("utf-8")


@pytest.fixture(scope="session")
def open_system(
    redis_server: RedisServer,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
    schema: str,
) -> OpenSystem:
    """Opens systems on this test process's own servers, as async contexts of followers and a world.

    More arguments: `replacement_sets`, `settings`, and `redis` or `postgres` for servers that the test may kill.
    """

    @asynccontextmanager
    async def opened(
        followers: Sequence[Follower],
        world: Mapping[str, Any],
        *,
        redis: RedisServer = redis_server,
        postgres: PostgresServer = postgres_server,
        **more: Any,
    ) -> AsyncGenerator[System]:
        directory: Path = tmp_path_factory.mktemp("system")
        dsn = await postgres.create_database(schema)
        database = dsn.rpartition("/")[2]
        stores = Stores(
            redis_port=redis.port, key_prefix=f"{{{database}}}:", postgres_port=postgres.port, database=database
        )
        async with running_system(directory, stores, followers, world, **more) as system:
            yield system

    return opened
