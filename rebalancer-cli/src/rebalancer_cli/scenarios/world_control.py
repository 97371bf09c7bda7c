"""The simulated world as a scenario steers and reads it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rebalancer_cli.demo.world_view import WorldView
from rebalancer_cli.scenarios.evidence import Entry


class WorldControl(WorldView):
    """A client of the sandbox's control API that also changes things."""

    async def change(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Ask for a change; see the sandbox's README for paths and bodies."""
        response = await self._client.request(method, path, json=dict(body))
        response.raise_for_status()

    async def gateway(self, state: str) -> None:
        """Take the gateway `down`, or bring it `up`."""
        await self.change("POST", "gateway", {"state": state})

    async def journal(self, account_id: str) -> Sequence[Entry]:
        """What has happened that concerns the account, oldest first."""
        entries = (await self._get("journal"))["entries"]
        return [_entry(entry) for entry in entries if entry["account"] == account_id]

    async def now(self) -> datetime:
        """The world's time, of an entry made for it: until something happens the journal is empty."""
        await self.change("PUT", "read-only", {"read_only": False})
        return datetime.fromisoformat((await self._get("journal"))["entries"][-1]["at"])

    async def open_orders(self, account_id: str) -> int:
        """How many orders are in the market for the account; a rejected one stays on the list as Inactive."""
        listed = (await self._get(f"accounts/{account_id}"))["open_orders"]
        return sum(order["status"] != "Inactive" for order in listed)

    async def weights_or_none(self, channel: str) -> Mapping[str, Any]:
        """The channel's weights; none when it answers something that has none."""
        answer = await self._get(f"allocations/{channel}")
        return await self.weights(channel) if answer["weights"] else {}


def _entry(told: Mapping[str, Any]) -> Entry:
    return Entry(
        seq=told["seq"],
        kind=told["kind"],
        client_id=told["client_id"],
        symbol=told["symbol"],
        order_ref=told["order_ref"],
        details=told["details"],
    )
