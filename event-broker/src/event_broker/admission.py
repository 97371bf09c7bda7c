"""Which signals there will be at all, decided once at start."""

from dataclasses import dataclass, replace
from types import MappingProxyType

from event_broker.ably_client import is_key
from service_runtime.accounts import AccountConfig, Accounts, account_mode
from service_runtime.settings import AblySettings, TradingMode


@dataclass(frozen=True, slots=True)
class Admission:
    """The accounts that may be queued, and words for what will not happen."""

    accounts: Accounts
    misfits: tuple[AccountConfig, ...]
    """Accounts of the other trading mode: never queued."""
    remarks: tuple[str, ...]
    """A sentence for each misfit."""
    idle_reason: str | None
    """Why no connection to Ably makes sense; None when one does."""


def admit(accounts: Accounts, mode: TradingMode, ably: AblySettings) -> Admission:
    """Keep paper accounts out of a live deployment, and live ones out of a paper one; look for key and channels."""
    fitting = {name: account for name, account in accounts.by_id.items() if account_mode(name) is mode}
    misfits = tuple(account for name, account in accounts.by_id.items() if name not in fitting)
    admitted = replace(accounts, by_id=MappingProxyType(fitting))
    remarks = tuple(
        f"Signals for account {account.account_id} are ignored: TRADING_MODE is {mode.value} and its id is that of a "
        f"{account_mode(account.account_id).value} account."
        for account in misfits
    )
    return Admission(admitted, misfits, remarks, _idle_reason(admitted, ably))


def _idle_reason(accounts: Accounts, ably: AblySettings) -> str | None:
    if ably.api_key is None:
        return "Ably is not connected because no key is configured; set ABLY_API_KEY and start event-broker again."
    if not is_key(ably.api_key.get_secret_value()):
        return "Ably is not connected because ABLY_API_KEY has not the form appId.keyId:secret; correct it and restart."
    if not accounts.by_id:
        return "Ably is not connected because no account may be queued; enable one in accounts.yaml and restart."
    return None
