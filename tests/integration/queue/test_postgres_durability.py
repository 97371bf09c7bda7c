"""What a real PostgreSQL tells of settings with which a power failure loses history."""

from typing import Any, cast

import asyncpg
import pytest

from event_queue.postgres_audit import open_postgres
from event_queue.postgres_durability import durability_dangers
from event_queue.testing.relays import address_of

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("commit", "is_told"), [("off", True), ("local", False), ("on", False)])
async def test_each_setting_that_is_off_is_a_danger(postgres_dsn: str, commit: str, *, is_told: bool) -> None:
    """That of the tests runs without the first two; the third is read as it is for our own sessions."""
    connection: Any = await cast("Any", asyncpg).connect(postgres_dsn)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {commit}")
    await connection.close()
    async with open_postgres(address_of(postgres_dsn)) as audit:
        dangers = await audit.dangers()

    told = {danger.removeprefix("PostgreSQL has ").partition("=")[0] for danger in dangers}
    assert told == {"fsync", "full_page_writes", *(["synchronous_commit"] if is_told else [])}


def test_a_durable_postgres_is_in_no_danger() -> None:
    """With its defaults nothing is told."""
    assert durability_dangers({"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}) == ()
