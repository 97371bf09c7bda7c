"""What is known of one order: the brokerage's messages folded into a status that can be trusted.

Executions decide quantities. A status is final only when the brokerage said so and its count of shares agrees with
the executions; an error about an order makes it doubtful, which means: ask, never conclude.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from broker_connector_base import OrderRequest, OrderStatus, Side
from ibkr_connector.error_codes import ErrorClass, classify
from ibkr_connector.messages import ErrorTold, ExecutionTold, OrderKey, OrderListed, StatusTold

FILLED: Final = "Filled"
INACTIVE: Final = "Inactive"
CANCELLED: Final = frozenset({"Cancelled", "ApiCancelled"})
"""Note that PendingCancel is not among them: such an order may still fill."""

OVER: Final = CANCELLED | {FILLED, INACTIVE}
"""Told of orders that have ended; an inactive one may be held instead."""
_UNACKNOWLEDGED: Final = frozenset({"", "PendingSubmit", "ApiPending"})
_LOCATING: Final = "locate"
_MAX_WORDS: Final = 20


@dataclass(slots=True, kw_only=True)
class OrderRecord:
    """One order of anybody; `request` is there for those that this session placed."""

    key: OrderKey
    account_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_ref: str
    request: OrderRequest | None = None
    perm_id: int = 0
    told_status: str = ""
    """The last status that the brokerage itself sent."""
    told_filled: Decimal = Decimal(0)
    why_held: str = ""
    rejection: str = ""
    """The brokerage's words when it refused, else empty."""
    words: list[str] = field(default_factory=list[str])
    is_cancel_confirmed: bool = False
    """The brokerage said that the order was cancelled, by an error code and not yet by a status."""
    is_cancel_disputed: bool = False
    """The brokerage found nothing to cancel: the order ended before, one way or another."""
    is_questioned: bool = False
    """An error of unknown meaning came, which may or may not have ended the order."""
    is_doubtful: bool = False
    """What was said does not settle the order's fate: the list of open orders and the executions must be asked."""
    verdict: OrderStatus | None = None
    """The final status that asking has established."""
    executions: dict[str, ExecutionTold] = field(default_factory=dict[str, ExecutionTold])
    is_end_told: bool = False
    """Whoever placed the order was told how it ended."""

    @property
    def description(self) -> str:
        """For messages: `5:12 (BUY 10 SPY) on DU1`."""
        return f"{self.key} ({self.side} {self.quantity} {self.symbol}) on {self.account_id}"

    @property
    def filled(self) -> Decimal:
        """Shares executed, each execution once and as last corrected."""
        return sum((each.quantity for each in self.executions.values()), Decimal(0))

    @property
    def filled_by_any_word(self) -> Decimal:
        """Shares executed as far as known: other clients' executions are told by the order's status alone."""
        return max(self.filled, self.told_filled)

    @property
    def status(self) -> OrderStatus:
        """Where the order stands by everything heard so far."""
        if self.filled >= self.quantity or (self.told_status == FILLED and self._is_found):
            return OrderStatus.FILLED
        if self.verdict is not None:
            return self.verdict
        if self._is_dead and (self._is_found or self.told_filled <= self.filled):
            return OrderStatus.REJECTED if self.rejection else OrderStatus.CANCELLED
        return OrderStatus.PENDING if self.told_status in _UNACKNOWLEDGED else OrderStatus.WORKING

    @property
    def is_final(self) -> bool:
        """True when the order can never fill again."""
        return self.status.is_final

    @property
    def is_done_with(self) -> bool:
        """True when nobody will ask for the order any more."""
        return self.is_final and (self._is_found or self.is_end_told)

    @property
    def message(self) -> str:
        """The brokerage's words: why it refused, else the last thing it said."""
        return self.rejection or (self.words[-1] if self.words else "")

    @property
    def is_end_certain(self) -> bool:
        """True when the brokerage's words alone say that the order is over without having filled."""
        return bool(self.rejection) or self.is_cancel_confirmed

    @property
    def was_refused(self) -> bool:
        """True when the order ended because the brokerage would not have it, by everything that it said."""
        is_about_cancelling = self.is_cancel_confirmed or self.is_cancel_disputed
        return bool(self.rejection) or (self.is_questioned and not is_about_cancelling)

    @property
    def was_refused_unseen(self) -> bool:
        """True when the brokerage refused the order and never acknowledged it."""
        return bool(self.rejection) and self.told_status in _UNACKNOWLEDGED

    @property
    def has_ended_by_words(self) -> bool:
        """True when its words say that the order is over, perhaps by having filled."""
        is_in_dispute = self.is_cancel_disputed or self.is_questioned
        return self.is_end_certain or is_in_dispute or self.told_status == INACTIVE or self._is_dead

    @property
    def lacks_executions(self) -> bool:
        """True when the brokerage counts more filled shares than it has told executions of, corrections aside."""
        if self._is_found:
            return False
        is_short = self.told_filled > self.filled or self.told_status == FILLED
        return is_short and not self.has_corrections

    @property
    def has_corrections(self) -> bool:
        """True when an execution was corrected: the broker's count of shares and the executions may then differ."""
        return any(each.revision > 1 for each in self.executions.values())

    @property
    def lost_shares(self) -> bool:
        """True when the brokerage counted more shares than the executions leave after their corrections."""
        return self.has_corrections and self.filled < self.told_filled

    @property
    def _is_found(self) -> bool:
        """True for orders that were open before this session.

        They may have filled on earlier days, of which the gateway tells no executions: of such an order it matters
        only that it is over, and the brokerage's status says so alone.
        """
        return self.request is None

    @property
    def _is_dead(self) -> bool:
        """An inactive order is dead when it was refused; others are held, or wait for a click in the gateway."""
        return self.told_status in CANCELLED or (self.told_status == INACTIVE and bool(self.rejection))

    def is_same(self, message: OrderListed | ExecutionTold) -> bool:
        """True when the message is about this order.

        Binding gives an order placed by hand another number, but not another permanent id. The reference is compared
        too: a reset gateway may issue a number twice a day.
        """
        has_its_id = message.key == self.key or (self.perm_id != 0 and message.perm_id == self.perm_id)
        return has_its_id and message.order_ref in ("", self.order_ref)

    def listed(self, message: OrderListed) -> None:
        """Take in an openOrder message; one with another reference is about an older order of the same number."""
        if message.order_ref in ("", self.order_ref):
            self.perm_id = message.perm_id or self.perm_id
            self._tell(message.status)

    def told(self, message: StatusTold) -> None:
        """Take in an orderStatus message."""
        self.perm_id = message.perm_id or self.perm_id
        self.told_filled = message.filled
        self.why_held = message.why_held
        self._tell(message.status)

    def executed(self, execution: ExecutionTold) -> None:
        """Take in the latest revision of an execution, or a part in place of what seemed to be one.

        An order that was over stays over when a correction leaves it fewer shares.
        """
        was_final = self.is_final
        if execution.is_part:
            self.executions.pop(execution.series, None)
        self.executions[execution.stem] = execution
        if was_final and not self.is_final:
            self.verdict = OrderStatus.CANCELLED

    def failed(self, error: ErrorTold) -> None:
        """Take in an error about this order: its words are kept, and unless it is mere information, doubt."""
        kind = classify(error.code)
        self.words = [*self.words, str(error)][-_MAX_WORDS:]
        if kind in (ErrorClass.INFORMATION, ErrorClass.DEGRADED):
            return
        self.is_doubtful = True
        self.is_cancel_confirmed |= kind is ErrorClass.CANCELLED
        self.is_cancel_disputed |= kind is ErrorClass.CANCEL_DISPUTED
        self.is_questioned |= kind in (ErrorClass.UNKNOWN, ErrorClass.NO_DATA)
        if kind in (ErrorClass.REJECTED, ErrorClass.RETRY_LATER):
            self.rejection = str(error)

    def doubt(self) -> None:
        """Messages about this order may have been lost."""
        self.is_doubtful = not self.is_final

    def _tell(self, status: str) -> None:
        self.told_status = status
        if status in OVER:
            is_held = status == INACTIVE and self.why_held == _LOCATING
            self.is_doubtful |= not is_held and not self.is_final
        elif status not in _UNACKNOWLEDGED:
            # It is alive after all, whatever was said or concluded before.
            self.verdict = None
            self.rejection = ""
