"""The state of the allocations API: its key, what each channel answers, and who has asked."""

import asyncio
import hmac
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sandbox.allocations.answers import ChannelAnswer

DEFAULT_KEY = "sandbox-allocations-key"
MAX_REQUESTS = 10_000


class AllocationsSpec(BaseModel):
    """The API at start: the bearer key it asks for, and an answer for every channel it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(min_length=1)] = DEFAULT_KEY
    channels: dict[str, ChannelAnswer] = {}


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it arrived. The key itself is never kept, only whether one was sent and was right."""

    channel: str
    headers: frozenset[str]
    has_bearer: bool
    authorized: bool
    status: int | None
    """The HTTP status of the answer; None when the answer was to hang."""


class AllocationBook:
    """Answers by channel, changeable at any time; a change counts for the next request."""

    def __init__(self, spec: AllocationsSpec | None = None) -> None:
        self._spec = spec or AllocationsSpec()
        self._answers = dict(self._spec.channels)
        self._requests: deque[RecordedRequest] = deque(maxlen=MAX_REQUESTS)
        self._asked = asyncio.Event()

    @property
    def key(self) -> str:
        """The bearer key that a client has to send."""
        return self._spec.key

    @property
    def answers(self) -> Mapping[str, ChannelAnswer]:
        """The present answer of every known channel."""
        return dict(self._answers)

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """What was asked so far, oldest first."""
        return tuple(self._requests)

    def answer(self, channel: str) -> ChannelAnswer | None:
        """The channel's present answer; None when the channel is unknown."""
        return self._answers.get(channel)

    def set_answer(self, channel: str, answer: ChannelAnswer) -> None:
        """Let the channel answer this from now on; makes the channel known."""
        self._answers[channel] = answer

    def set_weights(self, channel: str, weights: Mapping[str, float]) -> None:
        """Let the channel answer these weights from now on."""
        self.set_answer(channel, ChannelAnswer(weights=dict(weights)))

    def remove(self, channel: str) -> None:
        """Let the channel be unknown (404) from now on."""
        self._answers.pop(channel, None)

    def reset(self) -> None:
        """Go back to the answers of the specification, and forget the requests."""
        self._answers = dict(self._spec.channels)
        self._requests.clear()

    def accepts(self, bearer: str | None) -> bool:
        """Whether the key sent is the right one."""
        return bearer is not None and hmac.compare_digest(bearer.encode(), self._spec.key.encode())

    def record(self, request: RecordedRequest) -> None:
        """Remember a request and wake whoever waits for one."""
        self._requests.append(request)
        asked, self._asked = self._asked, asyncio.Event()
        asked.set()

    async def wait_requests(self, channel: str, count: int = 1) -> None:
        """Return as soon as the channel has been asked for `count` times; the caller bounds the wait."""
        while sum(request.channel == channel for request in self._requests) < count:
            await self._asked.wait()
