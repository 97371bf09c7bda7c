"""The page that the benchmark writes."""

from bench.counting import CommandCount
from bench.machine import Machine
from bench.page import render
from bench.ratios import Figure
from bench.rebalance import RebalanceSpeed


def test_the_page_shows_ratios_with_their_range() -> None:
    """Figures are rounded for reading; the machine is told by what matters for ratios."""
    figure = Figure("enqueue", 0.000_123_4, 1.618, 1.5, 1.75)

    page = render(Machine(2, "3.11.7", "6.2.14"), 5, {"Transitions": [figure]}, [CommandCount("claim", 1, 9)], {})

    assert "Measured on 2 cores, Python 3.11.7, Redis 6.2.14; 5 rounds." in page
    assert "| enqueue | 123 | 1.62 | 1.50 to 1.75 |" in page
    assert "| claim | 1 | 9 |" in page
    assert page.index("## Transitions") < page.index("## Commands a transition")


def test_the_page_shows_a_rebalance_beside_its_longest_chain() -> None:
    """Eight replies of 50 ms and two fills of 200 ms cannot take less than 0.8 s."""
    speed = RebalanceSpeed(steps=8, slow=0.9)

    page = render(Machine(2, "3.11.7", "6.2.14"), 5, {}, [], {"later ones": speed})

    assert "| later ones | 8 | 0.80 | 0.90 | 1.12 |" in page
