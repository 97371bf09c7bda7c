"""Which operations are allowed on which channels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from sandbox.ably.errors import BadRequestError

Operation = Literal["subscribe", "publish", "history"]


@dataclass(frozen=True, slots=True)
class Capability:
    """Channel patterns (a name, `prefix:*` or `*`) and the operations each allows (`*` for all)."""

    operations: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, text: str) -> "Capability":
        """Read the JSON text of a token request; raises BadRequestError."""
        try:
            parsed: Any = json.loads(text)
        except ValueError as error:
            raise BadRequestError("capability is not JSON") from error
        if not isinstance(parsed, dict):
            raise BadRequestError("capability is not an object")
        entries = cast("dict[str, list[str]]", parsed)
        return cls({pattern: tuple(operations) for pattern, operations in entries.items()})

    def to_json(self) -> str:
        """The JSON text of a token's details."""
        return json.dumps({pattern: sorted(operations) for pattern, operations in self.operations.items()})

    def permits(self, operation: Operation, channel: str) -> bool:
        """Whether any pattern that fits the channel allows the operation."""
        return any(
            _fits(pattern, channel) and ("*" in operations or operation in operations)
            for pattern, operations in self.operations.items()
        )


def _fits(pattern: str, channel: str) -> bool:
    if pattern.endswith(":*"):
        return channel.startswith(pattern[:-1])
    return pattern in ("*", channel)
