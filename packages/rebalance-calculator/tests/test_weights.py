"""Case 10: which published allocations may be traded on."""

from decimal import Decimal

import pytest

from rebalance_calculator import Allocation, AllocationError, TargetWeight, validate_allocations
from rebalance_calculator.weights import normalise_symbol


def published(*items: tuple[str, str]) -> list[Allocation]:
    return [Allocation(symbol, Decimal(weight)) for symbol, weight in items]


def total(weights: tuple[TargetWeight, ...]) -> Decimal:
    return sum((item.weight for item in weights), Decimal(0))


@pytest.mark.parametrize("weight", ["0.995", "0.99", "1"])
def test_case_10_a_sum_of_at_most_one_is_kept(weight: str) -> None:
    """What rounding left out of the sum stays cash."""
    weights = validate_allocations(published(("SPY", weight)))

    assert weights == (TargetWeight("SPY", Decimal(weight)),)


@pytest.mark.parametrize(("first", "second"), [("0.504", "0.5"), ("0.51", "0.5"), ("0.335", "0.666")])
def test_case_10_a_sum_slightly_above_one_is_scaled_down(first: str, second: str) -> None:
    """Rounding up by the publisher never spends more than the account, and the proportion stays."""
    weights = validate_allocations(published(("A", first), ("B", second)))

    assert Decimal("0.9999999999") < total(weights) <= 1
    assert weights[0].weight / weights[1].weight == pytest.approx(Decimal(first) / Decimal(second), abs=Decimal("1e-9"))


@pytest.mark.parametrize("weights", [("0.5",), ("0.9", "0.9"), ("0.98999",), ("0.51", "0.50001"), ("0", "0")])
def test_case_10_a_sum_far_from_one_is_refused(weights: tuple[str, ...]) -> None:
    """Half an allocation, or nearly two, is a mistake and not a plan."""
    items = published(*((f"S{number}", weight) for number, weight in enumerate(weights)))

    with pytest.raises(AllocationError, match="sum to"):
        validate_allocations(items)


@pytest.mark.parametrize("weight", ["-0.1", "NaN", "sNaN", "Infinity", "-Infinity", "1.2"])
def test_case_10_a_weight_that_is_no_fraction_is_refused_by_name(weight: str) -> None:
    """The error names the symbol, so that the publisher can be asked."""
    items = published(("SPY", "1"), (" tlt", weight))

    with pytest.raises(AllocationError, match="weight of TLT"):
        validate_allocations(items)


def test_case_10_an_empty_list_is_refused() -> None:
    """No allocation is not an order to sell everything."""
    with pytest.raises(AllocationError, match="empty"):
        validate_allocations([])


@pytest.mark.parametrize("symbol", ["AV\0V", "\ud800", "ß", "A\x7f", "A" * 33])
def test_a_text_that_is_no_symbol_is_refused(symbol: str) -> None:
    """None reaches the gateway, whose protocol ends a field at a NUL; the refusal is text that anybody can store."""
    with pytest.raises(AllocationError, match="is no symbol") as refusal:
        validate_allocations([Allocation(symbol, Decimal(1))])

    assert str(refusal.value).isascii()
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 80


@pytest.mark.parametrize("symbol", ["", "  "])
def test_a_blank_symbol_is_refused(symbol: str) -> None:
    """A weight without a name cannot be bought."""
    with pytest.raises(AllocationError, match="blank"):
        validate_allocations(published((symbol, "1")))


def test_case_10_duplicates_are_merged_and_symbols_spelled_one_way() -> None:
    """Spellings of one symbol are one target, and targets come by symbol."""
    weights = validate_allocations(published(("B", "0.5"), (" a", "0.2"), ("A ", "0.3")))

    assert weights == (TargetWeight("A", Decimal("0.5")), TargetWeight("B", Decimal("0.5")))


def test_case_10_a_symbol_is_trimmed_and_upper_cased() -> None:
    """The brokerage knows AAPL only."""
    assert validate_allocations(published(("aapl ", "1"))) == (TargetWeight("AAPL", Decimal(1)),)


@pytest.mark.parametrize(
    ("published_as", "symbol"),
    [
        ("BRK.B", "BRK.B"),
        ("brk-b", "BRK.B"),
        ("BRK/B", "BRK.B"),
        (" BRK  B ", "BRK.B"),
        ("BAC PRL", "BAC PRL"),
        ("BAC-PL", "BAC-PL"),
        ("X", "X"),
        ("SPY", "SPY"),
    ],
)
def test_a_class_of_shares_has_one_spelling(published_as: str, symbol: str) -> None:
    """However a provider writes it; what is no single letter is no class."""
    assert normalise_symbol(published_as) == symbol


def test_two_spellings_of_one_class_are_merged() -> None:
    """They are one target, and one position."""
    weights = validate_allocations(published(("BRK-B", "0.25"), ("BRK.B", "0.25"), ("SPY", "0.5")))

    assert weights == (TargetWeight("BRK.B", Decimal("0.5")), TargetWeight("SPY", Decimal("0.5")))
