"""A whole sandbox in this process."""

import asyncio
from pathlib import Path
from typing import Any

import ably as sdk
import httpx
import pytest

from sandbox.launcher import Sandbox, SandboxSpec
from sandbox.world import SpecError

WORLD: dict[str, Any] = {
    "accounts": [{"id": "DU1", "cash": "1000"}],
    "instruments": [{"symbol": "SPY", "price": "500"}],
    "ably": {"keys": [{"key": "a.b:c", "capability": {"growth": ["subscribe"]}}], "retention_seconds": 60},
    "allocations": {"key": "k", "channels": {"growth": {"SPY": 1.0}}},
}


async def test_every_part_answers() -> None:
    """One specification brings up the gateway, Ably, the allocations API and the control API."""
    async with Sandbox(WORLD) as sandbox, httpx.AsyncClient() as http:
        _, gateway = await asyncio.open_connection("127.0.0.1", sandbox.gateway_port)
        gateway.close()
        client: Any = sdk.AblyRealtime(key="a.b:c", endpoint=sandbox.endpoints.ably_endpoint, tls=False)
        received: asyncio.Queue[Any] = asyncio.Queue()
        await client.channels.get("growth").subscribe(received.put_nowait)

        weights = await http.get(
            f"{sandbox.allocations_base_url}/growth/allocations", headers={"Authorization": "Bearer k"}
        )
        accounts = await http.get(f"{sandbox.control_url}/accounts")
        await http.post(f"{sandbox.control_url}/publish", json={"channel": "growth", "data": {}})

        async with asyncio.timeout(5):
            assert (await received.get()).data == {}
        assert weights.json()["data"]["allocations"] == [{"symbol": "SPY", "allocation": 1.0}]
        assert accounts.json()["accounts"][0]["account_id"] == "DU1"
        await client.close()


async def test_nothing_is_left_after_the_end() -> None:
    """After leaving, every port is closed."""
    async with Sandbox(WORLD) as sandbox:
        ports = (sandbox.gateway_port, sandbox.ably_port, sandbox.http_port)

    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_taken_port_leaves_nothing_running() -> None:
    """When one port is taken the others are given back."""
    async with Sandbox(WORLD) as first:
        second = Sandbox(WORLD, http_port=first.http_port)

        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()

        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", second.ably_port)


async def test_two_sandboxes_side_by_side() -> None:
    """Sandboxes do not share anything."""
    async with Sandbox(WORLD) as one, Sandbox(WORLD) as two, httpx.AsyncClient() as http:
        await http.post(f"{one.control_url}/prices", json={"SPY": 501})

        prices = [(await http.get(f"{each.control_url}/prices")).json()["SPY"] for each in (one, two)]

    assert prices == ["501", "500"]


def test_defaults() -> None:
    """Without sections of their own, Ably has one key and the allocations API no channel."""
    spec = SandboxSpec.from_dict({"accounts": [{"id": "DU1"}]})

    assert [key.key for key in spec.ably.keys] == ["sandbox.key1:sandbox-secret"]
    assert spec.allocations.channels == {}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"acounts": []}, "acounts", id="world-typo"),
        pytest.param({"ably": {"keyz": []}}, "keyz", id="ably-typo"),
        pytest.param({"ably": {"keys": ["no-secret"]}}, "appId.keyId:secret", id="ably-key"),
        pytest.param({"ably": {"keys": ["a.b:c", "a.b:d"]}}, "share one name", id="ably-twice"),
        pytest.param({"ably": {"keys": []}}, "keys", id="ably-none"),
        pytest.param({"allocations": {"channels": {"growth": {"SPY": "x"}}}}, "SPY", id="weight"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], named: str) -> None:
    """A wrong key or value anywhere in the specification is an error that names it."""
    with pytest.raises(SpecError, match=named):
        Sandbox(WORLD | change)


@pytest.mark.parametrize("text", ["a: [", "- just\n- a list\n", ""])
def test_bad_files(tmp_path: Path, text: str) -> None:
    """A file that is no YAML mapping is refused."""
    path = tmp_path / "world.yaml"
    path.write_text(text)

    with pytest.raises(SpecError):
        SandboxSpec.from_yaml(path)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a mistake in the specification too."""
    with pytest.raises(SpecError, match=r"nowhere\.yaml"):
        SandboxSpec.from_yaml(tmp_path / "nowhere.yaml")


def test_demo_world_is_complete() -> None:
    """The demo has two accounts on one strategy, a position to sell, weights of one, and symbols that all trade."""
    spec = SandboxSpec.demo()
    traded = {instrument.symbol for instrument in spec.world.instruments}
    held = {account.id: {position.symbol for position in account.positions} for account in spec.world.accounts}
    growth = spec.allocations.channels["strategy-growth"].weights

    for channel in spec.allocations.channels.values():
        assert sum(channel.weights.values()) == pytest.approx(1)
        assert set(channel.weights) <= traded
    assert list(held) == ["DU1000001", "DU1000002", "DU1000003"]
    assert held["DU1000002"] - set(growth) == {"EFA"}
