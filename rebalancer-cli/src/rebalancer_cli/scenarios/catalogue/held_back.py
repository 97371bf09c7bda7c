"""Signals that must not trade: not now, not on such data, not today.

An order left in the market before shows that nothing is cancelled either.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from rebalancer_cli.demo.story import LIVE_CHANNEL
from rebalancer_cli.scenarios.catalogue.plays import leave_order, to_the_end, to_the_first_failure
from rebalancer_cli.scenarios.claims import accounts, events, orders
from rebalancer_cli.scenarios.claims.events import NEW_YORK, OPENING
from rebalancer_cli.scenarios.scenario import Scenario, meanwhile
from rebalancer_cli.scenarios.stage import REBALANCE, Stage

_PAYLOAD: Mapping[str, Any] = {**REBALANCE, "note": "carried along"}
_TOO_MUCH: Mapping[str, float] = {"SPY": 1.0, "QQQ": 0.8}
_ANOTHER_MODEL: Mapping[str, float] = {"BND": 0.6, "VTI": 0.4}
_WHY = "the strategy's data looks wrong"


async def _while_closed(stage: Stage) -> None:
    tomorrow = (await stage.world.now()).astimezone(NEW_YORK) + timedelta(days=1)
    session = f"{tomorrow:%Y%m%d}:{OPENING:%H%M}-{tomorrow:%Y%m%d}:1600"
    hours = {"kind": "literal", "trading_hours": session, "liquid_hours": session}
    await stage.world.change("PUT", "hours", {"hours": hours})
    await leave_order(stage)
    await stage.signal(_PAYLOAD)
    await stage.put_aside()


async def _without_a_price(stage: Stage) -> None:
    await stage.world.change("POST", "market", {"symbol": "QQQ", "no_quote": True})
    await leave_order(stage)
    await stage.signal()
    await stage.failed(times_queued=3)


async def _with_bad_weights(stage: Stage) -> None:
    await stage.world.change("PUT", f"allocations/{LIVE_CHANNEL}", {"weights": _TOO_MUCH})
    await leave_order(stage)
    await to_the_first_failure(stage)


async def _paused(stage: Stage) -> None:
    await stage.api.pause("all", _WHY)
    await stage.signal(_PAYLOAD)
    await stage.put_aside()
    await stage.look()
    await stage.api.resume("all")
    await stage.ended()


async def _twice_a_day(stage: Stage) -> None:
    await to_the_end(stage)
    await stage.look()
    await stage.world.change("PUT", f"allocations/{LIVE_CHANNEL}", {"weights": _ANOTHER_MODEL})
    await to_the_end(stage)


MARKET_CLOSED = Scenario(
    name="market-closed",
    summary="The market is closed: the event is delayed to the next session, and nothing is touched",
    play=_while_closed,
    claims=(
        orders.nothing_touched(),
        orders.open_orders(1),
        events.put_aside_unchanged(_PAYLOAD),
        events.due_at_tomorrows_opening(),
        events.health_is(HTTPStatus.OK),
    ),
)

NO_PRICE = Scenario(
    name="no-price",
    summary="There is no price for one symbol: no order, no cancellation, tried again and again",
    settings={"PROCESSING_PAUSE_UNEXPECTED_SECONDS": "1"},
    play=_without_a_price,
    claims=(
        orders.nothing_touched(),
        orders.open_orders(1),
        events.error_names("QQQ"),
        events.waits_for_another_try(times_queued=3),
        events.health_is(HTTPStatus.SERVICE_UNAVAILABLE),
    ),
)

BAD_ALLOCATIONS = Scenario(
    name="bad-allocations",
    summary="The published weights sum to 1.8: they are refused, and nothing is touched",
    play=_with_bad_weights,
    claims=(
        orders.nothing_touched(),
        orders.open_orders(1),
        events.error_names("1.8"),
        events.waits_for_another_try(),
        events.health_is(HTTPStatus.SERVICE_UNAVAILABLE),
    ),
)

PAUSED = Scenario(
    name="paused",
    summary="An operator has paused trading: the event waits, and completes once trading is resumed",
    play=_paused,
    claims=(
        meanwhile(orders.nothing_touched()),
        meanwhile(events.put_aside_unchanged(_PAYLOAD)),
        meanwhile(events.part_says("trading", _WHY)),
        orders.no_order_twice(),
        events.first_attempt(),
        events.completed("success"),
        accounts.arrived(),
    ),
)

PDT = Scenario(
    name="pdt",
    summary="A protected account gets a second signal on the day on which it traded: that one is skipped",
    account={"pdt_protection_enabled": True},
    play=_twice_a_day,
    claims=(
        meanwhile(events.completed("success")),
        meanwhile(accounts.arrived()),
        orders.nothing_placed_since_looking(),
        orders.no_order_twice(),
        events.skipped(),
        events.result_says("message"),
    ),
)

SCENARIOS: Sequence[Scenario] = (MARKET_CLOSED, NO_PRICE, BAD_ALLOCATIONS, PAUSED, PDT)
