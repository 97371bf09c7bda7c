"""Asking a service until its answer is the one hoped for, within a bounded time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

AnswerT = TypeVar("AnswerT")

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.25


class _NotYet(Exception):
    """The answer is not good yet: ask again."""


async def ask_until(
    question: Callable[[], Awaitable[AnswerT]], is_good: Callable[[AnswerT], bool], *, timeout_seconds: float
) -> AnswerT:
    """The first good answer, or the last one when the time is over; the question is asked at least once."""
    answers: list[AnswerT] = []

    async def ask() -> None:
        answers[:] = [await question()]
        if not is_good(answers[0]):
            raise _NotYet

    asking = stamina.retry_context(
        on=_NotYet,
        attempts=None,
        timeout=timeout_seconds,
        wait_initial=_FIRST_PAUSE_SECONDS,
        wait_max=_LONGEST_PAUSE_SECONDS,
        wait_jitter=0,
    )
    try:
        async for attempt in asking:
            with attempt:
                await ask()
    except _NotYet:
        pass
    return answers[0]
