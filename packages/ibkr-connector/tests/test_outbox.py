"""The order in which messages leave while the pace holds them back."""

from ibkr_connector.outbox import Outbox


def test_the_most_urgent_leave_first() -> None:
    """Cancellations, orders, accounts, symbols, and quotes that are given back last; each kind keeps its own order."""
    box = Outbox()

    for message in ("2\0a", "9\0a", "3\0a", "2\0b", "62\0a", "1\0a", "4\0a", "7\0a", "9\0b", "3\0b"):
        box.append(message)

    assert list(box) == ["4\0a", "3\0a", "3\0b", "62\0a", "7\0a", "9\0a", "1\0a", "9\0b", "2\0a", "2\0b"]
