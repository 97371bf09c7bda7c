"""Notices over apprise, the library that knows a hundred services by their URLs.

It blocks, and its plugins raise what they like; so each sending runs in a thread that nobody has to wait for, not even
the end of the process.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any, Final, Self

from service_runtime.errors import NotificationFailed
from service_runtime.notifications.notice import Notice
from service_runtime.redaction import escape_controls

SEND_SECONDS: Final = 20.0
"""Above apprise's own limits for connecting and reading, 4 seconds each."""
LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 2000


@dataclass(frozen=True, slots=True)
class Style:
    """How a notice becomes a text that may leave the house."""

    footer: str
    """Stands below every notice: who speaks."""
    redact: Callable[[str], str]
    """Masks every secret of the settings."""

    def title(self, notice: Notice) -> str:
        """One line."""
        return escape_controls(self.redact(notice.title))[:LONGEST_TITLE]

    def body(self, notice: Notice) -> str:
        """Whatever a foreign text in it holds, nothing but plain lines."""
        return f"{escape_controls(self.redact(notice.body), keep=chr(10))[:LONGEST_BODY]}\n\n{self.footer}"


class AppriseLine:
    """`Line` to one apprise URL."""

    def __init__(
        self, name: str, find_plugin: Callable[[], Any], style: Style, *, send_seconds: float = SEND_SECONDS
    ) -> None:
        """Take what finds apprise's plugin for the URL; nothing can be sent before `open`."""
        self._name = name
        self._find_plugin = find_plugin
        self._style = style
        self._send_seconds = send_seconds
        self._plugin: Any = None
        self._answer: asyncio.Future[str | None] | None = None
        """Of the latest sending; done when its thread is."""

    @classmethod
    def to(cls, url: str, *, name: str, style: Style, send_seconds: float = SEND_SECONDS) -> Self:
        """A line to the URL."""
        return cls(name, partial(_plugin_for, url), style, send_seconds=send_seconds)

    def open(self) -> bool:
        """Find the plugin; False when apprise does not understand the URL.

        The first call loads all of apprise, a quarter of a second of work: it belongs into a thread.
        """
        self._plugin = self._find_plugin()
        return self._plugin is not None

    @property
    def name(self) -> str:
        """The scheme and the place in the list, without anything secret."""
        return self._name

    async def send(self, notice: Notice) -> None:
        """Send within `send_seconds`.

        Raises:
            NotificationFailed: it was not taken; the words hold nothing of the URL.
        """
        if self._answer is not None and not self._answer.done():
            raise NotificationFailed("the sending before it has not ended yet")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()
        self._start(notice, partial(_tell, loop, answer))
        self._answer = answer
        try:
            async with asyncio.timeout(self._send_seconds):
                problem = await asyncio.shield(answer)
        except TimeoutError:
            raise NotificationFailed(f"no answer within {self._send_seconds:g} s") from None
        if problem is not None:
            raise NotificationFailed(problem)

    def _start(self, notice: Notice, tell: Callable[[str | None], None]) -> None:
        thread = Thread(target=self._work, args=(notice, tell), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise NotificationFailed("the system has no thread left") from error

    def _work(self, notice: Notice, tell: Callable[[str | None], None]) -> None:
        """Send, in a thread; apprise's own words may hold the URL, so they are not passed on."""
        body, title = self._style.body(notice), self._style.title(notice)
        try:
            was_taken = self._plugin.notify(body=body, title=title, notify_type=notice.urgency.value)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and a thread has nobody to catch it
            tell(f"apprise failed with {type(error).__name__}")
        else:
            tell(None if was_taken else "it was not taken")


def _plugin_for(url: str) -> Any:
    import apprise as untyped_apprise  # noqa: PLC0415 - who tells nobody need not load it

    apprise: Any = untyped_apprise
    asset = apprise.AppriseAsset(app_id="rebalancer", app_desc="IBKR portfolio rebalancer", storage_mode="memory")
    return apprise.Apprise.instantiate(url, asset=asset)


def _tell(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[str | None], problem: str | None) -> None:
    """Hand a thread's result over, if anybody is still there."""
    try:
        loop.call_soon_threadsafe(_settle, answer, problem)
    except RuntimeError:  # the loop has ended before the thread
        return


def _settle(answer: asyncio.Future[str | None], problem: str | None) -> None:
    if not answer.done():
        answer.set_result(problem)
