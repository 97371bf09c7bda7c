"""What the simulated world itself says of an account: the demo's independent witness."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import httpx

_TIMEOUT_SECONDS = 10
_ATTACH_SECONDS = 20


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account at one moment, as the simulated brokerage holds it."""

    account_id: str
    cash: Decimal
    net_liquidation: Decimal
    positions: Mapping[str, Decimal]


class WorldView:
    """A client of the sandbox's control API."""

    def __init__(self, control_url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=control_url, timeout=_TIMEOUT_SECONDS + _ATTACH_SECONDS, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def account(self, account_id: str) -> AccountView:
        """The account now."""
        return _parse(await self._get(f"accounts/{account_id}"))

    async def weights(self, channel: str) -> Mapping[str, Decimal]:
        """The weights that the channel publishes."""
        answer = await self._get(f"allocations/{channel}")
        return {symbol: Decimal(str(weight)) for symbol, weight in answer["weights"].items()}

    async def prices(self) -> Mapping[str, Decimal]:
        """Price of every symbol at this moment."""
        return {symbol: Decimal(price) for symbol, price in (await self._get("prices")).items()}

    async def wait_attached(self, channel: str) -> None:
        """Wait until somebody listens to the channel."""
        await self._get(f"attached/{channel}", count=1)

    async def publish(self, channel: str, data: Mapping[str, Any]) -> None:
        """Publish one message, as a model portfolio's publisher would."""
        response = await self._client.post("publish", json={"channel": channel, "data": dict(data)})
        response.raise_for_status()

    async def orders_sent(self, account_id: str) -> int:
        """How many orders the gateway was asked to place for the account."""
        entries = (await self._get("journal"))["entries"]
        return sum(entry["kind"] == "place_order" and entry["account"] == account_id for entry in entries)

    async def _get(self, path: str, **params: Any) -> Any:
        response = await self._client.get(path, params=params)
        response.raise_for_status()
        return response.json()


def _parse(answer: Mapping[str, Any]) -> AccountView:
    positions = answer["positions"]
    return AccountView(
        account_id=answer["account_id"],
        cash=Decimal(str(answer["cash"])),
        net_liquidation=Decimal(str(answer["net_liquidation"])),
        positions={position["symbol"]: Decimal(str(position["quantity"])) for position in positions},
    )
