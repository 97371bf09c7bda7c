"""Keeps paper accounts out of a live deployment and live accounts out of a paper one."""

from dataclasses import replace
from types import MappingProxyType

from service_runtime.accounts import AccountConfig, Accounts, account_mode
from service_runtime.settings import TradingMode


def split_by_mode(accounts: Accounts, mode: TradingMode) -> tuple[Accounts, tuple[AccountConfig, ...]]:
    """The accounts that fit the trading mode, and those that do not and must never be queued."""
    fitting = {name: account for name, account in accounts.by_id.items() if account_mode(name) is mode}
    misfits = tuple(account for name, account in accounts.by_id.items() if name not in fitting)
    return replace(accounts, by_id=MappingProxyType(fitting)), misfits
