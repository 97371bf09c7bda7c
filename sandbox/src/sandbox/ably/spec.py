"""What a simulated Ably service knows at start: its keys and how long it remembers."""

from collections.abc import Iterable
from typing import Annotated, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

DEFAULT_KEY = "sandbox.key1:sandbox-secret"


class KeySpec(BaseModel):
    """One API key, `appId.keyId:secret`, and what it may do on which channels.

    `capability` maps a channel pattern (a name, `prefix:*` or `*`) to operations: subscribe, publish, history or `*`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    capability: dict[str, tuple[str, ...]] = {"*": ("*",)}

    @field_validator("key")
    @classmethod
    def _has_name_and_secret(cls, key: str) -> str:
        name, _, secret = key.partition(":")
        if "." not in name or not secret:
            raise ValueError("an Ably key has the form appId.keyId:secret")
        return key

    @property
    def name(self) -> str:
        """The public part, `appId.keyId`."""
        return self.key.partition(":")[0]

    @property
    def secret(self) -> str:
        """The part after the colon."""
        return self.key.partition(":")[2]


class AblySpec(BaseModel):
    """The service as a whole; times in seconds.

    Messages are kept for `retention_seconds` (Ably's two minutes unless a channel persists); longer for the channels
    named in `persisted`. A lost connection can be resumed for `connection_state_ttl_seconds`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[tuple[KeySpec, ...], Field(min_length=1)] = (KeySpec(key=DEFAULT_KEY),)
    retention_seconds: Annotated[float, Field(gt=0)] = 120.0
    persisted: dict[str, Annotated[float, Field(gt=0)]] = {}
    connection_state_ttl_seconds: Annotated[float, Field(gt=0)] = 120.0
    max_idle_interval_seconds: Annotated[float, Field(gt=0)] = 15.0

    @field_validator("keys", mode="before")
    @classmethod
    def _bare_text_is_a_key(cls, keys: object) -> object:
        """A key may be written as text alone when it may do everything."""
        if not isinstance(keys, list | tuple):
            return keys
        entries = cast("Iterable[object]", keys)
        return tuple({"key": key} if isinstance(key, str) else key for key in entries)

    @field_validator("keys")
    @classmethod
    def _names_are_unique(cls, keys: tuple[KeySpec, ...]) -> tuple[KeySpec, ...]:
        if len({key.name for key in keys}) != len(keys):
            raise ValueError("two keys share one name")
        return keys

    def retention_of(self, channel: str) -> float:
        """Seconds for which messages of the channel are kept."""
        return self.persisted.get(channel, self.retention_seconds)
