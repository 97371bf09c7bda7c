"""The service as a process, and the people it tells."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from event_broker.testing.broker_process import running_broker
from event_queue.progress import Progress
from event_queue.redis_queue import RedisQueue
from event_queue.testing.redis_server import RedisServer
from sandbox.ably import AblyServer
from service_runtime.clock import SystemClock
from service_runtime.testing.mailbox import Mailbox, open_mailbox

pytestmark = pytest.mark.integration

CHANNEL = "strategy-growth"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """Where the operator reads."""
    async with open_mailbox() as box:
        yield box


@pytest.fixture
def environ(redis_server: RedisServer, ably: AblyServer, mailbox: Mailbox, tmp_path: Path) -> dict[str, str]:
    """A service with one account, whose PostgreSQL is away."""
    text = f"- {{account_id: DU1, notification: {{channel: {CHANNEL}}}}}"
    (tmp_path / "accounts.yaml").write_text(text, encoding="utf-8")
    return {
        "REDIS_PORT": str(redis_server.port),
        "POSTGRES_PORT": "1",
        "ABLY_ENDPOINT": ably.endpoint,
        "ABLY_TLS": "false",
        "ABLY_API_KEY": ably.key,
        "LOG_LEVEL": "DEBUG",
        "NOTIFICATIONS_URLS": mailbox.url,
    }


async def test_a_gap_is_told_with_its_ends(
    redis_queue: RedisQueue, environ: dict[str, str], mailbox: Mailbox, tmp_path: Path
) -> None:
    """Once, in words, and with no trace of the address in the log."""
    now = SystemClock().now()
    yesterday = Progress(now - timedelta(days=1), "long-gone", now - timedelta(days=2))
    await redis_queue.progress.write({CHANNEL: yesterday})

    async with running_broker(tmp_path, environ) as broker:
        [mail] = await mailbox.wait_mail(1)
        await broker.wait_events("notification_sent")
        code = await broker.terminate()

    since = yesterday.heard_until.isoformat(timespec="seconds")
    assert mail["title"] == f"Signals on channel {CHANNEL} may have been missed"
    assert f"From {since} to " in mail["message"]
    assert "event-broker, paper trading" in mail["message"]
    assert "hunter2" not in str(broker.log)
    assert code == 0


async def test_a_url_that_nobody_understands_stops_the_start(environ: dict[str, str], tmp_path: Path) -> None:
    """The service ends as with any other wrong setting, before it takes anything in."""
    async with running_broker(tmp_path, environ | {"NOTIFICATIONS_URLS": "nonsense://hunter2"}) as broker:
        code = await broker.wait_end()

    assert code == 2
    assert "hunter2" not in str(broker.log)
