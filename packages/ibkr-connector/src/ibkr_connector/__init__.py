"""Interactive Brokers behind the BrokerClient interface. The only package that speaks ib_async."""

from ibkr_connector.client import IBKRClient
from ibkr_connector.settings import IBKRConnectionSettings, TradingMode

__all__ = ["IBKRClient", "IBKRConnectionSettings", "TradingMode"]
