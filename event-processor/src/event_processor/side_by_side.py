"""Awaiting independent answers together."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


async def both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Both results. When both fail, the first one's error counts, however late it comes.

    The second is cancelled when the first fails. When the second fails, the first is still awaited, so that which
    error is raised never depends on timing.
    """
    async with started(first) as one, started(second) as two:
        return await one, await two


@asynccontextmanager
async def started(work: Coroutine[Any, Any, T]) -> AsyncGenerator["asyncio.Future[T]"]:
    """Run something alongside the block; what the block leaves unawaited is cancelled at its end."""
    future = asyncio.ensure_future(work)
    try:
        yield future
    finally:
        future.cancel()
        await asyncio.gather(future, return_exceptions=True)


async def first_of(work: Coroutine[Any, Any, A], until: Coroutine[Any, Any, B]) -> A | None:
    """The result of the work, or None when the other coroutine ended first; what has not ended is cancelled."""
    async with started(work) as working, started(until) as ending:
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None


async def every(work: Sequence[Coroutine[Any, Any, T]]) -> tuple[list[T], list[Exception]]:
    """Run all to their end, whatever becomes of the others: results in order, and errors in order."""
    answers = await asyncio.gather(*work, return_exceptions=True)
    results: list[T] = []
    errors: list[Exception] = []
    for answer in answers:
        if isinstance(answer, Exception):
            errors.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            results.append(answer)
    return results, errors
