"""The longest message from the client, read as far as the sandbox needs it."""

from decimal import Decimal

from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages.orders import what_if_answer
from sandbox.gateway.session import Session
from sandbox.world.instruments import ContractQuery
from sandbox.world.orders import OrderRequest
from sandbox.world.what_if import WhatIf

_NO_PROFILES_SINCE = 177

_AFTER_ACCOUNT = ("open_close", "origin")
_FLAGS = ("parent_id", "block_order", "sweep_to_fill", "display_size", "trigger_method")
_ALLOCATION = (
    "shares_allocation",
    "discretionary_amount",
    "good_after_time",
    "good_till_date",
    "fa_group",
    "fa_method",
    "fa_percentage",
)
_SPECIAL = (
    "model_code",
    "short_sale_slot",
    "designated_location",
    "exempt_code",
    "oca_type",
    "rule_80a",
    "settling_firm",
    "all_or_none",
    "min_quantity",
    "percent_offset",
    "e_trade_only",
    "firm_quote_only",
    "nbbo_price_cap",
    "auction_strategy",
    "starting_price",
    "stock_ref_price",
    "delta",
    "stock_range_lower",
    "stock_range_upper",
    "override_percentage_constraints",
    "volatility",
    "volatility_type",
)
_DELTA_NEUTRAL = (
    "con_id",
    "settling_firm",
    "clearing_account",
    "clearing_intent",
    "open_close",
    "short_sale",
    "short_sale_slot",
    "designated_location",
)
_TRAILING = ("continuous_update", "reference_price_type", "trail_stop_price", "trailing_percent")
_SCALE_ADJUSTMENT = (
    "price_adjust_value",
    "price_adjust_interval",
    "profit_offset",
    "auto_reset",
    "init_position",
    "init_fill_quantity",
    "random_percent",
)
_SCALE_TABLE = ("scale_table", "active_start_time", "active_stop_time")
_CLEARING = ("opt_out_smart_routing", "clearing_account", "clearing_intent", "not_held")
_MISCELLANEOUS = ("misc_options", "solicited", "randomize_size", "randomize_price")


def place_order(session: Session, fields: FieldReader) -> None:
    """Take an order or a what-if. Everything but the what-if answer comes as an event of the world."""
    order_id = fields.integer()
    taken = session.world.place_order(session.client_id, order_id, _read_order(fields, session.version))
    if isinstance(taken, WhatIf):
        session.send(what_if_answer(taken, session.version))


def _read_order(fields: FieldReader, version: int) -> OrderRequest:
    contract = fields.contract()
    fields.named(("security_id_type", "security_id"))
    side, quantity = fields.text(), fields.number() or Decimal(0)
    order_type, limit_price, _aux_price = fields.text(), fields.number(), fields.number()
    tif, _oca_group, account = fields.text(), fields.text(), fields.text()
    fields.named(_AFTER_ACCOUNT)
    order_ref, transmit = fields.text(), fields.flag()
    fields.named(_FLAGS)
    outside_rth, _hidden = fields.flag(), fields.flag()
    what_if, conditions = _read_tail(fields, contract, order_type, version)
    return OrderRequest(
        account=account,
        contract=contract,
        side=side,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit_price if order_type == "LMT" else None,
        tif=tif,
        outside_rth=outside_rth,
        order_ref=order_ref,
        transmit=transmit,
        what_if=what_if,
        conditions=conditions,
    )


def _read_tail(fields: FieldReader, contract: ContractQuery, order_type: str, version: int) -> tuple[bool, int]:
    if contract.sec_type == "BAG":
        return False, 0
    fields.named(_ALLOCATION)
    if version < _NO_PROFILES_SINCE:
        fields.named(("fa_profile",))
    fields.named(_SPECIAL)
    _read_groups(fields)
    fields.named(("algo_id",))
    what_if = fields.flag()
    fields.named(_MISCELLANEOUS)
    is_pegged = order_type in {"PEG BENCH", "PEGBENCH"}
    return what_if, 0 if is_pegged else fields.integer()


def _read_groups(fields: FieldReader) -> None:
    """Pass over the groups that are only there when their first field says so."""
    delta_neutral_type, _aux_price = fields.text(), fields.text()
    if delta_neutral_type:
        fields.named(_DELTA_NEUTRAL)
    fields.named(_TRAILING)
    _init_size, _subsequent_size, increment = fields.text(), fields.text(), fields.number()
    if increment:
        fields.named(_SCALE_ADJUSTMENT)
    fields.named(_SCALE_TABLE)
    if fields.text():
        fields.named(("hedge_parameter",))
    fields.named(_CLEARING)
    if fields.flag():
        fields.named(("con_id", "delta", "price"))
    if fields.text():
        fields.skip(2 * fields.integer())
