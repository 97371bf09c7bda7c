"""Every setting of the system: one frozen value, read once in each `main` and passed on as parts.

Each `section.key` of config.yaml can be overridden by the environment as `SECTION_KEY`; the flat names that operators
know (`TRADING_MODE`, `ORDER_TYPE`, ...) work too. Environment over file over default; see `settings_loader`.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _one_text(value: object) -> object:
    """A list of texts as one text, a line for each."""
    if not isinstance(value, list):
        return value
    items = cast("list[object]", value)
    return "\n".join(str(item) for item in items) or None


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]


class Section(BaseModel):
    """Base of all sections: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RedisSettings(Section):
    """Where the queue lives."""

    host: str = "localhost"
    port: Port = 6379
    db: Annotated[int, Field(ge=0)] = 0
    password: SecretStr | None = None
    key_prefix: str = ""
    """Put before every key, for example `{paper}:`, so that several deployments can share one Redis."""


class PostgresSettings(Section):
    """Where the audit lives."""

    host: str = "localhost"
    port: Port = 5432
    database: str = "portfolio_rebalancer"
    username: str = "postgres"
    password: SecretStr = SecretStr("postgres")
    retention_days: Annotated[int, Field(ge=9)] = 365
    """What is over for longer is purged daily. A lost Redis gets back what it keeps for eight days, hence the bound."""


class OutboxSettings(Section):
    """The records of the history on their way to PostgreSQL."""

    budget_mb: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Megabytes of Redis's memory that they may take; None: half of `maxmemory`, 512 when Redis has no limit."""
    spill_directory: Path = Path("data/outbox-spill")
    """Where the oldest ones go at three quarters of the budget; made when it is first needed."""


class TradingMode(StrEnum):
    """Whether the gateway is logged in to paper or live accounts."""

    PAPER = "paper"
    LIVE = "live"


class IbkrSettings(Section):
    """The IB Gateway or TWS."""

    host: str = "localhost"
    port: Port = 4004
    client_id: Annotated[int, Field(ge=1, le=999_999)] = 17
    """Fixed, because only the client id that placed an order may cancel it. 0 is TWS's own."""
    trading_mode: Annotated[TradingMode, BeforeValidator(_lower)] = TradingMode.PAPER
    connect_tries: Annotated[int, Field(ge=1)] = 3
    connect_delay_seconds: Seconds = 5
    request_timeout_seconds: Seconds = 20
    price_wait_seconds: Seconds = 11
    price_cache_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60
    """How old a price seen before may be to be used again; 0 asks for each anew."""
    max_spread_percent: Percent = Decimal(2)


class AblySettings(Section):
    """The Ably application whose channels publish rebalance signals."""

    api_key: SecretStr | None = None
    endpoint: str | None = None
    """A host other than Ably's own, or `127.0.0.1:PORT/` for a local server."""
    tls: bool = True
    rewind: str = "2m"
    """How far back to read a channel on a fresh attach; messages seen before are recognised by their id."""
    retention_seconds: Seconds = 120
    """How long Ably keeps messages; a channel that persists keeps them for 24 or 72 hours, by its rule at Ably."""
    spool_directory: Path = Path("data/signal-spool")
    """Where signals wait that Redis does not take; made at the start."""


class AllocationsSettings(Section):
    """The API that publishes target allocations, at `{base_url}/{channel}/allocations`."""

    base_url: str = "https://workers.fintech.zehnlabs.com/api/v1"
    api_key: SecretStr | None = None
    timeout_seconds: Seconds = 30


class OrdersSettings(Section):
    """How orders go out."""

    type: Annotated[Literal["MKT", "LMT", "MOC"], BeforeValidator(_upper)] = "MKT"
    """MOC takes part in the closing auction, and is a market order after the cut-off."""
    moc_minutes_before_close: Annotated[int, Field(ge=0)] = 0
    """Market orders become MOC when the close is at most this many minutes away; 0 switches it off."""
    time_in_force: Annotated[Literal["DAY", "GTC"], BeforeValidator(_upper)] = "DAY"
    extended_hours_enabled: bool = False
    """Trade before and after regular hours too, as marketable limit orders; a market order never goes out then."""
    limit_buffer_percent: Percent = Decimal("0.5")
    """How far through the reference price a limit order is placed: above it for buys, below it for sells."""
    buy_price_buffer_percent: Percent = Decimal(0)
    """How much dearer than the reference price a market buy is taken to be when buys are fitted to the cash."""
    fill_timeout_seconds: Seconds = 300
    """Deadline of the sells, and again of the buys; what is unfilled then is cancelled."""
    cancel_timeout_seconds: Seconds = 60


class ProcessingSettings(Section):
    """The worker and its pauses after failures."""

    lease_seconds: Annotated[float, Field(ge=3, allow_inf_nan=False)] = 15
    """The worker gives its lease up a second early and renews it three times in its length, hence the lower bound."""
    pause_connection_seconds: Seconds = 30
    pause_unexpected_seconds: Seconds = 300
    pause_rejected_seconds: Seconds = 900
    concurrency: Annotated[int, Field(ge=1, le=32)] = 1
    """How many accounts are worked on at the same time; of one account's events always one."""
    max_event_age_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """A live event that was last asked for longer ago than this becomes a preview; 0 sets no limit."""
    shutdown_grace_seconds: Seconds = 30
    """How long orders in flight are followed after SIGTERM before the event is left to the next start."""


class ManualSettings(Section):
    """Trigger files."""

    directory: Path = Path("data/manual-rebalance")


class ManagementSettings(Section):
    """The HTTP API."""

    host: str = "127.0.0.1"
    port: Port = 8000
    api_key: SecretStr | None = None
    """Without it the API can be read, and answers 503 to whatever would change the queue or trading."""


class LoggingSettings(Section):
    """What is logged and how."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    format: Annotated[Literal["json", "console"], BeforeValidator(_lower)] = "json"


class NotificationsSettings(Section):
    """Who is told when somebody has to look."""

    urls: Annotated[SecretStr | None, BeforeValidator(_one_text)] = None
    """Apprise URLs, with blanks or line ends between them; without one nobody is told."""


class Settings(BaseModel):
    """All sections of config.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis: RedisSettings = RedisSettings()
    postgres: PostgresSettings = PostgresSettings()
    outbox: OutboxSettings = OutboxSettings()
    ibkr: IbkrSettings = IbkrSettings()
    ably: AblySettings = AblySettings()
    allocations: AllocationsSettings = AllocationsSettings()
    orders: OrdersSettings = OrdersSettings()
    processing: ProcessingSettings = ProcessingSettings()
    manual: ManualSettings = ManualSettings()
    management: ManagementSettings = ManagementSettings()
    logging: LoggingSettings = LoggingSettings()
    notifications: NotificationsSettings = NotificationsSettings()


SECTIONS: Mapping[str, type[BaseModel]] = {
    name: cast("type[BaseModel]", field.annotation) for name, field in Settings.model_fields.items()
}
"""Every section of Settings by name, in the order of config.yaml."""
