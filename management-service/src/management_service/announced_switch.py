"""The trading switch, with people told of each switching."""

from collections.abc import Mapping
from dataclasses import dataclass

from event_queue.outcomes import Pause
from event_queue.ports.operators import TradingSwitch
from management_service.scopes import ALL, shown_scope
from service_runtime.notifications.notice import Notice, Notifier, Occasion, Urgency


@dataclass(frozen=True, slots=True)
class AnnouncedSwitch:
    """`TradingSwitch` over another one; what was switched is told, once, after it was switched."""

    switch: TradingSwitch
    notifier: Notifier

    async def pause(self, scope: str, *, actor: str, reason: str) -> Pause:
        """See `TradingSwitch.pause`; the same words for the same pause are told once."""
        pause = await self.switch.pause(scope, actor=actor, reason=reason)
        self.notifier.notify(_paused(pause))
        return pause

    async def resume(self, scope: str, *, actor: str) -> Pause | None:
        """See `TradingSwitch.resume`."""
        lifted = await self.switch.resume(scope, actor=actor)
        if lifted is not None:
            self.notifier.notify(_resumed(lifted, actor))
        return lifted

    async def read(self) -> Mapping[str, Pause]:
        """See `TradingSwitch.read`."""
        return await self.switch.read()


def _paused(pause: Pause) -> Notice:
    return Notice(
        Occasion.TRADING_PAUSED,
        f"{pause.scope} {pause.since.isoformat()} {pause.actor} {pause.reason}",
        f"Trading is paused for {_whom(pause)}",
        f"By {pause.actor}: {pause.reason}\n\nOrders at the brokerage stay there; what would trade waits.",
        Urgency.WARNING,
    )


def _resumed(lifted: Pause, actor: str) -> Notice:
    return Notice(
        Occasion.TRADING_RESUMED,
        f"{lifted.scope} {lifted.since.isoformat()}",
        f"Trading is resumed for {_whom(lifted)}",
        f"By {actor}. It was paused since {lifted.since.isoformat(timespec='seconds')} ({lifted.reason}); events that "
        "waited run now.",
        Urgency.INFO,
    )


def _whom(pause: Pause) -> str:
    scope = shown_scope(pause.scope)
    return "all accounts" if scope == ALL else f"account {scope}"
