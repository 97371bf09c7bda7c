"""Misbehaviour that can be scripted, one value a kind, chosen by the key `kind`.

Every fault names the orders that it touches (`symbol`, `account`, `side`, `client_id`; absent means any) and how many
of them (`times`; absent means all). Several faults of different kinds may touch the same order.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Side = Literal["BUY", "SELL"]


class _Fault(BaseModel):
    """Which orders a fault touches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str | None = None
    account: str | None = None
    side: Side | None = None
    client_id: int | None = None
    times: int | None = Field(default=None, ge=1)


class PartialFill(_Fault):
    """Only `quantity` shares fill at first; the rest after `rest_after_ms`, or never."""

    kind: Literal["partial_fill"] = "partial_fill"
    quantity: Decimal = Field(ge=0)
    rest_after_ms: int | None = Field(default=None, ge=0)


class SlowFill(_Fault):
    """The order fills after `after_ms` instead of the usual latency, or never."""

    kind: Literal["slow_fill"] = "slow_fill"
    after_ms: int | None = Field(default=None, ge=0)


class Reject(_Fault):
    """The brokerage rejects the order: an error with `code` and `text`, then the final status."""

    kind: Literal["reject"] = "reject"
    code: int = 201
    text: str = "Order rejected - reason:rejected by the sandbox"
    status: Literal["Inactive", "Cancelled"] = "Inactive"


class NoAnswer(_Fault):
    """No message ever tells of this order. With `fills` it is nevertheless executed, and executions show it."""

    kind: Literal["no_answer"] = "no_answer"
    fills: bool = False


class SkipStatus(_Fault):
    """The order fills without any openOrder or orderStatus after the first: execDetails alone tell."""

    kind: Literal["skip_status"] = "skip_status"


class StatusBeforeExecution(_Fault):
    """orderStatus says Filled before the execution arrives."""

    kind: Literal["status_before_execution"] = "status_before_execution"
    after_ms: int = Field(default=50, ge=0)


class OrderMessage(_Fault):
    """An error message on an order that goes on living, such as 10349."""

    kind: Literal["order_message"] = "order_message"
    code: int = 10349
    text: str = "Order TIF was set to DAY based on order preset."


class DuplicateExecution(_Fault):
    """Each execDetails of the order arrives twice."""

    kind: Literal["duplicate_execution"] = "duplicate_execution"


class CorrectExecution(_Fault):
    """Each execution is replaced by one with the next revision (`.01` becomes `.02`), another price or quantity.

    A quantity of 0 busts it: the exchange takes the execution back.
    """

    kind: Literal["correct_execution"] = "correct_execution"
    price: Decimal | None = Field(default=None, gt=0)
    quantity: Decimal | None = Field(default=None, ge=0)
    after_ms: int = Field(default=0, ge=0)


class SlowCancel(_Fault):
    """A cancellation is acknowledged after `after_ms`, or never."""

    kind: Literal["slow_cancel"] = "slow_cancel"
    after_ms: int | None = Field(default=None, ge=0)


class FillDuringCancel(_Fault):
    """`quantity` more shares (absent: all that remain) fill between the request to cancel and its answer."""

    kind: Literal["fill_during_cancel"] = "fill_during_cancel"
    quantity: Decimal | None = Field(default=None, gt=0)


class Disconnect(_Fault):
    """The owner's connection is cut when the order was received (`placed`) or when it first fills (`filled`)."""

    kind: Literal["disconnect"] = "disconnect"
    when: Literal["placed", "filled"] = "placed"


Fault = Annotated[
    PartialFill
    | SlowFill
    | Reject
    | NoAnswer
    | SkipStatus
    | StatusBeforeExecution
    | OrderMessage
    | DuplicateExecution
    | CorrectExecution
    | SlowCancel
    | FillDuringCancel
    | Disconnect,
    Field(discriminator="kind"),
]
