"""Reading an account summary: which figure means what, and which must not be missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from broker_connector_base import SnapshotIncomplete
from ibkr_connector.messages import AccountFigure
from ibkr_connector.numbers import known_number

_BASE_CURRENCIES: Final = frozenset({"USD", "BASE", ""})
"""Currencies under which a figure of a US-dollar account may come."""

_CASH_PUSHED: Final = (("CashBalance", "USD"), ("TotalCashBalance", "USD"))
"""Of the pushed figures only these are dollars; totals in the base currency contain other currencies."""

_BUYING_POWER_TOLERANCE: Final = Decimal("1.01")


@dataclass(frozen=True, slots=True)
class AccountValues:
    """The money of one account, in US dollars."""

    net_liquidation: Decimal
    cash: Decimal
    settled_cash: Decimal
    other_cash: Decimal
    is_cash_account: bool
    day_trades_remaining: int | None = None
    """-1 for any number; None when the gateway does not say."""


def read_values(account_id: str, figures: Iterable[AccountFigure]) -> AccountValues:
    """Everything a snapshot needs.

    Raises:
        SnapshotIncomplete: naming the figure that is missing or not in US dollars.
    """
    table = _Figures(account_id, figures)
    other_cash = table.other_cash()
    cash = table.usd_cash(other_cash)
    settled_cash = table.find("SettledCash")
    is_cash_account = table.is_cash_account()
    if settled_cash is None:
        settled_cash = table.presumed_settled_cash(cash, is_cash_account=is_cash_account)
    return AccountValues(
        net_liquidation=table.require("NetLiquidation"),
        cash=cash,
        settled_cash=settled_cash,
        other_cash=other_cash,
        is_cash_account=is_cash_account,
        day_trades_remaining=table.day_trades_remaining(),
    )


def summary_cash(account_id: str, figures: Iterable[AccountFigure]) -> Decimal:
    """US-dollar cash of a summary.

    Raises:
        SnapshotIncomplete: the summary has no cash figure.
    """
    table = _Figures(account_id, figures)
    return table.usd_cash(table.other_cash())


def pushed_cash(figures: Iterable[AccountFigure]) -> Decimal | None:
    """US-dollar cash among pushed account updates, None when there is none yet."""
    found = {(figure.tag, figure.currency): known_number(figure.value) for figure in figures}
    return next((found[key] for key in _CASH_PUSHED if found.get(key) is not None), None)


class _Figures:
    """Figures of one account by tag and currency."""

    def __init__(self, account_id: str, figures: Iterable[AccountFigure]) -> None:
        self._account_id = account_id
        self._told = tuple(figures)
        amounts = ((figure.tag, figure.currency, known_number(figure.value)) for figure in self._told)
        self._amounts = {(tag, currency): amount for tag, currency, amount in amounts if amount is not None}

    def find(self, tag: str) -> Decimal | None:
        return next((self._amounts[tag, c] for c in ("USD", "", "BASE") if (tag, c) in self._amounts), None)

    def require(self, tag: str) -> Decimal:
        amount = self.find(tag)
        if amount is None:
            raise self.missing(tag)
        return amount

    def missing(self, tag: str) -> SnapshotIncomplete:
        others = sorted(currency for name, currency in self._amounts if name == tag)
        hint = f", only in {', '.join(others)}" if others else ""
        senseless = [repr(each.value[:60]) for each in self._told if each.tag == tag and self._is_senseless(each)]
        hint += f", told as {', '.join(senseless)}" if senseless else ""
        return SnapshotIncomplete(f"account {self._account_id}: {tag} in US dollars is missing{hint}; try again later")

    @staticmethod
    def _is_senseless(figure: AccountFigure) -> bool:
        return bool(figure.value) and known_number(figure.value) is None

    def other_cash(self) -> Decimal:
        """Cash in other currencies at the ledger's own rates to the base currency."""
        foreign = {c: a for (tag, c), a in self._amounts.items() if tag == "CashBalance" and c not in _BASE_CURRENCIES}
        return sum((amount * self._rate(currency, amount) for currency, amount in foreign.items()), Decimal(0))

    def usd_cash(self, other_cash: Decimal) -> Decimal:
        """The ledger's US dollars; without a ledger, total cash less what is in other currencies."""
        ledger = self._amounts.get(("CashBalance", "USD"))
        return self.require("TotalCashValue") - other_cash if ledger is None else ledger

    def is_cash_account(self) -> bool:
        """True when the account cannot borrow: its buying power does not exceed its available funds.

        The gateway has no plain word for it. When either figure is missing the account counts as a cash account,
        which spends settled cash only. So does a margin account without any funds left; it has nothing to spend.
        """
        funds, power = self.find("AvailableFunds"), self.find("BuyingPower")
        return funds is None or power is None or power <= funds * _BUYING_POWER_TOLERANCE

    def presumed_settled_cash(self, cash: Decimal, *, is_cash_account: bool) -> Decimal:
        """What may be spent where settled cash is not told.

        Raises:
            SnapshotIncomplete: the figures show a cash account, of which it must be known.
        """
        if not is_cash_account:
            return cash
        funds = self.find("AvailableFunds")
        if funds is not None and self.find("BuyingPower") is not None:
            raise self.missing("SettledCash")
        return cash if funds is None else min(cash, funds)

    def day_trades_remaining(self) -> int | None:
        """Day trades still allowed, -1 for any number."""
        count = self.find("DayTradesRemaining")
        return None if count is None else int(count)

    def _rate(self, currency: str, amount: Decimal) -> Decimal:
        rate = self._amounts.get(("ExchangeRate", currency), Decimal(0))
        if rate <= 0 and amount:
            raise SnapshotIncomplete(f"account {self._account_id}: ExchangeRate of {currency} is missing")
        return rate
