"""Which settings each service gets through its environment.

An empty value counts as not set: it takes out the other name of a setting that is given here.
"""

from collections.abc import Mapping

from rebalancer_cli.stack.embedded_postgres import PostgresAddress
from rebalancer_cli.stack.embedded_redis import RedisServer
from rebalancer_cli.stack.simulated_world import WorldAddress


def store_settings(redis: RedisServer, postgres: PostgresAddress) -> Mapping[str, str]:
    """Point the services at the embedded Redis and PostgreSQL."""
    return {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis.port),
        "REDIS_DB": "0",
        "REDIS_PASSWORD": redis.password,
        "POSTGRES_HOST": postgres.host,
        "POSTGRES_PORT": "5432",
        "POSTGRES_DATABASE": postgres.database,
        "POSTGRES_DB": "",
        "POSTGRES_USERNAME": postgres.username,
        "POSTGRES_USER": "",
    }


def world_settings(world: WorldAddress) -> Mapping[str, str]:
    """Point the services at the simulated world; its accounts are paper accounts."""
    return {
        "TRADING_MODE": "paper",
        "IBKR_TRADING_MODE": "",
        "IBKR_HOST": "127.0.0.1",
        "IBKR_PORT": str(world.gateway_port),
        "ABLY_ENDPOINT": world.ably_endpoint,
        "ABLY_TLS": "false",
        "ABLY_API_KEY": world.ably_key,
        "ALLOCATIONS_BASE_URL": world.allocations_base_url,
        "ALLOCATIONS_API_KEY": "",
        "ZEHNLABS_FINTECH_API_KEY": world.allocations_key,
    }
