"""Asking the brokerage what orders would do before any of them is sent."""

from collections.abc import Sequence

import structlog

from broker_connector_base import BrokerClient, MarginEffect, OrderRejected, OrderRequest
from event_processor.side_by_side import every

_log = structlog.get_logger(__name__)


async def margin_effects(broker: BrokerClient, requests: Sequence[OrderRequest]) -> Sequence[MarginEffect]:
    """The margin effect of each order, asked side by side; each is judged as if it were the only one.

    Raises:
        OrderRejected: the brokerage would refuse at least one; with its words for each. Nothing was sent.
        BrokerError: a question was not answered; nothing was sent.
    """
    effects, errors = await every([broker.what_if(request) for request in requests])
    if errors:
        raise _refusal(errors)
    for request, effect in zip(requests, effects, strict=True):
        if effect.warning:
            _log.warning("margin_warning", order_ref=request.order_ref, words=effect.warning)
    return effects


def _refusal(errors: Sequence[Exception]) -> Exception:
    refusals = [str(error) for error in errors if isinstance(error, OrderRejected)]
    if len(refusals) < len(errors):
        return next(error for error in errors if not isinstance(error, OrderRejected))
    return OrderRejected(f"asked beforehand, the broker would refuse; no order was sent: {'; '.join(refusals)}")
