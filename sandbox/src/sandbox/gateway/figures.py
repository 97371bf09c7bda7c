"""The brokerage's names for what an account is worth."""

from collections.abc import Iterable
from decimal import Decimal

from sandbox.gateway.messages.accounts import Figure
from sandbox.world.accounts import Account
from sandbox.world.market import Market
from sandbox.world.valuation import AccountValue, HoldingValue, value_of_account, value_of_holding

BASE = "BASE"
LEDGER_PREFIX = "$LEDGER"
NET_LIQUIDATION = "NetLiquidation"


def shown_holdings(account: Account, market: Market) -> list[HoldingValue]:
    """The positions that clients see, without those that are sold out."""
    return [value_of_holding(holding, market) for holding in account.shown.holdings.values() if holding.quantity]


def totals(account: Account, market: Market) -> list[Figure]:
    """The figures of the whole account, in its base currency, as clients see them."""
    value = value_of_account(account.spec, account.shown, market)
    currency = account.spec.currency
    described = [
        Figure("AccountCode", account.id),
        Figure("AccountReady", "true"),
        Figure("AccountType", "INDIVIDUAL"),
        Figure("Cushion", str(round(_cushion(value), 4))),
        Figure("DayTradesRemaining", str(account.spec.day_trades_remaining)),
    ]
    return described + [Figure(tag, _money(amount), currency) for tag, amount in _amounts(value).items()]


def ledger(account: Account, market: Market) -> list[Figure]:
    """The figures by currency, the base currency's total under BASE."""
    base = account.spec.currency
    value = value_of_account(account.spec, account.shown, market)
    figures = _ledger_of(BASE, value.cash, value.holdings_value, Decimal(1))
    held = shown_holdings(account, market)
    for currency in sorted({*account.shown.cash, *(v.holding.instrument.currency for v in held)}):
        stocks = sum((v.value for v in held if v.holding.instrument.currency == currency), Decimal(0))
        cash = account.shown.cash.get(currency, Decimal(0))
        figures += _ledger_of(currency, cash, stocks, market.rate(currency, base))
    return figures


def summary(account: Account, market: Market, tags: Iterable[str]) -> list[Figure]:
    """The figures that a summary asks for; `$LEDGER` means BASE, `$LEDGER:EUR` one currency, `$LEDGER:ALL` all."""
    asked = set(tags)
    chosen = [figure for figure in totals(account, market) if figure.tag in asked]
    currencies = {tag.partition(":")[2] or BASE for tag in asked if tag.startswith(LEDGER_PREFIX)}
    by_currency = [f for f in ledger(account, market) if f.currency in currencies or "ALL" in currencies]
    return chosen + by_currency


def _amounts(value: AccountValue) -> dict[str, Decimal]:
    return {
        NET_LIQUIDATION: value.net_liquidation,
        "TotalCashValue": value.cash,
        "SettledCash": value.settled_cash,
        "AccruedCash": Decimal(0),
        "BuyingPower": value.buying_power,
        "EquityWithLoanValue": value.net_liquidation,
        "GrossPositionValue": value.gross,
        "InitMarginReq": value.initial_margin,
        "MaintMarginReq": value.initial_margin,
        "FullInitMarginReq": value.initial_margin,
        "FullMaintMarginReq": value.initial_margin,
        "AvailableFunds": value.available_funds,
        "FullAvailableFunds": value.available_funds,
        "ExcessLiquidity": value.available_funds,
        "FullExcessLiquidity": value.available_funds,
    }


def _ledger_of(currency: str, cash: Decimal, stocks: Decimal, rate: Decimal) -> list[Figure]:
    amounts = {
        "CashBalance": cash,
        "TotalCashBalance": cash,
        "StockMarketValue": stocks,
        "NetLiquidationByCurrency": cash + stocks,
        "AccruedCash": Decimal(0),
    }
    figures = [Figure(tag, _money(amount), currency) for tag, amount in amounts.items()]
    return [Figure("Currency", currency, currency), Figure("ExchangeRate", f"{rate:.6f}", currency), *figures]


def _cushion(value: AccountValue) -> Decimal:
    equity = value.net_liquidation
    return value.available_funds / equity if equity > 0 else Decimal(0)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
