"""accounts.yaml: what is taken, and how a wrong entry is named."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from service_runtime.accounts import AccountLimits, PdtMode, account_mode
from service_runtime.accounts_loader import load_accounts
from service_runtime.errors import ConfigurationError
from service_runtime.settings import TradingMode

Write = Callable[[str, str], Path]

DOCUMENTED = """
- account_id: "DU123456"
  notification:
    channel: "strategy-name-100"
  rebalancing:
    equity_reserve_percentage: 1.0  # 1% cash reserve (default)

- account_id: "DU789012"
  notification:
    channel: "strategy-name-200"
  rebalancing:
    equity_reserve_percentage: 2.5  # 2.5% cash reserve
"""


def entry(account_id: str = '"DU1"', rest: str = "") -> str:
    return f"- account_id: {account_id}\n  notification: {{channel: c}}\n{rest}"


def faults(path: Path) -> list[str]:
    """What loading complains of, one line each, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        load_accounts(path)
    return [str(problem).removeprefix(f"{path}: ") for problem in caught.value.problems]


def test_the_documents_example_loads(write: Write) -> None:
    """Accounts keep their order, channels and reserves."""
    accounts = load_accounts(write("accounts.yaml", DOCUMENTED))

    assert list(accounts.by_id) == ["DU123456", "DU789012"]
    assert accounts.channels == ("strategy-name-100", "strategy-name-200")
    assert accounts.by_id["DU789012"].rebalancing.equity_reserve_percentage == Decimal("2.5")


def test_everything_optional_may_be_left_out(write: Write) -> None:
    """An id and a channel are enough."""
    account = load_accounts(write("accounts.yaml", entry())).by_id["DU1"]

    assert account.rebalancing.equity_reserve_percentage is None
    assert (account.enabled, account.broker, account.replacement_set, account.exclude) == (True, "ibkr", None, set())


def test_several_accounts_may_follow_one_channel(write: Write) -> None:
    """They are found in the order of the file."""
    accounts = load_accounts(write("accounts.yaml", entry('"DU2"') + entry('"DU1"')))

    assert [account.account_id for account in accounts.on_channel("c")] == ["DU2", "DU1"]
    assert accounts.channels == ("c",)


def test_a_disabled_account_is_as_if_absent(write: Write) -> None:
    """Only its id is kept."""
    accounts = load_accounts(write("accounts.yaml", entry('"DU1"', "  enabled: false\n") + entry('"DU2"')))

    assert list(accounts.by_id) == ["DU2"]
    assert accounts.disabled == {"DU1"}


@pytest.mark.parametrize("text", ["", "[]\n", "# none yet\n"])
def test_there_may_be_no_account(write: Write, text: str) -> None:
    """A new installation starts without one."""
    accounts = load_accounts(write("accounts.yaml", text))

    assert not accounts.by_id
    assert accounts.channels == ()


@pytest.mark.parametrize("reserve", ["0", "10", "99.5", "-3"])
def test_a_reserve_out_of_range_is_left_to_the_calculator(write: Write, reserve: str) -> None:
    """It counts as one percent there, with a warning; here it is only a number."""
    rest = f"  rebalancing: {{equity_reserve_percentage: {reserve}}}\n"

    account = load_accounts(write("accounts.yaml", entry(rest=rest))).by_id["DU1"]

    assert account.rebalancing.equity_reserve_percentage == Decimal(reserve)


@pytest.mark.parametrize("reserve", ["much", "1%", ".nan", ".inf", "[1]", "true"])
def test_a_reserve_that_is_no_number_is_refused(write: Write, reserve: str) -> None:
    """The entry and the field are named."""
    rest = f"  rebalancing: {{equity_reserve_percentage: {reserve}}}\n"

    told = faults(write("accounts.yaml", entry(rest=rest)))

    assert len(told) == 1
    assert told[0].startswith("entry 1 (DU1): rebalancing.equity_reserve_percentage: ")


def test_an_account_twice_is_refused(write: Write) -> None:
    """Both entries are named, even when one is disabled."""
    text = entry('"DU1"') + entry('"DU2"') + entry('"DU1"', "  enabled: false\n")

    assert faults(write("accounts.yaml", text)) == ["entry 3 (DU1): repeats the account of entry 1"]


def test_a_number_as_id_is_refused_with_the_remedy(write: Write) -> None:
    """YAML reads digits as a number, and would drop leading zeros."""
    told = faults(write("accounts.yaml", entry("123456")))

    assert told == ["entry 1 (123456): account_id: should be text; put it in quotes, not 123456"]


