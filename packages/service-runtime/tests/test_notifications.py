"""Notices on their way to people, over real apprise into a local mailbox."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from service_runtime.accounts import Accounts
from service_runtime.clock import SystemClock
from service_runtime.configuration import Configuration
from service_runtime.errors import ConfigurationError, NotificationFailed
from service_runtime.lifecycle import ServiceContext
from service_runtime.notifications.apprise_line import AppriseLine, Style
from service_runtime.notifications.desk import TRIES, WAITING_AT_MOST, NotificationDesk
from service_runtime.notifications.notice import Notice, Occasion, Urgency
from service_runtime.notifications.opening import notifying
from service_runtime.settings import AblySettings, LoggingSettings, NotificationsSettings, Settings
from service_runtime.testing.mailbox import Mailbox, open_mailbox

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"  # a plugin of apprise imports it
)

PLAIN = Style("event-broker, paper trading", str)


class HurriedClock:
    """Pauses end at once and are counted."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now(self) -> datetime:
        """Some moment."""
        return datetime(2026, 3, 2, tzinfo=UTC)

    async def pause(self, seconds: float) -> None:
        """Return at once."""
        self.pauses.append(seconds)


class Brokenness:
    """Stands for a plugin of apprise with a mistake in it."""

    def notify(self, **_fields: object) -> bool:
        """Raise what no caller expects."""
        raise KeyError("hunter2-secret")


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """Where the operator reads."""
    async with open_mailbox() as box:
        yield box


def context_with(*urls: str, **sections: Any) -> ServiceContext:
    """A service that is configured with some URLs."""
    text = SecretStr("\n".join(urls)) if urls else None
    settings = Settings(notifications=NotificationsSettings(urls=text), **sections)
    return ServiceContext("event-broker", Configuration(settings, Accounts({}), None), SystemClock())


def notice(subject: str = "growth", **fields: Any) -> Notice:
    """Something to tell."""
    words: dict[str, Any] = {"title": f"Missed on {subject}", "body": "Ask the publisher."} | fields
    return Notice(Occasion.SIGNALS_MISSED, subject, **words)


def opened(url: str, name: str, **options: Any) -> AppriseLine:
    """A line that can be sent over."""
    line = AppriseLine.to(url, name=name, style=PLAIN, **options)
    assert line.open()
    return line


