"""Something that one trial after the other uses, and that takes long to open."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Lasting(Generic[Thing]):
    """Is opened when it is first needed, and kept until it is closed; then it can be opened anew."""

    def __init__(self, open_one: Callable[[], AbstractAsyncContextManager[Thing]]) -> None:
        self._open_one = open_one
        self._kept: tuple[Thing, AsyncExitStack] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is one now."""
        return self._kept is not None

    async def get(self) -> Thing:
        """The present one."""
        if self._kept is None:
            stack = AsyncExitStack()
            self._kept = await stack.enter_async_context(self._open_one()), stack
        return self._kept[0]

    async def close(self) -> None:
        """End the present one, if there is any; it is gone even if its end fails."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept[1].aclose()
