"""The example of docs/planning.md is what the calculator does."""

import re
from pathlib import Path

from rebalance_calculator import PlanInputs, plan_rebalance
from rebalance_calculator.testing import account, inputs, position, traded

ROW = re.compile(r"^\| ([A-Z]+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", re.MULTILINE)


def example(rows: list[tuple[str, ...]]) -> PlanInputs:
    """The account of the page: its sums stand in the sentence above the table."""
    return inputs(
        account(
            cash=20_000,
            net_liquidation=100_000,
            positions=[position(symbol, held) for symbol, _, _, held, _, _ in rows if held != "0"],
        ),
        percent={symbol: weight for symbol, weight, *_ in rows},
        prices={symbol: price for symbol, _, price, *_ in rows},
        reserve=1,
    )


def test_the_table_is_what_the_calculator_plans(root: Path) -> None:
    """Targets and trades, digit by digit."""
    rows = ROW.findall((root / "docs" / "planning.md").read_text("utf-8"))

    plan = plan_rebalance(example(rows))

    assert len(rows) == 3
    assert {item.symbol: f"{item.target_quantity.normalize():f}" for item in plan.targets} == {
        symbol: target for symbol, *_, target, _ in rows
    }
    assert traded(plan) == {symbol: int(trade) for symbol, *_, trade in rows}
