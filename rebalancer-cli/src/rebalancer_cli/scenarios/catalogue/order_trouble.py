"""Orders that fill in part, are refused, are told of twice, or are not ours."""

from collections.abc import Sequence
from http import HTTPStatus

from rebalancer_cli.scenarios.catalogue.plays import leave_order, to_the_end, to_the_first_failure
from rebalancer_cli.scenarios.claims import accounts, events, orders
from rebalancer_cli.scenarios.evidence import OTHER_CLIENT
from rebalancer_cli.scenarios.scenario import Scenario
from rebalancer_cli.scenarios.stage import Stage

_WORDS = "Order rejected - reason:shares are on loan"
_HAND = 0


async def _among_foreign_orders(stage: Stage) -> None:
    await leave_order(stage, client_id=OTHER_CLIENT)
    await leave_order(stage)
    await to_the_end(stage)


PARTIAL_FILL = Scenario(
    name="partial-fill",
    summary="10 shares of a sell fill by the deadline: the rest is cancelled, the buys take the cash that is there",
    world={"faults": [{"kind": "partial_fill", "symbol": "SPY", "side": "SELL", "quantity": 10}]},
    settings={"ORDERS_FILL_TIMEOUT_SECONDS": "2"},
    play=to_the_end,
    claims=(
        orders.filled_in_part("SPY", 10),
        accounts.bought_from_real_cash(),
        orders.no_order_twice(),
        orders.open_orders(0),
        events.completed("partial"),
        events.health_is(HTTPStatus.OK),
    ),
)

REJECT = Scenario(
    name="reject",
    summary="The brokerage rejects a sell: nothing is bought, its reason is kept, the event waits",
    world={"faults": [{"kind": "reject", "symbol": "SPY", "side": "SELL", "text": _WORDS}]},
    play=to_the_first_failure,
    claims=(
        orders.met_fault("reject"),
        orders.nothing_bought(),
        orders.no_order_twice(),
        orders.open_orders(0),
        events.error_names(_WORDS),
        events.audit_keeps("order_result", _WORDS),
        events.waits_for_another_try(),
        events.health_is(HTTPStatus.SERVICE_UNAVAILABLE),
    ),
)

FOREIGN_ORDER = Scenario(
    name="foreign-order",
    summary="An order of another client and one placed by hand are open: both are cancelled through their owners first",
    play=_among_foreign_orders,
    claims=(
        orders.cancelled_through(_HAND, OTHER_CLIENT),
        orders.open_orders(0),
        orders.no_order_twice(),
        events.result_says("cancelled_orders"),
        events.completed("success"),
        accounts.arrived(),
    ),
)

DUPLICATE_FILL = Scenario(
    name="duplicate-fill",
    summary="The gateway tells of every execution twice: each share is counted once",
    world={"faults": [{"kind": "duplicate_execution"}]},
    play=to_the_end,
    claims=(
        orders.met_fault("duplicate_execution"),
        orders.each_share_counted_once(),
        orders.no_order_twice(),
        events.completed("success"),
        accounts.arrived(),
    ),
)

PRESET_MESSAGE = Scenario(
    name="preset-message",
    summary="Error 10349 arrives on orders that go on living: they stay in work, none is sent again",
    world={"faults": [{"kind": "order_message", "code": 10349}]},
    play=to_the_end,
    claims=(
        orders.met_fault("order_message"),
        orders.one_order_a_symbol(),
        orders.no_order_twice(),
        events.completed("success"),
        events.first_attempt(),
        accounts.arrived(),
    ),
)

SCENARIOS: Sequence[Scenario] = (PARTIAL_FILL, REJECT, FOREIGN_ORDER, DUPLICATE_FILL, PRESET_MESSAGE)
