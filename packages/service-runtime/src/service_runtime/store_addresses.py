"""How the stores are reached, from the settings, as keywords for whoever opens them; the passwords are plain."""

from typing import TypedDict

from service_runtime.settings import PostgresSettings, RedisSettings


class RedisKeywords(TypedDict):
    """Where the queue's Redis is."""

    host: str
    port: int
    db: int
    password: str | None


class PostgresKeywords(TypedDict):
    """Where the history's PostgreSQL is."""

    host: str
    port: int
    database: str
    user: str
    password: str


def redis_keywords(settings: RedisSettings) -> RedisKeywords:
    """Where the queue's Redis is."""
    password = settings.password.get_secret_value() if settings.password else None
    return {"host": settings.host, "port": settings.port, "db": settings.db, "password": password}


def postgres_keywords(settings: PostgresSettings) -> PostgresKeywords:
    """Where the history's PostgreSQL is."""
    return {
        "host": settings.host,
        "port": settings.port,
        "database": settings.database,
        "user": settings.username,
        "password": settings.password.get_secret_value(),
    }
