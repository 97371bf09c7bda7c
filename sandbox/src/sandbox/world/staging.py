"""Orders that an operator stages: by hand, or as another client."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.world.fault_spec import Side
from sandbox.world.instruments import SMART, ContractQuery, Registry
from sandbox.world.orders import OrderRequest


def staged_request(
    registry: Registry,
    account: str,
    symbol: str,
    side: Side,
    quantity: Decimal,
    more: Mapping[str, Any],
) -> OrderRequest:
    """An order in few words. `more` are fields of `OrderRequest`, and `con_id`; a limit price makes it a limit order.

    Raises:
        UnknownInstrumentError: the symbol fits no instrument or several.
    """
    instrument = registry.named(symbol, more.get("con_id"))
    contract = ContractQuery(con_id=instrument.con_id, symbol=symbol, exchange=SMART)
    fields = {name: value for name, value in more.items() if name != "con_id"}
    if fields.get("limit_price") is not None:
        fields.setdefault("order_type", "LMT")
    return OrderRequest(account=account, contract=contract, side=side, quantity=quantity, **fields)
