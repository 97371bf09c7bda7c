"""The skeleton in docs/adding-a-brokerage.md is code that works as far as it goes."""

import inspect
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from broker_connector_base import (
    AccountRefused,
    BrokerClient,
    BrokerConnectionError,
    MarginEffect,
    OrderRejected,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)
from broker_connector_base.testing.contract import BrokerContract, BrokerContractExtended

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-brokerage.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
REQUEST = OrderRequest(
    account_id="E1",
    symbol="SPY",
    side=Side.BUY,
    quantity=3,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.DAY,
    order_ref="event:1:BUY:SPY",
)


class Api:
    """Example Brokers."""

    def __init__(self, **answer: str) -> None:
        self.is_open = True
        self.accounts = frozenset({"E1"})
        self.sent: list[Mapping[str, str]] = []
        self._answer = answer

    async def send(self, order: Mapping[str, str]) -> str:
        self.sent.append(order)
        return f"order {len(self.sent)}"

    async def reckon(self, _order: Mapping[str, str]) -> Mapping[str, str]:
        return self._answer


def blocks() -> list[dict[str, Any]]:
    """What each block of Python on the page defines."""
    defined: list[dict[str, Any]] = []
    for text in BLOCK.findall(PAGE.read_text("utf-8")):
        names: dict[str, Any] = {"__name__": "skeleton"}
        exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102 - our own document
        defined.append(names)
    return defined


def example(api: Api) -> BrokerClient:
    """The skeleton, with what it leaves to its reader left out."""
    skeleton: type[BrokerClient] = blocks()[0]["ExampleClient"]
    left_out = dict.fromkeys(skeleton.__abstractmethods__)
    finished: Any = type("Finished", (skeleton,), left_out)
    return finished(api, now=lambda: datetime(2026, 3, 2, tzinfo=UTC))


def test_its_methods_are_those_of_the_interface() -> None:
    """Names, arguments and types."""
    skeleton: type[BrokerClient] = blocks()[0]["ExampleClient"]
    written: list[str] = [name for name in vars(skeleton) if name in BrokerClient.__abstractmethods__]

    assert sorted(written) == ["get_managed_accounts", "place_order", "what_if"]
    for name in written:
        assert inspect.signature(getattr(skeleton, name)) == inspect.signature(getattr(BrokerClient, name))


def test_its_test_class_runs_the_whole_suite() -> None:
    """Both halves, under a name that pytest collects."""
    suite = blocks()[1]["TestExampleClient"]

    assert issubclass(suite, BrokerContract)
    assert issubclass(suite, BrokerContractExtended)


async def test_it_sends_an_order_with_every_field() -> None:
    """Once, and for accounts of the login only."""
    api = Api()
    client = example(api)

    order_id = await client.place_order(REQUEST)
    with pytest.raises(AccountRefused):
        await client.place_order(REQUEST.model_copy(update={"account_id": "E2"}))

    assert order_id == "order 1"
    assert [(order["account"], order["quantity"], order["valid"]) for order in api.sent] == [("E1", "3", "DAY")]


async def test_it_tells_a_margin_effect_or_the_refusal() -> None:
    """The brokerage's words are kept."""
    effect = await example(Api(initial="50", maintenance="25", equity="100", commission="1")).what_if(REQUEST)

    assert effect == MarginEffect(
        initial_margin_after=Decimal(50),
        maintenance_margin_after=Decimal(25),
        equity_with_loan_after=Decimal(100),
        commission=Decimal(1),
    )
    with pytest.raises(OrderRejected, match="no permission"):
        await example(Api(refused="no permission")).what_if(REQUEST)


async def test_without_a_connection_it_answers_nothing() -> None:
    """Not even with an empty answer."""
    api = Api()
    api.is_open = False

    with pytest.raises(BrokerConnectionError):
        await example(api).get_managed_accounts()
