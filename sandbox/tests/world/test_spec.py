"""Loading a world: what is understood, what is refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import SpecError, World, load_spec

MINIMAL: dict[str, Any] = {"accounts": [{"id": "DU1"}], "instruments": [{"symbol": "SPY", "price": 500}]}


def test_a_few_lines_of_yaml_are_a_world(tmp_path: Path) -> None:
    """Everything else has a default."""
    file = tmp_path / "world.yaml"
    file.write_text(
        """
        accounts:
          - id: DU1
            cash: 100000.50
            positions: [{symbol: SPY, quantity: 10}]
        instruments:
          - {symbol: SPY, price: 500.25}
        hours: nyse
        faults:
          - {kind: reject, symbol: SPY, times: 1}
        """,
        "utf-8",
    )

    world = World.from_yaml(file)
    state = world.account_state("DU1")

    assert (state.cash, state.net_liquidation) == (Decimal("100000.50"), Decimal("105003.00"))
    assert world.parts.spec.hours.kind == "nyse"
    assert [fault.kind for fault in world.faults.values()] == ["reject"]


def test_contract_ids_are_given_in_order_where_none_is_named() -> None:
    """So that they are the same in every run."""
    spec = load_spec(
        {**MINIMAL, "instruments": [{"symbol": "A", "price": 1}, {"symbol": "B", "price": 1, "con_id": 7}]}
    )

    assert [instrument.con_id for instrument in spec.instruments] == [10001, 7]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"acounts": []}, "acounts"),
        ({"accounts": []}, "accounts"),
        ({"accounts": [{"id": "DU1"}, {"id": "DU1"}]}, "given twice: DU1"),
        ({"instruments": [{"symbol": "A", "price": 1, "con_id": 7}, {"symbol": "B", "price": 1, "con_id": 7}]}, "7"),
        ({"instruments": [{"symbol": "SPY", "price": 0}]}, "price"),
        ({"instruments": [{"symbol": "SPY", "price": 1, "currency": "EUR"}]}, "no rate for EUR"),
        ({"accounts": [{"id": "DU1", "positions": [{"symbol": "TLT", "quantity": 1}]}]}, "'TLT' fits 0"),
        ({"faults": [{"kind": "explode"}]}, "explode"),
        ({"hours": "sometimes"}, "hours"),
    ],
)
def test_a_wrong_description_is_refused_with_its_reason(change: dict[str, Any], word: str) -> None:
    """Nothing is built from it."""
    with pytest.raises(SpecError, match=word):
        load_spec({**MINIMAL, **change})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """As an error of this package."""
    with pytest.raises(SpecError, match=r"nowhere\.yaml"):
        World.from_yaml(tmp_path / "nowhere.yaml")
