"""What holds for every account, tried on random ones, and a second opinion on each plan."""

from dataclasses import replace
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from broker_connector_base import AccountPosition, Side
from rebalance_calculator import PlanInputs, RebalancePlan, TradeLimits, plan_buys, plan_rebalance
from rebalance_calculator.testing import account, after_fills, expected_trades, inputs, position, traded

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
PRICES = st.one_of(
    st.integers(1, 200).map(Decimal), st.decimals("0.01", 6000, places=2), st.sampled_from([Decimal(500_000)])
)
SHARES = st.one_of(st.just(Decimal(0)), st.integers(-50, 3000).map(Decimal), st.decimals(0, 300, places=4))


@st.composite
def percents(draw: st.DrawFn) -> dict[str, Decimal]:
    """Weights in percent with up to two decimals, at most 100 together."""
    parts = {symbol: draw(st.integers(0, 100)) for symbol in draw(st.sets(st.sampled_from(SYMBOLS)))}
    total = max(sum(parts.values()), 1)
    return {symbol: Decimal(part * 10_000 // total) / 100 for symbol, part in parts.items()}


@st.composite
def holdings(draw: st.DrawFn) -> list[AccountPosition]:
    """Managed shares of any of the symbols, and now and then a foreign listing."""
    held = [position(symbol, draw(SHARES)) for symbol in draw(st.sets(st.sampled_from(SYMBOLS)))]
    return [*held, *draw(st.sampled_from([[], [position("SAP", 50, currency="EUR")]]))]


@st.composite
def accounts(draw: st.DrawFn) -> PlanInputs:
    """Accounts of every kind; their net liquidation differs a little from our prices now and then."""
    prices = {symbol: draw(PRICES) for symbol in SYMBOLS}
    held = draw(holdings())
    cash = draw(st.one_of(st.integers(-50_000, 500_000).map(Decimal), st.decimals(0, 10_000, places=2)))
    value = sum((item.quantity * prices.get(item.symbol, Decimal(0)) for item in held), cash)
    snapshot = account(
        cash=cash,
        settled_cash=draw(st.sampled_from([None, cash, cash - 1000])),
        other_cash=draw(st.sampled_from([0, 700])),
        net_liquidation=value + draw(st.sampled_from([0, 0, 700, -250, 12_345])),
        positions=held,
    )
    return inputs(
        snapshot,
        percent=draw(percents()),
        prices=prices,
        reserve=draw(st.decimals(0, 10, places=1)),
        excluded=draw(st.sampled_from([[], [], ["AAA"]])),
    )


@st.composite
def limited_accounts(draw: st.DrawFn) -> PlanInputs:
    """The same accounts under limits, with a price buffer, and now and then without the proceeds of sells."""
    limits = TradeLimits(
        max_order_value=draw(st.sampled_from([None, Decimal(5000), Decimal(50_000)])),
        max_turnover_percent=draw(st.sampled_from([None, Decimal("0.5"), Decimal(25)])),
        min_trade_value=draw(st.sampled_from([None, Decimal(100), Decimal(3000)])),
        drift_band_percent=draw(st.sampled_from([None, Decimal("0.25"), Decimal(10)])),
    )
    buffer = draw(st.sampled_from([Decimal(0), Decimal("0.005"), Decimal("0.03")]))
    return replace(draw(accounts()), limits=limits, buy_price_buffer=buffer, proceeds_fund_buys=draw(st.booleans()))


def spendable(given: PlanInputs, plan: RebalancePlan) -> Decimal:
    proceeds = sum((trade.market_value for trade in plan.sells), Decimal(0))
    if not given.proceeds_fund_buys:
        proceeds = Decimal(0)
    return given.snapshot.spendable_cash + proceeds - plan.equity.reserve_amount


def shares(given: PlanInputs) -> dict[str, Decimal]:
    return {item.symbol: item.quantity for item in given.snapshot.positions if item.is_tradeable}


@settings(deadline=None)
@given(st.one_of(accounts(), limited_accounts()))
def test_buys_fit_the_cash_and_the_reserve_is_kept(given: PlanInputs) -> None:
    """After all fills at plan prices the reserve is there, unless it was not there after the sells."""
    plan = plan_rebalance(given)
    limit = spendable(given, plan)
    cost = sum((trade.market_value for trade in plan.buys), Decimal(0)) * (1 + given.buy_price_buffer)
    after = after_fills(given, plan.trades).snapshot.spendable_cash

    assert cost <= max(limit, Decimal(0))
    assert after >= plan.equity.reserve_amount or not plan.buys


@settings(deadline=None)
@given(st.one_of(accounts(), limited_accounts()))
def test_sells_stay_within_the_whole_shares_held(given: PlanInputs) -> None:
    """Nothing that was not short before is short afterwards, and no short grows."""
    before, after = shares(given), shares(after_fills(given, plan_rebalance(given).trades))

    for symbol, quantity in after.items():
        assert quantity >= min(before.get(symbol, Decimal(0)), Decimal(0))


@settings(deadline=None)
@given(st.one_of(accounts(), limited_accounts()))
def test_trades_are_whole_positive_and_one_a_symbol(given: PlanInputs) -> None:
    """A plan never sells and buys the same symbol, and touches nothing excluded."""
    plan = plan_rebalance(given)

    assert all(type(trade.quantity) is int and trade.quantity > 0 for trade in plan.trades)
    assert len(plan.symbols) == len(plan.trades)
    assert plan.symbols.isdisjoint(given.excluded)
    assert all(trade.side is Side.SELL for trade in plan.sells)
    assert all(trade.side is Side.BUY for trade in plan.buys)


@settings(deadline=None, max_examples=300)
@given(accounts())
def test_planning_again_after_the_fills_finds_nothing(given: PlanInputs) -> None:
    """A filled plan is a place to stay."""
    settled = after_fills(given, plan_rebalance(given).trades)

    assert plan_rebalance(settled).trades == ()


@settings(deadline=None)
@given(st.one_of(accounts(), limited_accounts()), st.randoms(use_true_random=False))
def test_the_order_of_inputs_does_not_matter(given: PlanInputs, random: Random) -> None:
    """The plan is a value of the account, not of the lists that describe it."""
    shuffled = sorted(given.snapshot.positions, key=lambda _: random.random())
    other = replace(
        given,
        snapshot=given.snapshot.model_copy(update={"positions": tuple(shuffled)}),
        weights=given.weights[::-1],
        prices=dict(reversed(list(given.prices.items()))),
    )

    assert plan_rebalance(other) == plan_rebalance(given)


@settings(deadline=None, max_examples=200)
@given(st.one_of(accounts(), limited_accounts()))
def test_buys_planned_after_the_sells_are_the_planned_buys(given: PlanInputs) -> None:
    """Sells that filled at plan prices leave nothing to decide."""
    given = replace(given, proceeds_fund_buys=True)
    plan = plan_rebalance(given)
    sold = after_fills(given, plan.sells)

    again = plan_buys(plan, shares(sold), sold.snapshot.spendable_cash)

    assert again == plan.buys


@settings(deadline=None, max_examples=200)
@given(limited_accounts())
def test_every_limit_is_kept(given: PlanInputs) -> None:
    """By each order, and by all together."""
    plan = plan_rebalance(given)
    values = [trade.market_value for trade in plan.trades]
    limits, most = given.limits, Decimal("Infinity")

    assert max(values, default=Decimal(0)) <= (limits.max_order_value or most)
    assert min(values, default=most) >= (limits.min_trade_value or Decimal(0))
    if limits.max_turnover_percent is not None:
        assert sum(values) <= max(given.snapshot.net_liquidation, Decimal(0)) * limits.max_turnover_percent / 100


@settings(deadline=None)
@given(limited_accounts())
def test_limits_never_make_a_sell_larger(given: PlanInputs) -> None:
    """Whatever they leave was wanted without them."""
    free = traded(plan_rebalance(replace(given, limits=TradeLimits())))

    for trade in plan_rebalance(given).sells:
        assert trade.quantity <= -free[trade.symbol]


@settings(deadline=None, max_examples=400)
@given(accounts())
def test_a_second_opinion_agrees(given: PlanInputs) -> None:
    """Exact fractions and another way of counting find the same trades."""
    assert traded(plan_rebalance(given)) == expected_trades(given)
