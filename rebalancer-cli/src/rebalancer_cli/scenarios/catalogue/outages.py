"""The gateway goes away, or the worker dies, and both come back.

In the two outages that strike during the sells, the sell of SPY never fills, so that they strike in good time however
busy the machine is; its successor fills as usual.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from rebalancer_cli.scenarios.catalogue.plays import to_the_first_failure
from rebalancer_cli.scenarios.claims import accounts, events, orders
from rebalancer_cli.scenarios.scenario import Scenario, meanwhile
from rebalancer_cli.scenarios.stage import Stage

_WORKER = "event-processor"
_STUCK_SELL: Mapping[str, Any] = {
    "faults": [{"kind": "slow_fill", "symbol": "SPY", "side": "SELL", "times": 1, "after_ms": None}]
}


async def _gateway_drops(stage: Stage) -> None:
    await stage.signal()
    await stage.happened("order_accepted", "SPY")
    await stage.world.gateway("down")
    await stage.failed()
    await stage.look()
    await stage.world.gateway("up")
    await stage.ended()


async def _gateway_is_down(stage: Stage) -> None:
    await stage.world.gateway("down")
    await stage.component("gateway", "down")
    await to_the_first_failure(stage)
    await stage.look()
    await stage.world.gateway("up")
    await stage.ended()


async def _worker_dies(stage: Stage) -> None:
    await stage.signal()
    await stage.happened("order_accepted", "SPY")
    await stage.services.kill(_WORKER)
    await stage.look()
    await stage.services.start(_WORKER)
    await stage.ended()


GATEWAY_DROP = Scenario(
    name="gateway-drop",
    summary="The gateway goes down while sells are in the market: the event returns and completes by itself",
    world=_STUCK_SELL,
    play=_gateway_drops,
    claims=(
        meanwhile(orders.placed_before_looking("SPY")),
        meanwhile(events.waits_for_another_try()),
        meanwhile(events.health_is(HTTPStatus.SERVICE_UNAVAILABLE)),
        orders.cancelled_before_buying("SPY"),
        orders.no_order_twice(),
        orders.open_orders(0),
        events.tried_again(),
        events.completed("success"),
        accounts.arrived(),
    ),
)

GATEWAY_DOWN_AT_START = Scenario(
    name="gateway-down-at-start",
    summary="The gateway is down when the signal comes: the event waits its turn again and again until it is back",
    play=_gateway_is_down,
    claims=(
        meanwhile(orders.nothing_touched()),
        meanwhile(events.waits_for_another_try()),
        meanwhile(events.health_is(HTTPStatus.SERVICE_UNAVAILABLE)),
        orders.no_order_twice(),
        events.tried_again(),
        events.completed("success"),
        accounts.arrived(),
    ),
)

CRASH = Scenario(
    name="crash",
    summary="The event-processor is killed with orders in the market and started again: no order goes out twice",
    world=_STUCK_SELL,
    settings={"PROCESSING_LEASE_SECONDS": "3"},
    kills=frozenset({_WORKER}),
    play=_worker_dies,
    claims=(
        meanwhile(orders.placed_before_looking("SPY")),
        orders.cancelled_before_buying("SPY"),
        orders.no_order_twice(),
        orders.open_orders(0),
        events.tried_again(),
        events.completed("success"),
        accounts.arrived(),
    ),
)

SCENARIOS: Sequence[Scenario] = (GATEWAY_DROP, GATEWAY_DOWN_AT_START, CRASH)
