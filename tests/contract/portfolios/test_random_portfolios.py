"""Ten thousand random portfolios, planned and carried out at a paper brokerage, judged by an oracle.

The oracle shares no code with the calculator: it knows from the generator what each account holds, reckons in exact
fractions, and says what must have been sold, what must have been bought, and what must be left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from random import Random

import pytest

from broker_connector_base import (
    AccountPosition,
    AccountSnapshot,
    AssetClass,
    Fill,
    OrderRequest,
    OrderType,
    TimeInForce,
)
from broker_connector_base.testing import (
    FillPartly,
    OrderScript,
    PaperAccount,
    PaperBroker,
    PaperBrokerage,
    PaperQuote,
    PaperSpec,
    paper_position,
)
from rebalance_calculator import (
    PlanInputs,
    RebalancePlan,
    TargetWeight,
    Trade,
    plan_buys,
    plan_rebalance,
    symbols_to_price,
)

CHUNKS, PORTFOLIOS_PER_CHUNK = 20, 500
ACCOUNT = "DU1"
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
FOREIGN = AccountPosition(
    symbol="SAP", contract_id="ibis", quantity=Decimal(50), asset_class=AssetClass.STOCK, currency="EUR"
)
CALL = AccountPosition(
    symbol="AAA", contract_id="call", quantity=Decimal(-1), asset_class=AssetClass.OTHER, currency="USD"
)
HALF = Fraction(1, 2)


# --- portfolios -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """An account, what it should hold, and what happens to its orders."""

    account: PaperAccount
    prices: Mapping[str, Decimal]
    weights: Mapping[str, Decimal]
    reserve: Decimal
    excluded: frozenset[str]
    commission: Decimal
    slippage: Decimal
    """Fraction by which sells bring less, and buys cost more, than planned."""
    partly: frozenset[str]
    """Symbols whose first orders fill only in half."""

    @property
    def is_smooth(self) -> bool:
        """True when orders cost and bring exactly what was planned."""
        return not self.commission and not self.slippage

    def spec(self) -> PaperSpec:
        """The brokerage around it."""
        quotes = tuple(PaperQuote(symbol=symbol, price=price) for symbol, price in self.prices.items())
        return PaperSpec(accounts=(self.account,), quotes=quotes, commission=self.commission)


def portfolio(seed: int) -> Portfolio:
    """The portfolio of this number, always the same."""
    random = Random(seed)  # noqa: S311 - portfolios, not secrets
    symbols = SYMBOLS[: random.randint(1, len(SYMBOLS))]
    prices = {symbol: Decimal(random.choice((random.randint(100, 90_000), 1_234_500))) / 100 for symbol in symbols}
    has_friction = random.random() < 0.3
    return Portfolio(
        account=_account(random, symbols),
        prices=prices,
        weights=_weights(random, symbols),
        reserve=Decimal(random.randint(0, 20)) / 2,
        excluded=frozenset(random.sample(symbols, random.choice((0, 0, 0, 1)))),
        commission=Decimal(random.choice((0, 1))) if has_friction else Decimal(0),
        slippage=Decimal(random.choice((0, 1, 10))) / 1000 if has_friction else Decimal(0),
        partly=frozenset(symbol for symbol in symbols if random.random() < 0.1),
    )


def _account(random: Random, symbols: Sequence[str]) -> PaperAccount:
    is_cash_account = random.random() < 0.4
    held = [paper_position(symbol, _quantity(random, is_cash_account)) for symbol in symbols if random.random() < 0.6]
    unmanaged = random.choice(((), (), (FOREIGN,), (CALL,), (FOREIGN, CALL)))
    cash = Decimal(random.randint(0 if is_cash_account else -2_000_000, 10_000_000)) / 100
    return PaperAccount(
        account_id=ACCOUNT,
        cash=cash,
        settled_cash=cash * random.choice((1, 1, Decimal("0.5"))) if is_cash_account else None,
        is_cash_account=is_cash_account,
        other_cash=Decimal(random.choice((0, 0, 700))),
        unmanaged_value=Decimal(random.choice((5000, -250))) if unmanaged else Decimal(0),
        positions=(*(position for position in held if position.quantity), *unmanaged),
    )


def _quantity(random: Random, is_cash_account: bool) -> Decimal:
    kinds = [Decimal(random.randint(0, 400)), Decimal(random.randint(0, 4_000_000)) / 10_000]
    return random.choice(kinds if is_cash_account else [*kinds, kinds[0], Decimal(-random.randint(1, 40))])


def _weights(random: Random, symbols: Sequence[str]) -> Mapping[str, Decimal]:
    parts = {symbol: random.randint(0, 100) for symbol in symbols if random.random() < 0.8}
    total = max(sum(parts.values()), 1)
    return {symbol: Decimal(part * 10_000 // total) / 10_000 for symbol, part in parts.items()}


# --- a rebalance, as a live run does it -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One rebalance that was carried out."""

    before: AccountSnapshot
    preview: RebalancePlan
    live_buys: tuple[Trade, ...]
    spendable: Decimal
    """Cash when the buys were planned, reserve included."""
    sold: tuple[Fill, ...]
    bought: tuple[Fill, ...]
    after: AccountSnapshot


