"""ib_async with an ear on the wire.

ib_async merges what the gateway says into state of its own, and for us that state misleads: an error such as 10349
turns a working order into a cancelled one, a correction of an execution is dropped or added, the number of a summary
request is lost, and delayed prices land in the fields of live ones. So every message that decides about money is
handed on unmerged.

What only we need goes no further. ib_async would keep every order, execution and quote until the connection ends, at
15 KB an order, and nobody would ever ask for them.
"""
# ruff: noqa: N802, N803, ARG002 - overridden methods and their arguments are ib_async's

from collections.abc import Callable
from typing import Any

from ib_async import IB, CommissionReport, Contract, ContractDetails, Execution, Order, OrderState
from ib_async.wrapper import Wrapper

from ibkr_connector import mapping
from ibkr_connector.messages import (
    AccountFigure,
    DataTypeTold,
    ErrorTold,
    FigureTold,
    Message,
    PositionTold,
    QuoteEnded,
    QuoteFactTold,
    SummaryTold,
    TickTold,
)
from ibkr_connector.numbers import to_shares
from ibkr_connector.pace import Pace
from ibkr_connector.paced_client import PacedClient

Receiver = Callable[[Message], None]


class _ListeningWrapper(Wrapper):
    """Hands every message that matters to the receiver, and to ib_async what it keeps a bounded number of."""

    receive: Receiver
    heard: Callable[[], None]
    answered: Callable[[int], None]
    """Told the number of every request and order that the gateway answers."""

    def tcpDataArrived(self) -> None:
        self.heard()
        super().tcpDataArrived()

    def openOrder(self, orderId: int, contract: Contract, order: Order, orderState: OrderState) -> None:
        if order.clientId == self.clientId:
            self.answered(orderId)
        if order.whatIf:
            self.receive(mapping.what_if_told(order.orderId, orderState))
        else:
            self.receive(mapping.order_listed(contract, order, orderState.status))
        client: Any = self.ib.client
        client.updateReqId(orderId + 1)  # no number of ours may repeat one of any client's

    def orderStatus(  # noqa: PLR0913, PLR0917 - the message has so many fields
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float = 0.0,
    ) -> None:
        if clientId == self.clientId:
            self.answered(orderId)
        key = mapping.order_key(clientId, orderId, permId)
        self.receive(mapping.status_told(key, permId, status, filled, whyHeld))

    def completedOrder(self, contract: Contract, order: Order, orderState: OrderState) -> None:
        super().completedOrder(contract, order, orderState)
        self.trades.clear()  # what was asked for is in the answer; these would be kept beside it
        self.permId2Trade.clear()

    def execDetails(self, reqId: int, contract: Contract, execution: Execution) -> None:
        self.receive(mapping.execution_told(contract, execution))

    def execDetailsEnd(self, reqId: int) -> None:
        self.answered(reqId)
        super().execDetailsEnd(reqId)

    def contractDetails(self, reqId: int, contractDetails: ContractDetails) -> None:
        self.answered(reqId)
        super().contractDetails(reqId, contractDetails)

    def commissionReport(self, commissionReport: CommissionReport) -> None:
        self.receive(mapping.commission_told(commissionReport))

    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str) -> None:
        self.answered(reqId)
        self.receive(ErrorTold(reqId, errorCode, errorString))
        super().error(reqId, errorCode, errorString, advancedOrderRejectJson)

    def accountSummary(self, _reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        self.answered(_reqId)
        self.receive(SummaryTold(_reqId, AccountFigure(account, tag, value, currency)))
        super().accountSummary(_reqId, account, tag, value, currency)

    def updateAccountValue(self, tag: str, val: str, currency: str, account: str) -> None:
        self.receive(FigureTold(AccountFigure(account, tag, val, currency)))
        super().updateAccountValue(tag, val, currency, account)

    def accountUpdateMulti(self, reqId: int, account: str, modelCode: str, tag: str, val: str, currency: str) -> None:
        if not modelCode:
            self.receive(FigureTold(AccountFigure(account, tag, val, currency)))
        super().accountUpdateMulti(reqId, account, modelCode, tag, val, currency)

    def position(self, account: str, contract: Contract, posSize: float, avgCost: float) -> None:
        self.receive(
            PositionTold(account, contract.conId, to_shares(posSize, f"the position of {account} in {contract.symbol}"))
        )
        super().position(account, contract, posSize, avgCost)

    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:
        self.answered(reqId)
        self.receive(TickTold(reqId, tickType, price, size))

    def tickSize(self, reqId: int, tickType: int, size: float) -> None:
        """Sizes come with prices."""

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        self.receive(QuoteFactTold(reqId, tickType, str(value)))

    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        self.receive(QuoteFactTold(reqId, tickType, value))

    def marketDataType(self, reqId: int, marketDataId: int) -> None:
        self.answered(reqId)
        self.receive(DataTypeTold(reqId, marketDataId))

    def tickSnapshotEnd(self, reqId: int) -> None:
        self.receive(QuoteEnded(reqId))


class ListeningIB(IB):
    """An IB whose messages can be heard raw; `heard` is called for every packet that arrives.

    Connections that are given the same pace share the 45 messages among them.
    """

    RaiseRequestErrors = True

    def __init__(self, receive: Receiver, heard: Callable[[], None], pace: Pace) -> None:
        super().__init__()
        self.wrapper = _ListeningWrapper(self)
        self.wrapper.receive = receive
        self.wrapper.heard = heard
        self.client = PacedClient(self.wrapper, pace)
        self.wrapper.answered = self.client.answered
        events: Any = self
        events.client.apiEnd += events.disconnectedEvent
        # ib_async would subscribe to the account summary after 1102; the gateway allows two and we count them.
        events.errorEvent -= events._onError  # noqa: SLF001 - no public way to turn it off
