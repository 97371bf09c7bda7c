"""Results as tables for people who read the log."""

from collections.abc import Sequence

from event_processor.result_shapes import (
    AccountEquityShape,
    EquityShape,
    OpenOrderShape,
    OrderShape,
    OrdersShape,
    PositionsShape,
    PriceShape,
    RebalanceShape,
)


def rebalance_text(result: RebalanceShape) -> str:
    """Equity, prices, orders and warnings of a preview or a live run."""
    lines = [
        f"{_title(result)} of {result['account_id']}: {result['status']}",
        result["message"],
        _equity(result["equity_info"]),
        *_orders(result["orders"], result["prices"]),
        *_prices(result["prices"]),
        *_drift(result),
        *(f"warning: {warning}" for warning in result["warnings"]),
    ]
    return "\n".join(lines)


def positions_text(result: PositionsShape) -> str:
    """One line a position."""
    rows = [
        (item["symbol"], f"{item['quantity']:g}", item["currency"], "" if item["tradeable"] else "not managed")
        for item in result["positions"]
    ]
    return "\n".join([f"Positions of {result['account_id']}", *table(("symbol", "quantity", "currency", ""), rows)])


def equity_text(result: AccountEquityShape) -> str:
    """One line a figure."""
    figures = (
        ("net liquidation", result["net_liquidation"]),
        ("cash", result["cash"]),
        ("settled cash", result["settled_cash"]),
        ("cash in other currencies", result["other_cash"]),
        (f"reserve ({result['reserve_percentage']:g} %)", result["reserve_amount"]),
    )
    rows = [(name, f"{value:,.2f}") for name, value in figures]
    title = f"Equity of {result['account_id']}, a {result['account_type']} account"
    return "\n".join([title, *table(("", "USD"), rows), *(f"warning: {text}" for text in result["warnings"])])


def orders_text(result: OrdersShape) -> str:
    """One line an order."""
    header = ("order", "action", "quantity", "symbol", "filled", "type", "status", "owner")
    rows = [_open_order(order) for order in result["orders"]]
    return "\n".join([f"Orders of {result['account_id']}: {result['message']}", *table(header, rows)])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns as wide as their widest cell; no line at all without rows."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]


def _title(result: RebalanceShape) -> str:
    return "Preview" if result["execution_mode"] == "dry_run" else "Rebalance"


def _equity(equity: EquityShape) -> str:
    return (
        f"total equity {equity['total_equity']:,.2f}  reserve {equity['reserve_amount']:,.2f} "
        f"({equity['reserve_percentage']:g} %)  unmanaged {equity['unmanaged_value']:,.2f}  "
        f"available {equity['available_for_trading']:,.2f}"
    )


def _orders(orders: Sequence[OrderShape], prices: dict[str, PriceShape]) -> list[str]:
    if not orders:
        return ["nothing to trade"]
    header = ("action", "quantity", "symbol", "price", "source", "age", "value", "outcome", "reason")
    return table(header, [_order(order, prices[order["symbol"]]) for order in orders])


def _order(order: OrderShape, quote: PriceShape) -> tuple[str, ...]:
    return (
        order["action"],
        str(order["quantity"]),
        order["symbol"],
        f"{order['price']:,.2f}",
        quote["source"],
        f"{quote['age_seconds']:.0f} s",
        f"{order['market_value']:,.2f}",
        _outcome(order),
        order["reason"],
    )


def _outcome(order: OrderShape) -> str:
    status = order.get("status")
    return "planned" if status is None else f"{status} {order.get('filled_quantity', 0):g}"


def _prices(prices: dict[str, PriceShape]) -> list[str]:
    rows = [
        (symbol, f"{quote['price']:,.4f}", quote["source"], f"{quote['age_seconds']:.0f} s")
        for symbol, quote in prices.items()
    ]
    return table(("symbol", "price", "source", "age"), rows)


def _drift(result: RebalanceShape) -> list[str]:
    rows = [
        (item["symbol"], f"{item['target_percent']:.2f} %", f"{item['actual_percent']:.2f} %")
        for item in result["drift"]
    ]
    return table(("symbol", "target", "actual"), rows)


def _open_order(order: OpenOrderShape) -> tuple[str, ...]:
    return (
        order["order_id"],
        order["action"],
        f"{order['quantity']:g}",
        order["symbol"],
        f"{order['filled_quantity']:g}",
        order["order_type"],
        order["status"],
        order["owner"] if order["ours"] else f"{order['owner']} (not ours)",
    )
