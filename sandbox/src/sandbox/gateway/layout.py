"""Long messages as tables: which field, its value when nobody sets it, and in which versions it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.gateway.fields import Value

LATEST_VERSION = 178
"""The highest version of the protocol that the sandbox speaks."""

OLDEST_VERSION = 157
"""The lowest version of the protocol that the sandbox speaks."""


@dataclass(frozen=True, slots=True)
class Field:
    """One place in a message. It is sent from version `since` on, up to and including version `until`."""

    name: str
    default: Value = ""
    since: int = OLDEST_VERSION
    until: int = LATEST_VERSION


def render(layout: tuple[Field, ...], values: Mapping[str, Value], version: int) -> list[Value]:
    """The fields of a message in their order, for a client of this version."""
    return [values.get(field.name, field.default) for field in layout if field.since <= version <= field.until]
