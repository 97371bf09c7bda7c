"""Which accounts may be worked on, and with what weights."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest

from broker_connector_base import AccountRefused
from event_processor.account_check import configured_account, require_managed, require_mode
from event_processor.allocations import AllocationsClient
from event_processor.errors import AccountMisconfigured, AccountUnknown
from event_processor.target_source import TargetSource
from event_processor.testing.worker_world import account_config, answer_with
from rebalance_calculator import ReplacementError, ReplacementRule, ReplacementSet
from service_runtime.accounts import Accounts
from service_runtime.settings import AllocationsSettings, TradingMode

ACCOUNTS = Accounts({"DU1": account_config("DU1")}, frozenset({"DU2"}))
SETS = {"ira": ReplacementSet("ira", (ReplacementRule("UVXY", "VXX", Decimal("1.5")),))}


def test_an_enabled_account_is_found() -> None:
    """With its own settings."""
    assert configured_account(ACCOUNTS, "DU1").channel == "channel 1"


@pytest.mark.parametrize(
    ("account_id", "words"), [("DU2", "is disabled in"), ("DU3", "is not in"), ("du1", "is not in")]
)
def test_other_accounts_are_named_with_what_to_do(account_id: str, words: str) -> None:
    """Ids are exact."""
    with pytest.raises(AccountUnknown, match=f"account {account_id} {words} accounts.yaml"):
        configured_account(ACCOUNTS, account_id)


@pytest.mark.parametrize(
    ("account_id", "mode", "fits"),
    [
        ("DU1", "paper", True),
        ("DF1", "paper", True),
        ("U1", "live", True),
        ("F1", "live", True),
        ("U1", "paper", False),
        ("F1", "paper", False),
        ("DU1", "live", False),
    ],
)
def test_case_25_the_id_must_fit_the_trading_mode(account_id: str, mode: str, *, fits: bool) -> None:
    """Paper ids start with D; nothing else decides."""
    if fits:
        require_mode(account_id, TradingMode(mode))
    else:
        with pytest.raises(AccountRefused, match=f"account {account_id} is a"):
            require_mode(account_id, TradingMode(mode))


def test_case_25_the_login_must_manage_the_account() -> None:
    """What it manages is named, so that a wrong login is recognised."""
    require_managed("DU1", frozenset({"DU1", "DU2"}))

    with pytest.raises(AccountRefused, match=re.escape("which has DU1, DU2")):
        require_managed("DU3", frozenset({"DU2", "DU1"}))
    with pytest.raises(AccountRefused, match="which has no account"):
        require_managed("DU3", frozenset())


async def _weights(published: Mapping[str, Any], replacement_set: str | None) -> dict[str, Decimal]:
    account = account_config("DU1").model_copy(update={"replacement_set": replacement_set})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer_with(published))) as http:
        client = AllocationsClient(http, AllocationsSettings(base_url="http://allocations.test"))
        weights = await TargetSource(client, SETS).weights_of(account)
    return {item.symbol: item.weight for item in weights}


async def test_without_a_set_the_published_weights_are_the_targets() -> None:
    """Unchanged."""
    assert await _weights({"UVXY": 0.1, "SPY": 0.9}, None) == {"SPY": Decimal("0.9"), "UVXY": Decimal("0.1")}


async def test_case_13_replacements_are_applied_once() -> None:
    """The excess of the scale comes from the others in proportion."""
    weights = await _weights({"UVXY": 0.1, "SPY": 0.6, "TLT": 0.3}, "ira")

    assert {symbol: round(weight, 5) for symbol, weight in weights.items()} == {
        "VXX": Decimal("0.15"),
        "SPY": Decimal("0.56667"),
        "TLT": Decimal("0.28333"),
    }


async def test_case_14_a_set_that_does_not_fit_is_refused() -> None:
    """Its excess is larger than all other weights."""
    with pytest.raises(ReplacementError, match="ira"):
        await _weights({"UVXY": 0.7, "SPY": 0.3}, "ira")


async def test_an_unknown_set_is_refused_before_anything_is_asked() -> None:
    """A wrong configuration needs no allocations to be told."""
    with pytest.raises(AccountMisconfigured):
        await _weights({}, "roth")