class Desk:
    """Rebalances one portfolio at its brokerage."""

    def __init__(self, given: Portfolio) -> None:
        self._given = given
        self._runs = 0
        self.brokerage = PaperBrokerage(given.spec(), now=lambda: NOON)
        self._broker = PaperBroker(self.brokerage)

    async def rebalance(self) -> Run:
        """Sells, buys planned anew from what they brought, buys."""
        self._runs += 1
        await self._broker.connect()
        before = await self._broker.get_account_snapshot(ACCOUNT)
        preview = plan_rebalance(await self._inputs(before))
        sold = await self._carry_out(preview.sells)
        middle = await self._broker.get_account_snapshot(ACCOUNT)
        spendable = before.spendable_cash + sum((fill.cash_effect for fill in sold), Decimal(0))
        buys = plan_buys(preview, _shares(middle), spendable)
        bought = await self._carry_out(buys)
        return Run(
            before=before,
            preview=preview,
            live_buys=buys,
            spendable=spendable,
            sold=sold,
            bought=bought,
            after=await self._broker.get_account_snapshot(ACCOUNT),
        )

    async def _inputs(self, snapshot: AccountSnapshot) -> PlanInputs:
        weights = tuple(TargetWeight(symbol, weight) for symbol, weight in self._given.weights.items())
        needed = sorted(symbols_to_price(snapshot, weights, self._given.excluded))
        return PlanInputs(
            snapshot=snapshot,
            weights=weights,
            prices=await self._broker.get_market_prices(needed, allow_previous_close=False),
            reserve_percentage=self._given.reserve,
            excluded=self._given.excluded,
            buy_price_buffer=self._given.slippage,
        )

    async def _carry_out(self, trades: Sequence[Trade]) -> tuple[Fill, ...]:
        """Send orders into a market that moved against us, and cancel what is left of them."""
        fills: list[Fill] = []
        for trade in trades:
            self._quote(trade.symbol, trade.price * (1 + trade.side.sign * self._given.slippage))
            if self._runs == 1 and trade.symbol in self._given.partly:
                self.brokerage.scripts.add(OrderScript(FillPartly(Decimal((trade.quantity + 1) // 2)), trade.symbol))
            order_id = await self._broker.place_order(_order(trade))
            await self._broker.cancel_order(order_id, timeout_seconds=0)
            fills += (await self._broker.await_order(order_id, timeout_seconds=0)).fills
            self._quote(trade.symbol, trade.price)
        return tuple(fills)

    def _quote(self, symbol: str, price: Decimal) -> None:
        if self._given.slippage:
            self.brokerage.set_quote(PaperQuote(symbol=symbol, price=price))


def _order(trade: Trade) -> OrderRequest:
    return OrderRequest(
        account_id=ACCOUNT,
        symbol=trade.symbol,
        side=trade.side,
        quantity=trade.quantity,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref=f"event:{trade.side}:{trade.symbol}",
    )


def _shares(snapshot: AccountSnapshot) -> Mapping[str, Decimal]:
    return {held.symbol: held.quantity for held in snapshot.positions if held.is_tradeable}


# --- the oracle -------------------------------------------------------------------------------------------------------


class Oracle:
    """What one run must have done to an account, in exact fractions."""

    def __init__(self, given: Portfolio, run: Run) -> None:
        self._given, self._run = given, run
        self._prices = {symbol: Fraction(price) for symbol, price in given.prices.items()}
        self._held = {symbol: Fraction(quantity) for symbol, quantity in _shares(run.before).items()}
        self._after = {symbol: Fraction(quantity) for symbol, quantity in _shares(run.after).items()}
        own = {symbol: quantity * self._prices[symbol] for symbol, quantity in self._held.items()}
        account = given.account
        beside = Fraction(account.other_cash + account.unmanaged_value)
        worth = Fraction(run.before.cash) + beside + sum(own.values())
        kept = sum(value for symbol, value in own.items() if symbol in given.excluded)
        self.reserve = max(worth, Fraction(0)) * Fraction(given.reserve) / 100
        self._investable = max(worth - self.reserve - beside - kept, Fraction(0))
        self._targets = {symbol: self._target(symbol) for symbol in given.prices if symbol not in given.excluded}

    def faults(self) -> list[str]:
        """Everything that is wrong with the run, nothing when it is right."""
        checks = {
            "sold other than expected": self._is_sold_as_expected(),
            "a short was opened": self._opens_no_short(),
            "unmanaged positions changed": self._leaves_the_rest_alone(),
            "the reserve was spent, or money that is not there": self._keeps_the_reserve(),
            "off target by more than a share": self._is_on_target(),
            "cash lies idle": self._leaves_no_cash_idle(),
            "short cash was shared unfairly": self._is_fair(),
            "preview and live differ": self._is_as_previewed(),
        }
        return [fault for fault, is_right in checks.items() if not is_right]

    def _is_sold_as_expected(self) -> bool:
        planned = {trade.symbol: trade.quantity for trade in self._run.preview.sells}
        surplus = {symbol: self._held.get(symbol, Fraction(0)) - target for symbol, target in self._targets.items()}
        most = {symbol: min(_nearest(extra), floor(self._held.get(symbol, 0))) for symbol, extra in surplus.items()}
        return planned == {symbol: quantity for symbol, quantity in most.items() if quantity > 0}

    def _opens_no_short(self) -> bool:
        return all(quantity >= min(self._held.get(symbol, 0), 0) for symbol, quantity in self._after.items())

    def _leaves_the_rest_alone(self) -> bool:
        return self._rest(self._run.before) == self._rest(self._run.after)

    def _rest(self, snapshot: AccountSnapshot) -> Mapping[str, Decimal]:
        own = self._given.excluded
        return {
            held.contract_id: held.quantity
            for held in snapshot.positions
            if not held.is_tradeable or held.symbol in own
        }

    def _keeps_the_reserve(self) -> bool:
        """Buys never reach into the reserve; only their commissions, which nobody knows beforehand, may."""
        spent = -sum(fill.cash_effect for fill in self._run.bought)
        fees = sum(fill.commission or 0 for fill in self._run.bought)
        return not self._run.bought or Fraction(self._run.spendable - spent + fees) >= self.reserve

    def _is_on_target(self) -> bool:
        """Where cash reaches all targets, everything that could fill is at the nearest whole share."""
        if self._need() > self._money():
            return True
        moved = {trade.symbol for trade in self._run.preview.trades} & self._given.partly
        return all(
            abs(self._after.get(symbol, 0) - target) <= (HALF if self._can_move(symbol) else 1)
            for symbol, target in self._targets.items()
            if symbol not in moved
        )

    def _can_move(self, symbol: str) -> bool:
        """False where only a fraction of a share is left, which no order can sell."""
        return self._after.get(symbol, Fraction(0)) >= 1 or self._after.get(symbol, 0) <= self._targets[symbol]

    def _leaves_no_cash_idle(self) -> bool:
        """What short cash leaves over is less than a share of each symbol that stays below its target."""
        bought = self._bought()
        gaps = {symbol: gap - bought.get(symbol, 0) for symbol, gap in self._gaps().items()}
        left = self._money() - sum(count * self._cost(symbol) for symbol, count in bought.items())
        missing = [symbol for symbol, gap in gaps.items() if gap > HALF]
        return not missing or left < sum(self._cost(symbol) for symbol in missing)

    def _is_fair(self) -> bool:
        """Each gets its share of short cash, but for one whole share; and nobody more than it asks for."""
        gaps, bought = self._gaps(), self._bought()
        full = sum(gap * self._cost(symbol) for symbol, gap in gaps.items())
        part = min(Fraction(1), max(self._money(), Fraction(0)) / full) if full else Fraction(1)
        return bought.keys() <= gaps.keys() and all(
            gap * part - 1 <= bought.get(symbol, 0) < gap + 1 for symbol, gap in gaps.items()
        )

    def _is_as_previewed(self) -> bool:
        """When sells bring what was planned, a live run buys what the preview showed."""
        if not self._given.is_smooth or {trade.symbol for trade in self._run.preview.sells} & self._given.partly:
            return True
        return self._run.live_buys == self._run.preview.buys

    def _bought(self) -> Mapping[str, int]:
        return {trade.symbol: trade.quantity for trade in self._run.live_buys}

    def _gaps(self) -> Mapping[str, Fraction]:
        """Shares missing from each target once the sells are done, where more than half a share is."""
        gaps = {symbol: target - self._held.get(symbol, Fraction(0)) for symbol, target in self._targets.items()}
        return {symbol: gap for symbol, gap in gaps.items() if gap > HALF}

    def _need(self) -> Fraction:
        gaps = self._gaps()
        return sum((_nearest(gap) * self._cost(symbol) for symbol, gap in gaps.items()), Fraction(0))

    def _money(self) -> Fraction:
        return Fraction(self._run.spendable) - self.reserve

    def _cost(self, symbol: str) -> Fraction:
        return self._prices[symbol] * (1 + Fraction(self._given.slippage))

    def _target(self, symbol: str) -> Fraction:
        exact = Fraction(self._given.weights.get(symbol, Decimal(0))) * self._investable / self._prices[symbol]
        return Fraction(floor(exact * 10**12), 10**12)


def _nearest(shares: Fraction) -> int:
    """Whole shares nearest to a positive number of them, none for up to half a share."""
    below = floor(shares)
    rest = shares - below
    if shares <= HALF:
        return 0
    return below + (rest > HALF or (rest == HALF and below % 2 == 1))


# --- the proof --------------------------------------------------------------------------------------------------------


async def _faults(seed: int) -> list[str]:
    """What is wrong with the portfolio of this number after one run, and after the runs that follow it."""
    given = portfolio(seed)
    desk = Desk(given)
    first = await desk.rebalance()
    faults = Oracle(given, first).faults()
    desk.brokerage.pass_night()
    if given.partly or given.account.settled_cash not in (None, given.account.cash):
        faults += Oracle(given, await desk.rebalance()).faults()
        desk.brokerage.pass_night()
    again = await desk.rebalance()
    if given.is_smooth and (again.sold or again.bought):
        faults.append("traded again without a reason")
    return [f"portfolio {seed}: {fault}" for fault in faults]


@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_a_random_portfolio_is_rebalanced_as_the_oracle_says(chunk: int) -> None:
    """No short, no overdraft, reserve kept, on target unless cash is short, and then at rest."""
    seeds = range(chunk * PORTFOLIOS_PER_CHUNK, (chunk + 1) * PORTFOLIOS_PER_CHUNK)

    faults = [fault for seed in seeds for fault in await _faults(seed)]

    assert faults == []


def test_the_portfolios_are_of_every_kind() -> None:
    """What never occurs proves nothing; each kind makes up at least one in twenty."""
    drawn = [portfolio(seed) for seed in range(PORTFOLIOS_PER_CHUNK)]

    kinds = {
        "cash account": [each.account.is_cash_account for each in drawn],
        "unsettled cash": [each.account.settled_cash not in (None, each.account.cash) for each in drawn],
        "debts": [each.account.cash < 0 for each in drawn],
        "a short": [any(held.is_tradeable and held.quantity < 0 for held in each.account.positions) for each in drawn],
        "fractions": [any(held.quantity % 1 for held in each.account.positions) for each in drawn],
        "unmanaged positions": [not all(held.is_tradeable for held in each.account.positions) for each in drawn],
        "excluded symbols": [bool(each.excluded) for each in drawn],
        "commissions": [each.commission > 0 for each in drawn],
        "slippage": [each.slippage > 0 for each in drawn],
        "partial fills": [bool(each.partly) for each in drawn],
    }

    assert [kind for kind, found in kinds.items() if sum(found) < len(drawn) / 20] == []
