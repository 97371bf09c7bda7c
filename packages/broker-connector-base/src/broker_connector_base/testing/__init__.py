"""A brokerage in memory, for tests of whatever trades through BrokerClient.

`broker_connector_base.testing.contract` holds the test suite that every connector must pass; it needs pytest, this
module does not.
"""

from broker_connector_base.testing.paper_broker import PaperBroker
from broker_connector_base.testing.paper_brokerage import PaperBrokerage
from broker_connector_base.testing.paper_journal import Call, Journal
from broker_connector_base.testing.paper_order import PaperOrder
from broker_connector_base.testing.paper_owners import BY_HAND
from broker_connector_base.testing.paper_scripts import (
    ConnectionScript,
    FillOnCancellation,
    FillPartly,
    IgnoreCancellation,
    LeaveOpen,
    OrderScript,
    RejectOrder,
)
from broker_connector_base.testing.paper_spec import PaperAccount, PaperQuote, PaperSpec, paper_position
from broker_connector_base.testing.paper_world import PaperWorld
from broker_connector_base.testing.world import (
    CASH_ACCOUNT,
    CONTRACT_SPEC,
    MARGIN_ACCOUNT,
    BrokerWorld,
    ExtendedBrokerWorld,
)

__all__ = [
    "BY_HAND",
    "CASH_ACCOUNT",
    "CONTRACT_SPEC",
    "MARGIN_ACCOUNT",
    "BrokerWorld",
    "Call",
    "ConnectionScript",
    "ExtendedBrokerWorld",
    "FillOnCancellation",
    "FillPartly",
    "IgnoreCancellation",
    "Journal",
    "LeaveOpen",
    "OrderScript",
    "PaperAccount",
    "PaperBroker",
    "PaperBrokerage",
    "PaperOrder",
    "PaperQuote",
    "PaperSpec",
    "PaperWorld",
    "RejectOrder",
    "paper_position",
]
