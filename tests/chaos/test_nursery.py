"""Where the driver's processes come from."""

import asyncio
from typing import Final

from chaos.processes import open_nursery

COUNTING: Final = "builtins:len"
"""A role that ends with the number of its arguments."""


async def test_a_start_that_is_cancelled_misleads_no_other() -> None:
    """The process of the second request is not taken for that of the first, which nobody waits for any more."""
    async with open_nursery([]) as nursery:
        unwanted = asyncio.create_task(nursery.start(COUNTING, {"one": 1}))
        await asyncio.wait({unwanted}, timeout=0)
        unwanted.cancel()
        await asyncio.wait({unwanted})

        child = await nursery.start(COUNTING, {"one": 1, "two": 2})

        async with asyncio.timeout(30):
            assert await child.wait() == 2
