"""The optional groups of the longest message: whatever comes before, the last field is read in its place."""

import pytest
from ib_async import Contract, DeltaNeutralContract, Order, PriceCondition, Stock, TagValue

from sandbox.testing import RunningSandbox

SPY = Stock("SPY", "SMART", "USD")
ADAPTIVE = {"algoStrategy": "Adaptive", "algoParams": [TagValue("adaptivePriority", "Normal")]}
SCALE = {"scaleInitLevelSize": 1, "scalePriceIncrement": 0.5, "scaleProfitOffset": 1.0}


def order(**more: object) -> Order:
    """A market order with something extra."""
    fields = {"action": "BUY", "totalQuantity": 10, "orderType": "MKT", "tif": "DAY", "account": "DU1"} | more
    return Order(**fields)  # pyright: ignore[reportArgumentType] - fields of many types by name


@pytest.mark.parametrize("version", [157, 176, 177, 178])
@pytest.mark.parametrize(
    "extra",
    [{}, ADAPTIVE, {"hedgeType": "D", "hedgeParam": "1"}, SCALE, {"deltaNeutralOrderType": "MKT"}, {"algoId": "x"}],
)
async def test_the_what_if_flag_is_found_behind_any_group(
    sandbox: RunningSandbox,
    extra: dict[str, object],
    version: int,
) -> None:
    """A question that was read as an order would be placed."""
    ib = await sandbox.connect(version=version)

    state = await ib.whatIfOrderAsync(SPY, order(**extra))

    assert float(state.initMarginChange) == 2500
    assert sandbox.world.journal.of("place_order") == []


async def test_a_delta_neutral_contract_is_passed_over(sandbox: RunningSandbox) -> None:
    """It stands in the middle of the order's fields."""
    ib = await sandbox.connect()
    contract = Stock("SPY", "SMART", "USD")
    contract.deltaNeutralContract = DeltaNeutralContract(1, 0.5, 100.0)

    state = await ib.whatIfOrderAsync(contract, order())

    assert float(state.initMarginChange) == 2500


async def test_conditions_are_refused_instead_of_ignored(sandbox: RunningSandbox) -> None:
    """An order that should wait for something must not trade at once."""
    ib = await sandbox.connect()

    ib.placeOrder(SPY, order(conditions=[PriceCondition(price=400.0, conId=1, exch="SMART")]))
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [387]


async def test_combinations_are_unknown_here(sandbox: RunningSandbox) -> None:
    """The sandbox trades single contracts only."""
    ib = await sandbox.connect()

    ib.placeOrder(Contract(symbol="SPY", secType="BAG", exchange="SMART", currency="USD"), order())
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [200]


async def test_an_order_that_is_not_transmitted_waits_for_its_second_half(sandbox: RunningSandbox) -> None:
    """It works once it is sent again with the flag."""
    ib = await sandbox.connect()
    held = order(transmit=False)
    ib.placeOrder(SPY, held)
    await ib.reqCurrentTimeAsync()
    before = [open_order.status for open_order in sandbox.world.open_orders()]

    held.transmit = True
    ib.placeOrder(SPY, held)
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")

    assert before == ["PendingSubmit"]
