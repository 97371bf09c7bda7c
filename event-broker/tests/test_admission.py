"""What is decided at start: who may be queued, and whether to connect at all."""

import pytest
from pydantic import SecretStr

from event_broker.ably_client import hosts_of, is_key, open_rest_client
from event_broker.admission import admit
from event_broker.settings import AblyTiming
from event_broker.testing.listening_rig import accounts_on
from service_runtime.accounts import Accounts
from service_runtime.settings import AblySettings, TradingMode

KEYED = AblySettings(api_key=SecretStr("app.key:secret"))
MIXED = accounts_on(DU1="growth", U2="income", DF3="growth")


def test_live_accounts_stay_out_of_a_paper_deployment() -> None:
    """Only paper ids are admitted, and their channels; the other is named in a sentence."""
    admission = admit(MIXED, TradingMode.PAPER, KEYED)

    assert list(admission.accounts.by_id) == ["DU1", "DF3"]
    assert admission.accounts.channels == ("growth",)
    assert admission.remarks == (
        "Signals for account U2 are ignored: TRADING_MODE is paper and its id is that of a live account.",
    )
    assert admission.idle_reason is None


def test_paper_accounts_stay_out_of_a_live_deployment() -> None:
    """The guard works both ways."""
    admission = admit(MIXED, TradingMode.LIVE, KEYED)

    assert list(admission.accounts.by_id) == ["U2"]
    assert [account.account_id for account in admission.misfits] == ["DU1", "DF3"]


@pytest.mark.parametrize(
    ("ably", "accounts", "word"),
    [
        (AblySettings(), MIXED, "ABLY_API_KEY"),
        (AblySettings(api_key=SecretStr("nonsense")), MIXED, "appId.keyId:secret"),
        (KEYED, accounts_on(), "accounts.yaml"),
        (KEYED, accounts_on(U2="income"), "accounts.yaml"),
    ],
)
def test_without_key_or_accounts_there_is_no_connection(ably: AblySettings, accounts: Accounts, word: str) -> None:
    """Each reason names what to change, and no secret."""
    admission = admit(accounts, TradingMode.PAPER, ably)

    assert admission.idle_reason is not None
    assert word in admission.idle_reason
    assert "nonsense" not in admission.idle_reason


@pytest.mark.parametrize("text", ["app.key:secret", "xVLyHw.I5Cgqg:a-b_c/d:e="])
def test_keys_have_a_form(text: str) -> None:
    """App id, key id and secret."""
    assert is_key(text)


@pytest.mark.parametrize("text", ["", "app", "app.key", "app.key:", ".key:secret", "app:secret", "app.key:sec ret"])
def test_other_texts_are_no_keys(text: str) -> None:
    """The SDK would raise on them in several ways."""
    assert not is_key(text)


def test_hosts_are_tried_in_turn() -> None:
    """Ably's own name brings its fallback hosts, each in full so that the SDK does not walk through them itself."""
    hosts = hosts_of(None)

    assert len(hosts) == len(set(hosts)) > 1
    assert all("." in host for host in hosts)
    assert hosts_of("127.0.0.1:8080/") == ("127.0.0.1:8080/",)


@pytest.mark.parametrize("endpoint", [None, "127.0.0.1:8080/", "nonprod:sandbox"])
async def test_the_sdk_has_no_hosts_to_fall_back_to(endpoint: str | None) -> None:
    """Before each it would ask a web page whether there is an Internet, and stop the event loop until it answers."""
    settings = AblySettings(api_key=SecretStr("app.key:secret"), endpoint=endpoint)

    for host in hosts_of(endpoint):
        client = open_rest_client(settings, host, AblyTiming())
        assert client.options.get_fallback_hosts() == []
        await client.close()
