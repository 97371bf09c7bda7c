"""What the services are told of the embedded parts."""

from typing import Any, cast

from rebalancer_cli.stack.child_process import ChildProcess
from rebalancer_cli.stack.embedded_postgres import PostgresAddress
from rebalancer_cli.stack.embedded_redis import RedisServer
from rebalancer_cli.stack.environment import store_settings, world_settings
from rebalancer_cli.stack.simulated_world import WorldAddress
from service_runtime.settings_loader import load_settings

REDIS = RedisServer(6400, "secret", cast("ChildProcess", None))
WORLD = WorldAddress(4100, "127.0.0.1:4200/", "a.b:c", "http://127.0.0.1:4300/api/v1", "key", "http://127.0.0.1:4400")
OTHERWISE = {
    "REDIS_HOST": "redis.example",
    "REDIS_DB": "3",
    "REDIS_PASSWORD": "other",
    "POSTGRES_PORT": "5555",
    "POSTGRES_DB": "other",
    "POSTGRES_USER": "other",
    "TRADING_MODE": "live",
    "IBKR_TRADING_MODE": "live",
    "IBKR_PORT": "4003",
    "ALLOCATIONS_API_KEY": "real-key",
    "ABLY_API_KEY": "real.key:secret",
}


def test_nothing_of_the_surroundings_shines_through(tmp_path: Any) -> None:
    """Whatever .env says, a simulated run speaks to the embedded stores and the simulated world alone."""
    postgres = PostgresAddress("/tmp/socket", "portfolio_rebalancer", "postgres")  # noqa: S108 - a name
    environment = {**OTHERWISE, **store_settings(REDIS, postgres), **world_settings(WORLD)}

    settings = load_settings(environment, working_directory=tmp_path)

    assert (settings.redis.host, settings.redis.port, settings.redis.db) == ("127.0.0.1", 6400, 0)
    assert settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == "secret"
    assert (settings.postgres.host, settings.postgres.port) == ("/tmp/socket", 5432)  # noqa: S108 - a name
    assert (settings.postgres.database, settings.postgres.username) == ("portfolio_rebalancer", "postgres")
    assert (settings.ibkr.trading_mode.value, settings.ibkr.port) == ("paper", 4100)
    assert settings.ably.endpoint == "127.0.0.1:4200/"
    assert settings.allocations.api_key is not None
    assert settings.allocations.api_key.get_secret_value() == "key"
