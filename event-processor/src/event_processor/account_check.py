"""Whether an account may be worked on here at all (rule 1 of carrying out): checked before every command."""

from broker_connector_base import AccountRefused
from event_processor.errors import AccountUnknown
from service_runtime.accounts import AccountConfig, Accounts, account_mode
from service_runtime.settings import TradingMode


def configured_account(accounts: Accounts, account_id: str) -> AccountConfig:
    """The account's entry in accounts.yaml.

    Raises:
        AccountUnknown: there is none, or it is disabled.
    """
    account = accounts.by_id.get(account_id)
    if account is not None:
        return account
    if account_id in accounts.disabled:
        raise AccountUnknown(f"account {account_id} is disabled in accounts.yaml: enable it, or delete this event")
    raise AccountUnknown(f"account {account_id} is not in accounts.yaml: add it, or delete this event")


def require_mode(account_id: str, trading_mode: TradingMode) -> None:
    """Refuse an account whose id is of the other trading mode.

    Raises:
        AccountRefused: a live account in paper mode, or the other way round.
    """
    mode = account_mode(account_id)
    if mode is not trading_mode:
        raise AccountRefused(
            f"account {account_id} is a {mode} account but TRADING_MODE is {trading_mode}: nothing was done"
        )


def require_managed(account_id: str, managed: frozenset[str]) -> None:
    """Refuse an account that the gateway's login does not manage.

    Raises:
        AccountRefused: it does not.
    """
    if account_id not in managed:
        raise AccountRefused(
            f"account {account_id} is not managed by the gateway's login, which has "
            f"{', '.join(sorted(managed)) or 'no account'}: nothing was done"
        )
