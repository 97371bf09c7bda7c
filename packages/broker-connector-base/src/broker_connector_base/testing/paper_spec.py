"""The description of a paper brokerage: accounts, quotes and hours, all frozen."""

from decimal import Decimal

from broker_connector_base.models import (
    AccountPosition,
    AssetClass,
    FrozenModel,
    PositiveDecimal,
    PriceSource,
    TradingSession,
)


class PaperAccount(FrozenModel):
    """An account at the start."""

    account_id: str
    cash: Decimal
    settled_cash: Decimal | None = None
    """All of the cash when absent."""
    is_cash_account: bool = False
    """True: neither borrowing nor short sales are accepted."""
    other_cash: Decimal = Decimal(0)
    unmanaged_value: Decimal = Decimal(0)
    """US dollars that positions without a quote contribute to net liquidation."""
    positions: tuple[AccountPosition, ...] = ()
    day_trades_remaining: int | None = None
    """As the brokerage reports it: -1 for any number, None when it does not."""


class PaperQuote(FrozenModel):
    """A US stock and its price, or None when there is none."""

    symbol: str
    price: PositiveDecimal | None
    source: PriceSource = PriceSource.LIVE_MID

    @property
    def contract_id(self) -> str:
        """The identity under which bought shares are held."""
        return paper_contract_id(self.symbol)


class PaperSpec(FrozenModel):
    """A whole brokerage."""

    accounts: tuple[PaperAccount, ...]
    quotes: tuple[PaperQuote, ...]
    regular: tuple[TradingSession, ...] = ()
    """Sessions of every symbol; without any the market never closes and no hours are published."""
    extended: tuple[TradingSession, ...] = ()
    commission: Decimal = Decimal(0)
    """US dollars for each fill, at least."""
    commission_per_share: Decimal = Decimal(0)
    """US dollars for each share of a fill, when that is more."""

    def commission_of(self, quantity: Decimal) -> Decimal:
        """US dollars for a fill of so many shares."""
        return max(self.commission, self.commission_per_share * quantity)


def paper_contract_id(symbol: str) -> str:
    """The identity of a US stock at a paper brokerage."""
    return f"paper-{symbol}"


def paper_position(symbol: str, quantity: Decimal | int) -> AccountPosition:
    """Shares of a US stock as a paper brokerage holds them."""
    return AccountPosition(
        symbol=symbol,
        contract_id=paper_contract_id(symbol),
        quantity=Decimal(quantity),
        asset_class=AssetClass.STOCK,
        currency="USD",
    )
