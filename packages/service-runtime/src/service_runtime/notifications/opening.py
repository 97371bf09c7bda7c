"""From the settings to a notifier."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
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

    Raises:
        ConfigurationError: apprise does not understand a URL.
    """
    lines = _lines(context)
    if not lines:
        yield Nobody()
        return
    _log.info("notifications_on", lines=[line.name for line in lines])
    desk = NotificationDesk(lines, context.clock)
    work = asyncio.create_task(desk.run(), name="notifications")
    try:
        yield desk
    finally:
        await desk.finish()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def _lines(context: ServiceContext) -> list[AppriseLine]:
    settings = context.configuration.settings
    urls = settings.notifications.urls
    if urls is None:
        return []
    footer = f"{context.name}, {settings.ibkr.trading_mode.value} trading"
    style = Style(footer, Redactor(secrets_of(settings)).text)
    lines: list[AppriseLine] = []
    for number, url in enumerate(urls.get_secret_value().split(), start=1):
        line = AppriseLine.to(url, name=f"{_scheme(url)} {number}", style=style)
        if line is None:
            reason = f"apprise does not understand the URL in place {number}"
            raise ConfigurationError([ConfigurationProblem("configuration", "notifications.urls", reason)])
        lines.append(line)
    return lines


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme or "url"
    except ValueError:
        return "url"
