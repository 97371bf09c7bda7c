"""From settings to the keywords of an address."""

from pydantic import SecretStr

from service_runtime.settings import PostgresSettings, RedisSettings
from service_runtime.store_addresses import postgres_keywords, redis_keywords


def test_redis_with_and_without_a_password() -> None:
    """The password is plain here, and absent where none is set."""
    locked = RedisSettings(host="h", port=7, db=2, password=SecretStr("p"))

    assert redis_keywords(locked) == {"host": "h", "port": 7, "db": 2, "password": "p"}
    assert redis_keywords(RedisSettings())["password"] is None


def test_postgres() -> None:
    """The user is called so by the driver."""
    settings = PostgresSettings(host="h", port=7, database="d", username="u", password=SecretStr("p"))

    told = {"host": "h", "port": 7, "database": "d", "user": "u", "password": "p"}
    assert postgres_keywords(settings) == told