def test_a_ticker_that_yaml_takes_for_a_truth_value_is_refused(write: Write) -> None:
    """ON is a company; without quotes it would be `true`."""
    told = faults(write("accounts.yaml", entry(rest="  exclude: [AAPL, ON]\n")))

    assert len(told) == 1
    assert "put it in quotes" in told[0]


@pytest.mark.parametrize("account_id", ['""', '"DU 1"', '"DU1:rebalance"', '"../x"', f'"{"D" * 33}"'])
def test_an_id_is_letters_and_digits(write: Write, account_id: str) -> None:
    """Ids become parts of keys."""
    assert len(faults(write("accounts.yaml", entry(account_id)))) == 1


def test_every_wrong_entry_is_named(write: Write) -> None:
    """One look shows everything that is to be corrected."""
    text = """
- account_id: DU1
- notification: {channel: c}
- just text
- account_id: DU4
  notification: {channel: c, chanel: d}
  reserve: 1
"""

    assert faults(write("accounts.yaml", text)) == [
        "entry 1 (DU1): notification: is required",
        "entry 2: account_id: is required",
        "entry 3: should be a valid dictionary or instance of AccountConfig, not 'just text'",
        "entry 4 (DU4): notification.chanel: unknown key",
        "entry 4 (DU4): reserve: unknown key",
    ]


@pytest.mark.parametrize("text", ["accounts: []\n", "DU1\n", "DU1: {channel: c}\n"])
def test_the_file_is_a_list(write: Write, text: str) -> None:
    """Another shape is told how an entry starts."""
    assert faults(write("accounts.yaml", text)) == ["should be a list: each entry starts with `- account_id:`"]


def test_the_file_must_exist(tmp_path: Path) -> None:
    """There is no default for accounts."""
    assert faults(tmp_path / "accounts.yaml") == ["cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    ("account_id", "mode"),
    [
        ("DU123456", TradingMode.PAPER),
        ("DF123456", TradingMode.PAPER),
        ("du123456", TradingMode.PAPER),
        ("U1234567", TradingMode.LIVE),
        ("F1234567", TradingMode.LIVE),
    ],
)
def test_the_id_tells_paper_from_live(account_id: str, mode: TradingMode) -> None:
    """Paper ids start with D."""
    assert account_mode(account_id) is mode


PROTECTED = """  pdt_protection_enabled: true
  pdt_mode: day_trades_remaining
  what_if: true
  limits: {max_order_value: 50000, max_turnover_percent: 40.5, min_trade_value: 0.01, drift_band_percent: 1}
"""


def test_an_account_may_be_guarded(write: Write) -> None:
    """Each guard and limit is taken as written."""
    account = load_accounts(write("accounts.yaml", entry(rest=PROTECTED))).by_id["DU1"]

    assert (account.pdt_protection_enabled, account.pdt_mode, account.what_if) == (
        True,
        PdtMode.DAY_TRADES_REMAINING,
        True,
    )
    assert account.limits == AccountLimits(
        max_order_value=Decimal(50000),
        max_turnover_percent=Decimal("40.5"),
        min_trade_value=Decimal("0.01"),
        drift_band_percent=Decimal(1),
    )


def test_an_account_is_not_guarded_unless_it_says_so(write: Write) -> None:
    """Without the new keys nothing is bounded."""
    account = load_accounts(write("accounts.yaml", entry())).by_id["DU1"]

    assert (account.pdt_protection_enabled, account.what_if, account.limits) == (False, False, AccountLimits())
    assert account.pdt_mode is PdtMode.ONCE_PER_DAY


@pytest.mark.parametrize("limit", ["max_order_value", "max_turnover_percent", "min_trade_value", "drift_band_percent"])
@pytest.mark.parametrize("value", ["0", "-1", ".nan", ".inf", "much", "true"])
def test_a_limit_is_a_number_above_zero(write: Write, limit: str, value: str) -> None:
    """The entry and the limit are named."""
    told = faults(write("accounts.yaml", entry(rest=f"  limits: {{{limit}: {value}}}\n")))

    assert len(told) == 1
    assert told[0].startswith(f"entry 1 (DU1): limits.{limit}: ")


@pytest.mark.parametrize(
    "rest", ["  pdt_mode: never\n", "  limits: {most: 1}\n", "  limits: 5\n", "  what_if: maybe\n"]
)
def test_a_guard_that_is_not_known_is_refused(write: Write, rest: str) -> None:
    """A misspelt guard must not leave the account without one."""
    assert len(faults(write("accounts.yaml", entry(rest=rest)))) == 1
