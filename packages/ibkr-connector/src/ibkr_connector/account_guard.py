"""The last line before money moves: may this account be touched at all?"""

from collections.abc import Collection
from typing import Final

from broker_connector_base import AccountRefused
from ibkr_connector.settings import TradingMode

_PAPER_PREFIX: Final = "D"
"""Ids of paper accounts start with DU or DF, those of live accounts with U, F or I."""


def require_tradeable(account_id: str, *, managed: Collection[str], trading_mode: TradingMode) -> None:
    """Do nothing when the account may be traded.

    Raises:
        AccountRefused: the login does not manage it, or it is a live account in paper mode or the reverse.
    """
    if account_id not in managed:
        known = ", ".join(sorted(managed)) or "none"
        raise AccountRefused(f"account {account_id} is not managed by this login (it manages {known})")
    is_paper = account_id.upper().startswith(_PAPER_PREFIX)
    if is_paper != (trading_mode == "paper"):
        kind = "paper" if is_paper else "live"
        raise AccountRefused(f"account {account_id} is a {kind} account, but the trading mode is {trading_mode}")
