"""An operator who puts a Redis right that went back in time: `rebalancer resync`, again and again until it is done."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from chaos.actors.stage import open_audit, open_queue, play, tell
from chaos.points import Points
from chaos.pulse import some_time
from event_queue.errors import QueueError
from event_queue.mender import Mender

_AGAIN_SECONDS = 0.05


def main(args: Mapping[str, Any]) -> int:
    """Mend once."""
    return play(args, _act)


async def _act(args: Mapping[str, Any], _points: Points) -> int:
    async with open_queue(args) as queue, open_audit(args) as audit:
        mender = Mender(queue.mending, audit.past)
        while True:
            try:
                plan = await mender.mend()
            except QueueError as error:
                tell(trouble=type(error).__name__)
                await some_time(_AGAIN_SECONDS)
            else:
                tell(mended=plan.comparison.verdict, steps=Counter(step.action for step in plan.steps))
                return 0
