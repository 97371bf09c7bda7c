"""Where services post the state of their parts, in Redis."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from redis.asyncio import Redis

from event_queue.codec import encode_details
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import CorruptQueue
from event_queue.ports.operators import NextReport
from event_queue.redis_errors import translated
from event_queue.script_runner import ScriptRunner

_CONFIRMATION_SECONDS: Final = 3.0
"""For Redis to say that it will tell of reports from now on."""


class RedisComponentBoard:
    """`ComponentBoard` on Redis: as many reports as there are parts, so reading all is cheap."""

    def __init__(self, scripts: ScriptRunner, client: "Redis") -> None:
        """Take the runner of the queue's scripts and the client for plain reads."""
        self._scripts = scripts
        self._client: Any = client

    async def report(self, report: ComponentReport) -> None:
        """Post one part's state, replacing its last by the same process."""
        field = f"{report.name} {report.process}" if report.process else report.name
        await self._scripts.run("report", field, _encode(report), f"{report.name} " if report.process else "")

    async def read(self) -> Mapping[str, ComponentReport]:
        """The latest report of each part, whichever process posted it."""
        in_order = sorted(await self.read_each(), key=lambda report: (report.name, report.reported_at))
        return {report.name: report for report in in_order}

    async def read_each(self) -> Sequence[ComponentReport]:
        """The latest report of each part by each process that speaks of it."""
        with translated("components_read"):
            posted: list[str] = await self._client.hvals(self._scripts.keys.components)
        return [_decode(text) for text in posted]

    @asynccontextmanager
    async def following(self) -> AsyncGenerator[NextReport]:
        """A wait for the next report; see `ComponentBoard.following`."""
        async with self._client.pubsub() as heard:
            with translated("components_follow"):
                await heard.subscribe(self._scripts.keys.components)
                await heard.get_message(timeout=_CONFIRMATION_SECONDS)

            async def next_report(at_most_seconds: float) -> None:
                with translated("components_follow"):
                    await heard.get_message(timeout=max(at_most_seconds, 0.0))

            yield next_report


def _encode(report: ComponentReport) -> str:
    return encode_details(
        {
            "name": report.name,
            "state": report.state,
            "detail": report.detail,
            "facts": report.facts,
            "reported_at": report.reported_at,
            "process": report.process,
        }
    )


def _decode(text: str) -> ComponentReport:
    try:
        raw = json.loads(text)
        return ComponentReport(
            name=raw["name"],
            state=ComponentState(raw["state"]),
            detail=raw["detail"],
            facts=raw["facts"],
            reported_at=datetime.fromisoformat(raw["reported_at"]),
            process=raw.get("process", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptQueue(f"unreadable report of a component: {text[:200]!r}") from error
