"""The last word before an order leaves: whether its sender may still send."""

from collections.abc import Callable

Permit = Callable[[], None]
"""Returns when an order may leave at this moment, and raises the reason when it may not. It never waits."""


def always() -> None:
    """Let every order leave."""
