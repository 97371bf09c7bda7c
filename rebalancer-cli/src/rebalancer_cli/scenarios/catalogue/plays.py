"""Plays that several scenarios share."""

from rebalancer_cli.scenarios.stage import Stage


async def to_the_end(stage: Stage) -> None:
    """A signal, and its event's end."""
    await stage.signal()
    await stage.ended()


async def to_the_first_failure(stage: Stage) -> None:
    """A signal, and its event back in the line."""
    await stage.signal()
    await stage.failed()


async def leave_order(stage: Stage, *, client_id: int | None = None) -> None:
    """Leave an order in the market that never fills: another client's, or one placed by hand."""
    order = {
        "account": stage.account.account_id,
        "symbol": "BND",
        "side": "BUY",
        "quantity": 3,
        "limit_price": 1,
        "tif": "GTC",
    }
    owner = {} if client_id is None else {"client_id": client_id}
    await stage.world.change("POST", "orders", {**order, **owner})
