"""A source of signals: sends each until it is answered, as the event-broker and the management service do.

`ably` makes a new event of a message that it sends again, and the message's id tells the queue; `api` and `file` repeat
their event. What it was answered is told line by line, so that its successor goes on where it died.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from chaos.actors.stage import open_audit, open_queue, play, tell
from chaos.points import Points
from chaos.pulse import some_time
from event_queue.errors import PayloadRefused, QueueError
from event_queue.events import Command, RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.ports.intake import Intake
from event_queue.wary_intake import WaryIntake
from service_runtime.clock import SystemClock

_AGAIN_SECONDS = 0.03


def main(args: Mapping[str, Any]) -> int:
    """Send `signals`, one after the other."""
    return play(args, _act)


async def _act(args: Mapping[str, Any], _points: Points) -> int:
    run = KnownRun()
    async with open_queue(args, known_run=run) as queue, open_audit(args) as audit:
        intake = WaryIntake(queue.intake, Mender(queue.mending, audit.past), run)
        for signal in args["signals"]:
            await some_time(signal["after"])
            tell(sent=signal["n"])
            tell(answered=signal["n"], answer=await _send(intake, signal))
    return 0


async def _send(intake: Intake, signal: Mapping[str, Any]) -> str:
    event = _event(signal)
    is_message = signal["via"] == "ably"
    while True:
        try:
            outcome = await intake.enqueue(
                event,
                message=InboundMessage("signals", f"m{signal['n']}") if is_message else None,
                remember_while_in_flight=is_message,
            )
        except PayloadRefused:
            return "refused"
        except QueueError as error:
            tell(trouble=type(error).__name__, n=signal["n"])
            await some_time(_AGAIN_SECONDS)
        else:
            return {"AlreadySeen": "seen"}.get(type(outcome).__name__, type(outcome).__name__.lower())


def _event(signal: Mapping[str, Any]) -> RebalanceEvent:
    event_id = uuid4() if signal["via"] == "ably" else UUID(signal["id"])
    return RebalanceEvent(
        event_id=event_id,
        account_id=signal["account"],
        exec_command=Command(signal["command"]),
        created_at=SystemClock().now() - timedelta(seconds=1),
        source=signal["via"],
        data={"n": signal["n"], "script": signal["script"], **signal.get("more", {})},
    )
