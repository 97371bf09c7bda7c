"""From the settings to a notifier."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import structlog

from service_runtime.errors import ConfigurationError, ConfigurationProblem
from service_runtime.lifecycle import ServiceContext
from service_runtime.notifications.apprise_line import AppriseLine, Style
from service_runtime.notifications.desk import NotificationDesk
from service_runtime.notifications.notice import Nobody, Notifier
from service_runtime.redaction import Redactor, secrets_of

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def notifying(context: ServiceContext) -> AsyncGenerator[Notifier]:
    """Tell the people behind `notifications.urls` until the block ends, and then what still waits; nobody without one.

    The block begins at once, since who is restarted may have to be back at work soon; the lines are opened beside it,
    and notices wait for them.

    Raises:
        ConfigurationError: apprise does not understand a URL. The service is told to stop, and this is raised when the
            block has ended.
    """
    lines = _lines(context)
    if not lines:
        yield Nobody()
        return
    desk = NotificationDesk(lines, context.clock)
    opening = asyncio.create_task(_open(lines), name="notifications_opening")
    opening.add_done_callback(partial(_stop_unless_open, context.stopping))
    work = asyncio.create_task(_send(desk, opening), name="notifications")
    try:
        yield desk
    finally:
        await opening
        await desk.finish()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _open(lines: Sequence[AppriseLine]) -> None:
    for place, line in enumerate(lines, start=1):
        if not await asyncio.to_thread(line.open):
            reason = f"apprise does not understand the URL in place {place}"
            raise ConfigurationError([ConfigurationProblem("configuration", "notifications.urls", reason)])
    _log.info("notifications_on", lines=[line.name for line in lines])


def _stop_unless_open(stopping: asyncio.Event, opening: asyncio.Future[None]) -> None:
    if not _is_open(opening):
        stopping.set()


def _is_open(opening: asyncio.Future[None]) -> bool:
    return not opening.cancelled() and opening.exception() is None


async def _send(desk: NotificationDesk, opening: asyncio.Future[None]) -> None:
    await asyncio.wait({opening})
    if _is_open(opening):
        await desk.run()


def _lines(context: ServiceContext) -> Sequence[AppriseLine]:
    settings = context.configuration.settings
    urls = settings.notifications.urls
    if urls is None:
        return ()
    footer = f"{context.name}, {settings.ibkr.trading_mode.value} trading"
    style = Style(footer, Redactor(secrets_of(settings)).text)
    return [
        AppriseLine.to(url, name=f"{_scheme(url)} {place}", style=style)
        for place, url in enumerate(urls.get_secret_value().split(), start=1)
    ]


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme or "url"
    except ValueError:
        return "url"
