"""How many whole shares of each symbol to sell and to buy: wishes, limits and cash together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rebalance_calculator.cash_fit import Want, fit_to_cash
from rebalance_calculator.limits import TradeLimits
from rebalance_calculator.models import PlanInputs
from rebalance_calculator.wishes import Wish, is_too_small, turnover_ceilings, within_ceilings

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What buys are fitted to."""

    cash: Decimal
    """US dollars without the proceeds of the plan's sells, the reserve already taken away."""
    price_buffer: Decimal
    proceeds_fund_buys: bool = True

    def spendable(self, proceeds: Decimal) -> Decimal:
        """US dollars for buys when sells bring so much."""
        return self.cash + proceeds if self.proceeds_fund_buys else self.cash


def purse_of(inputs: PlanInputs, reserve: Decimal) -> Purse:
    """The purse of a plan."""
    return Purse(
        cash=inputs.snapshot.spendable_cash - reserve,
        price_buffer=inputs.buy_price_buffer,
        proceeds_fund_buys=inputs.proceeds_fund_buys,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Whole shares by symbol, and the wishes that they were made from."""

    wishes: Sequence[Wish]
    sells: Mapping[str, int]
    buys: Mapping[str, int]
    spendable: Decimal
    too_small: frozenset[str] = frozenset()
    """Buys that the cash made so small that they are not worth sending."""
    ceilings: Mapping[str, int] | None = None
    """Shares that the turnover cap leaves to each trade, if it bites."""
    turnover: Decimal = _ZERO
    """US dollars of all trades before the turnover cap."""


def sizes(items: Sequence[Wish], purse: Purse, limits: TradeLimits, net_liquidation: Decimal) -> Sizes:
    """Sells and buys within all limits.

    Scaled-down sells bring less, so buys are fitted to the cash once more after the turnover cap.
    """
    uncapped = _fitted(items, purse, limits)
    most = _most_turnover(limits, net_liquidation)
    values = _values(uncapped)
    turnover = sum(values.values(), _ZERO)
    if most is None or turnover <= most:
        return uncapped
    ceilings = turnover_ceilings({**uncapped.sells, **uncapped.buys}, values, most)
    capped = _fitted(within_ceilings(items, ceilings, limits), purse, limits)
    too_small = uncapped.too_small | capped.too_small
    return replace(capped, ceilings=ceilings, turnover=turnover, too_small=too_small)


def buys_within(
    items: Sequence[Wish], spendable: Decimal, price_buffer: Decimal, limits: TradeLimits
) -> tuple[Mapping[str, int], frozenset[str]]:
    """Whole shares to buy by symbol, and the symbols that the cash left too small an order for.

    The smallest of those gives up first, the last symbol among equals, and what it frees goes to the others.
    """
    wanted = [item for item in items if item.quantity > 0]
    wants = [Want(item.target.symbol, item.target.price * (1 + price_buffer), item.quantity) for item in wanted]
    prices = {item.target.symbol: item.target.price for item in wanted}
    dropped: set[str] = set()
    while True:
        bought = fit_to_cash([want for want in wants if want.symbol not in dropped], spendable)
        values = {symbol: quantity * prices[symbol] for symbol, quantity in bought.items()}
        small = [symbol for symbol in sorted(values, reverse=True) if is_too_small(values[symbol], limits)]
        if not small:
            return bought, frozenset(dropped)
        dropped.add(min(small, key=lambda symbol: values[symbol]))


def _fitted(items: Sequence[Wish], purse: Purse, limits: TradeLimits) -> Sizes:
    sells = {item.target.symbol: -item.shares for item in items if item.shares < 0}
    proceeds = sum((item.value for item in items if item.shares < 0), _ZERO)
    spendable = purse.spendable(proceeds)
    buys, too_small = buys_within(items, spendable, purse.price_buffer, limits)
    return Sizes(wishes=items, sells=sells, buys=buys, spendable=spendable, too_small=too_small)


def _most_turnover(limits: TradeLimits, net_liquidation: Decimal) -> Decimal | None:
    if limits.max_turnover_percent is None:
        return None
    return max(net_liquidation, _ZERO) * limits.max_turnover_percent / 100


def _values(uncapped: Sizes) -> Mapping[str, Decimal]:
    shares = {**uncapped.sells, **uncapped.buys}
    return {
        item.target.symbol: shares[item.target.symbol] * item.target.price
        for item in uncapped.wishes
        if item.target.symbol in shares
    }
