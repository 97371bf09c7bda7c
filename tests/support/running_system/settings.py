"""Which environment variables lead the services to the sandbox and to the stores of a test."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.launcher import Sandbox

API_KEY = "the-operators-key"
"""What opens the writes of the HTTP API in every test."""

_SHORT_PAUSES: Mapping[str, str] = {
    "PROCESSING_PAUSE_CONNECTION_SECONDS": "1",
    "PROCESSING_PAUSE_UNEXPECTED_SECONDS": "600",
    "PROCESSING_PAUSE_REJECTED_SECONDS": "600",
    "IBKR_CONNECT_DELAY_SECONDS": "0.2",
    "IBKR_CONNECT_TRIES": "2",
    "IBKR_REQUEST_TIMEOUT_SECONDS": "8",
    "IBKR_PRICE_WAIT_SECONDS": "2",
    "ALLOCATIONS_TIMEOUT_SECONDS": "5",
    "ORDERS_FILL_TIMEOUT_SECONDS": "20",
    "ORDERS_CANCEL_TIMEOUT_SECONDS": "10",
}
"""A lost connection heals in about a second; a refusal stays put for the length of a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """A Redis and a PostgreSQL database on this machine; the prefix keeps systems that share a Redis apart."""

    redis_port: int
    key_prefix: str
    postgres_port: int
    database: str


def settings_for(sandbox: Sandbox, stores: Stores, directory: Path, port: int) -> dict[str, str]:
    """The whole environment of a service; nothing of the test's own but where programs and modules are."""
    return {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "CONFIG_FILE": str(directory / "config.yaml"),
        "ACCOUNTS_FILE": str(directory / "accounts.yaml"),
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(stores.redis_port),
        "REDIS_KEY_PREFIX": stores.key_prefix,
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(stores.postgres_port),
        "POSTGRES_DATABASE": stores.database,
        "IBKR_HOST": "127.0.0.1",
        "IBKR_PORT": str(sandbox.gateway_port),
        "ABLY_ENDPOINT": sandbox.ably.endpoint,
        "ABLY_TLS": "false",
        "ABLY_API_KEY": sandbox.ably.key,
        "ALLOCATIONS_BASE_URL": sandbox.allocations_base_url,
        "ZEHNLABS_FINTECH_API_KEY": sandbox.allocations.key,
        "MANAGEMENT_PORT": str(port),
        "MANAGEMENT_API_KEY": API_KEY,
        **_SHORT_PAUSES,
    }
