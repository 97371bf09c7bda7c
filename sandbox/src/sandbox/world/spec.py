"""The description of a simulated world, as it stands in YAML or a mapping.

Everything is frozen, unknown keys are refused, names are checked against each other before anything is built.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sandbox.world.errors import SpecError
from sandbox.world.fault_spec import Fault

FIRST_CON_ID = 10_001
"""Contract ids of instruments that name none are counted from here, in the order of the list."""


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HoursSpec(_Spec):
    """When a market trades. May be written as the bare `kind`.

    `always` never closes, `closed` never opens, `nyse` has 09:30-16:00 (04:00-20:00 outside regular hours) with the
    exchange's holidays, `literal` takes both strings as the brokerage would send them.
    """

    kind: Literal["always", "closed", "nyse", "literal"] = "always"
    time_zone: str = "US/Eastern"
    trading_hours: str = ""
    liquid_hours: str = ""
    holidays: tuple[date, ...] | None = None
    early_closes: dict[date, time] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_bare_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value


class InstrumentSpec(_Spec):
    """One contract. `spread` is the distance between bid and ask in the instrument's currency."""

    symbol: str
    con_id: int = 0
    sec_type: str = "STK"
    primary_exchange: str = "ARCA"
    currency: str = "USD"
    price: Decimal = Field(gt=0)
    close: Decimal | None = Field(default=None, gt=0)
    spread: Decimal = Field(default=Decimal(0), ge=0)
    tick_size: Decimal = Field(default=Decimal("0.01"), gt=0)
    jitter_bps: Decimal = Field(default=Decimal(0), ge=0)
    multiplier: int = Field(default=1, ge=1)
    expiry: str = ""
    strike: Decimal = Decimal(0)
    right: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    long_name: str = ""
    stock_type: str = "COMMON"
    halted: bool = False
    no_quote: bool = False
    delayed_only: bool = False
    close_only: bool = False
    hours: HoursSpec | None = None


class PositionSpec(_Spec):
    """Shares or contracts held at the start. `avg_cost` is for one of them, multiplier included.

    `con_id`, `sec_type` and `currency` choose among instruments of the same symbol.
    """

    symbol: str
    quantity: Decimal
    avg_cost: Decimal | None = Field(default=None, ge=0)
    con_id: int | None = None
    sec_type: str | None = None
    currency: str | None = None


class AccountSpec(_Spec):
    """One account. `cash` and `settled_cash` are in `currency`; `other_cash` by currency.

    `spends_unsettled` says whether a cash account may buy with the proceeds of sales that have not settled.
    `day_trades_remaining` is what the account reports, -1 for any number.
    """

    id: str
    cash: Decimal = Decimal(0)
    settled_cash: Decimal | None = None
    currency: str = "USD"
    other_cash: dict[str, Decimal] = Field(default_factory=dict[str, Decimal])
    kind: Literal["margin", "cash"] = "margin"
    spends_unsettled: bool = True
    initial_margin: Decimal = Field(default=Decimal("0.5"), gt=0, le=1)
    day_trades_remaining: int = Field(default=-1, ge=-1)
    positions: tuple[PositionSpec, ...] = ()


class CommissionSpec(_Spec):
    """What an order costs: per share, at least `minimum` an order. Nothing by default."""

    per_share: Decimal = Field(default=Decimal(0), ge=0)
    minimum: Decimal = Field(default=Decimal(0), ge=0)


class LatencySpec(_Spec):
    """Milliseconds: until any answer leaves the gateway, until an order fills, until account figures follow a fill.

    `empty_snapshot_ms` is how long a snapshot without any price waits before it ends; the real one takes 11 seconds.
    """

    reply_ms: int = Field(default=0, ge=0)
    fill_ms: int = Field(default=0, ge=0)
    account_lag_ms: int = Field(default=0, ge=0)
    empty_snapshot_ms: int = Field(default=0, ge=0)


class WorldSpec(_Spec):
    """The whole world. `fx` gives US dollars for one unit of a currency."""

    seed: int = 1
    accounts: tuple[AccountSpec, ...] = Field(min_length=1)
    instruments: tuple[InstrumentSpec, ...] = ()
    fx: dict[str, Decimal] = Field(default_factory=dict[str, Decimal])
    hours: HoursSpec = HoursSpec()
    commission: CommissionSpec = CommissionSpec()
    latency: LatencySpec = LatencySpec()
    faults: tuple[Fault, ...] = ()
    read_only: bool = False
    master_client_id: int | None = None
    moc_cutoff_minutes: int = Field(default=10, ge=0)
    max_messages_per_second: int = Field(default=50, ge=1)

    @field_validator("instruments")
    @classmethod
    def _with_contract_ids(cls, instruments: tuple[InstrumentSpec, ...]) -> tuple[InstrumentSpec, ...]:
        numbered = enumerate(instruments, start=FIRST_CON_ID)
        return tuple(spec if spec.con_id else spec.model_copy(update={"con_id": con_id}) for con_id, spec in numbered)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        _refuse_duplicates("account", (account.id for account in self.accounts))
        _refuse_duplicates("con_id", (instrument.con_id for instrument in self.instruments))
        for account in self.accounts:
            for position in account.positions:
                self.instrument_of(position)
        for currency in self._currencies() - {"USD", *self.fx}:
            raise ValueError(f"fx has no rate for {currency}")
        return self

    def instrument_of(self, position: PositionSpec) -> InstrumentSpec:
        """The one instrument that a starting position names."""
        found = [spec for spec in self.instruments if _names(position, spec)]
        if len(found) != 1:
            raise ValueError(f"position {position.symbol!r} fits {len(found)} instruments, give con_id or sec_type")
        return found[0]

    def _currencies(self) -> set[str]:
        used = {account.currency for account in self.accounts}
        used |= {currency for account in self.accounts for currency in account.other_cash}
        return used | {instrument.currency for instrument in self.instruments}


def _names(position: PositionSpec, spec: InstrumentSpec) -> bool:
    return (
        spec.symbol == position.symbol
        and position.con_id in (None, spec.con_id)
        and position.sec_type in (None, spec.sec_type)
        and position.currency in (None, spec.currency)
    )


def _refuse_duplicates(what: str, values: Iterable[str | int]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"{what} given twice: {twice[0]}")


def load_spec(source: Path | dict[str, Any]) -> WorldSpec:
    """Read a world from a YAML file or a mapping.

    Raises:
        SpecError: the file is no YAML mapping, or a key or value in it is wrong.
    """
    try:
        content: Any = yaml.safe_load(source.read_text("utf-8")) if isinstance(source, Path) else source
        return WorldSpec.model_validate(content)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise SpecError(f"cannot load the world: {error}") from error
