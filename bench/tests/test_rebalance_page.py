"""The part about a rebalance."""

from bench.rebalance import RebalanceSpeed
from bench.rebalance_page import rebalance_section


def test_a_rebalance_is_shown_with_its_chain_messages_and_steps() -> None:
    """Five replies of 50 ms and two fills of 200 ms cannot take less than 0.65 s."""
    speed = RebalanceSpeed(steps=5, slow=0.78, messages=44, asked=("all open orders, 20 market data", "executions"))

    page = rebalance_section({"later ones": speed})

    assert "| later ones | 5 | 0.65 | 0.78 | 1.20 | 44 |" in page
    assert "step by step (later ones):\n\n1. all open orders, 20 market data\n2. executions\n" in page


def test_a_rebalance_without_steps_is_only_a_row() -> None:
    """Nothing is listed that was not measured."""
    assert "step by step" not in rebalance_section({"later ones": RebalanceSpeed(steps=8, slow=0.9)})
