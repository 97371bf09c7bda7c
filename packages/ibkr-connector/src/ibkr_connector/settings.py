"""How to reach the gateway, and how long to wait for what."""

from dataclasses import dataclass
from typing import Literal

TradingMode = Literal["paper", "live"]

DELAYED_FROZEN = 4
"""Market data type that falls back furthest: subscribed instruments still come live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IBKRConnectionSettings:
    """Everything that the connector must be told. Times are in seconds; every wait is bounded by one of them.

    `client_id` is fixed for a deployment: only the id that placed an order may cancel it, so a changing id would
    leave orders behind that nobody here can cancel.
    """

    host: str
    port: int
    client_id: int
    trading_mode: TradingMode
    connect_tries: int = 3
    connect_delay_seconds: float = 5.0
    """Fixed pause between two tries to connect."""
    connect_timeout_seconds: float = 15.0
    """For one try, first synchronization included."""
    request_timeout_seconds: float = 10.0
    """For the answer to any single request."""
    max_spread_percent: float = 1.0
    """A bid and ask further apart than this, in percent of their mid, give no mid price."""
    price_wait_seconds: float = 12.0
    """The gateway ends a price snapshot after at most 11 s."""
    max_last_age_seconds: float = 900.0
    """A last trade longer ago than this is worth no more than the previous close."""
    market_data_type: Literal[1, 2, 3, 4] = DELAYED_FROZEN
    settle_seconds: float = 5.0
    """How old the newest execution of an account must be before positions read without any history are believed."""
    settle_timeout_seconds: float = 30.0
    """How long a snapshot waits for positions to catch up with executions."""
    acknowledgement_seconds: float = 5.0
    """How long an order may stay without a word from the broker before it is asked for."""
    message_grace_seconds: float = 1.0
    """How long the broker's own word may follow an error about an order before it is asked for."""
    commission_wait_seconds: float = 1.0
    """How long commission reports may follow the last execution of an order."""
    heartbeat_seconds: float = 60.0
    """Silence after which the gateway is asked for a sign of life."""

    def __post_init__(self) -> None:
        if self.connect_tries < 1:
            raise ValueError(f"connect_tries must be at least 1, not {self.connect_tries}")
        if self.client_id < 0:
            raise ValueError(f"client_id must not be negative, is {self.client_id}")

    @property
    def address(self) -> str:
        """`host:port`, for messages."""
        return f"{self.host}:{self.port}"
