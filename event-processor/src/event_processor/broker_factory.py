"""Which connector serves which brokerage: with `main`, the only place that knows a connector."""

from typing import Literal, assert_never

from broker_connector_base import BrokerClient
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from service_runtime.clock import Clock
from service_runtime.settings import IbkrSettings, Settings

BrokerName = Literal["ibkr"]
"""The values of an account's `broker` field."""


def create_broker(broker: BrokerName, settings: Settings, clock: Clock) -> BrokerClient:
    """A client of the brokerage, not yet connected."""
    match broker:
        case "ibkr":
            return IBKRClient(connection_settings(settings.ibkr), now=clock.now, pause=clock.pause)
        case _:
            assert_never(broker)


def connection_settings(ibkr: IbkrSettings) -> IBKRConnectionSettings:
    """The connector's own settings from ours."""
    return IBKRConnectionSettings(
        host=ibkr.host,
        port=ibkr.port,
        client_id=ibkr.client_id,
        trading_mode=ibkr.trading_mode.value,
        connect_tries=ibkr.connect_tries,
        connect_delay_seconds=ibkr.connect_delay_seconds,
        request_timeout_seconds=ibkr.request_timeout_seconds,
        price_wait_seconds=ibkr.price_wait_seconds,
        max_spread_percent=float(ibkr.max_spread_percent),
    )