def closed_port() -> int:
    """A local port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_a_notice_reaches_the_mailbox(mailbox: Mailbox) -> None:
    """Title, text, urgency, and who speaks in which mode."""
    async with notifying(context_with(mailbox.url)) as notifier:
        notifier.notify(notice(urgency=Urgency.WARNING))
        [mail] = await mailbox.wait_mail(1)

    assert (mail["title"], mail["type"]) == ("Missed on growth", "warning")
    assert mail["message"] == "Ask the publisher.\n\nevent-broker, paper trading"


async def test_a_notice_is_told_once_until_it_is_over(mailbox: Mailbox) -> None:
    """The same trouble is told again only when it has come back."""
    async with notifying(context_with(mailbox.url)) as notifier:
        for _ in range(3):
            notifier.notify(notice())
        notifier.notify(notice("income"))
        await mailbox.wait_mail(2)
        notifier.over(Occasion.SIGNALS_MISSED, "growth")
        notifier.notify(notice())
        mail = await mailbox.wait_mail(3)

    assert [each["title"] for each in mail] == ["Missed on growth", "Missed on income", "Missed on growth"]


async def test_without_a_url_nobody_is_told_and_nothing_runs() -> None:
    """The switch is the setting itself."""
    tasks = len(asyncio.all_tasks())

    async with notifying(context_with()) as notifier:
        notifier.notify(notice())
        notifier.over(Occasion.SIGNALS_MISSED, "growth")

        assert len(asyncio.all_tasks()) == tasks


async def test_what_waits_at_the_end_still_goes_out(mailbox: Mailbox) -> None:
    """A service that stops tells its last trouble first."""
    async with notifying(context_with(mailbox.url)) as notifier:
        for number in range(3):
            notifier.notify(notice(str(number)))

    assert len(mailbox.mail) == 3


async def test_each_url_is_served_whatever_the_others_do(mailbox: Mailbox) -> None:
    """A line on which nobody answers keeps no notice from the other, and is tried a bounded number of times."""
    clock = HurriedClock()
    dead = opened(f"json://127.0.0.1:{closed_port()}", "json 1")
    alive = opened(mailbox.url, "json 2")
    desk = NotificationDesk([dead, alive], clock, retry_seconds=30)

    with capture_logs() as lines:
        desk.notify(notice())
        work = asyncio.create_task(desk.run())
        await mailbox.wait_mail(1)
        await desk.finish()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    told = [(line["event"], line["line"]) for line in lines]
    assert sorted(told) == [
        ("notification_delayed", "json 1"),
        ("notification_not_sent", "json 1"),
        ("notification_sent", "json 2"),
    ]
    assert clock.pauses == [30] * (TRIES - 1)
    assert mailbox.asked == 1


async def test_a_mailbox_that_recovers_gets_the_notice(mailbox: Mailbox) -> None:
    """A refusal is tried again."""
    mailbox.status = 503
    line = opened(mailbox.url, "json 1")

    with pytest.raises(NotificationFailed, match="not taken"):
        await line.send(notice())
    mailbox.status = 200
    await line.send(notice())

    assert (len(mailbox.mail), mailbox.asked) == (1, 2)


async def test_a_silent_mailbox_holds_nobody_up(mailbox: Mailbox) -> None:
    """The wait is bounded, no second thread joins the first, and the end of the service is not delayed."""
    mailbox.answering.clear()
    line = opened(mailbox.url, "json 1", send_seconds=0.2)

    with pytest.raises(NotificationFailed, match=r"no answer within 0\.2 s"):
        await line.send(notice())
    with pytest.raises(NotificationFailed, match="not ended yet"):
        await line.send(notice())

    assert mailbox.asked <= 1


async def test_a_plugin_that_raises_is_a_failure_without_its_words() -> None:
    """Its text may hold a password."""
    line = AppriseLine("odd 1", Brokenness, PLAIN)
    assert line.open()

    with pytest.raises(NotificationFailed) as caught:
        await line.send(notice())

    assert str(caught.value) == "apprise failed with KeyError"


async def test_too_many_notices_push_out_the_oldest(mailbox: Mailbox) -> None:
    """The caller never waits, memory stays bounded, and the loss is told."""
    line = opened(mailbox.url, "json 1")
    desk = NotificationDesk([line], SystemClock())

    with capture_logs() as lines:
        for number in range(WAITING_AT_MOST + 3):
            desk.notify(notice(str(number)))

    assert [line["event"] for line in lines] == ["notifications_dropped"] * 3


@pytest.mark.parametrize("url", ["nonsense", "foo://bar", "json://", "mailto://"])
async def test_a_url_that_nobody_understands_stops_the_start(mailbox: Mailbox, url: str) -> None:
    """Its place is named, and nothing of it is shown."""
    with pytest.raises(ConfigurationError) as caught:
        async with notifying(context_with(mailbox.url, url)):
            pass

    assert "notifications.urls: apprise does not understand the URL in place 2" in str(caught.value)
    assert "bar" not in str(caught.value)


async def test_nobody_waits_for_the_lines_to_open(mailbox: Mailbox) -> None:
    """A service is at work before its plugins are loaded; what it tells meanwhile is kept."""
    with capture_logs() as lines:
        async with asyncio.timeout(60), notifying(context_with(mailbox.url)) as notifier:
            notifier.notify(notice())
            opened_at_first = list(lines)
            [mail] = await mailbox.wait_mail(1)

    assert opened_at_first == []
    assert [line["event"] for line in lines] == ["notifications_on", "notification_sent"]
    assert mail["title"] == "Missed on growth"


async def test_a_url_that_nobody_understands_stops_a_service_at_work() -> None:
    """It is told to stop as by a signal, so that it can put down what it has in hand."""
    context = context_with("nonsense")

    async def serve() -> None:
        async with notifying(context) as notifier:
            notifier.notify(notice())
            await context.stopping.wait()

    with pytest.raises(ConfigurationError):
        await asyncio.wait_for(serve(), timeout=60)


async def test_secrets_and_control_characters_stay_at_home(mailbox: Mailbox) -> None:
    """A foreign error that quotes a key or brings escape codes is sent without either."""
    context = context_with(mailbox.url, ably=AblySettings(api_key=SecretStr("app.key:very-secret")))
    foreign = "app.key:very-secret was refused\x1b[31m\nnext"

    async with notifying(context) as notifier:
        notifier.notify(notice(title=foreign, body=foreign))
        [mail] = await mailbox.wait_mail(1)

    assert "very-secret" not in str(mail)
    assert mail["title"] == "*** was refused\\x1b[31m\\nnext"
    assert mail["message"].splitlines()[:2] == ["*** was refused\\x1b[31m", "next"]


async def test_the_log_never_holds_a_url(
    mailbox: Mailbox, log_lines: Callable[[Settings], Callable[[], list[dict[str, Any]]]]
) -> None:
    """Not even at DEBUG, where apprise and urllib3 would write it, and not when sending fails."""
    context = context_with(mailbox.url, logging=LoggingSettings(level="DEBUG"))
    read_log = log_lines(context.configuration.settings)
    mailbox.status = 500

    async with notifying(context) as notifier:
        notifier.notify(notice())
        await mailbox.wait_asked(1)
        mailbox.status = 200
        notifier.notify(notice("income"))

    log = read_log()
    assert "notification_delayed" in {line["event"] for line in log}
    assert "hunter2" not in str(log)
    assert "/rebalancer" not in str(log)
