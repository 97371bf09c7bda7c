"""What may stand in a log line: secrets are masked wherever they turn up, and nothing can forge a line of its own."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

from service_runtime.settings import SECTIONS, Settings

MASK = "***"
_SHORTEST_MASKED = 4
"""A shorter secret would mask ordinary text everywhere, and protects nothing."""
_SHORTEST_HALF = 8
"""A password may hold a colon with a mere word behind it."""


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every secret of the settings, in each spelling in which it may leave the process.

    Defaults are left out: they are published in this repository, and are ordinary words.
    """
    spellings: set[str] = set()
    for name, model in SECTIONS.items():
        for secret in _secrets(model, cast("BaseModel", getattr(settings, name))):
            spellings.update(_spellings(secret))
    return frozenset(spelling for spelling in spellings if len(spelling) >= _SHORTEST_MASKED)


def _secrets(model: type[BaseModel], section: BaseModel) -> Iterator[str]:
    for key, field in model.model_fields.items():
        value: object = getattr(section, key)
        if isinstance(value, SecretStr) and value != field.default:
            yield from _parts(value.get_secret_value())


def _parts(secret: str) -> Iterator[str]:
    """A secret, and each of the URLs in it when it is a list of them."""
    yield secret
    words = secret.split()
    if len(words) > 1:
        yield from (word for word in words if "://" in word)


def _spellings(secret: str) -> Iterator[str]:
    """As it stands, in URLs, in JSON, in a Basic header, and the secret half of a key such as Ably's `name:secret`."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode()
    half = secret.rpartition(":")[2]
    if len(half) >= _SHORTEST_HALF:
        yield half


class Redactor:
    """Masks a fixed set of secrets in any value that is about to be logged."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with every secret masked, the longest first."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def value(self, value: object) -> object:
        """Numbers and None as they are, containers copied, everything else as masked text."""
        match value:
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case Mapping():
                items = cast("Mapping[object, object]", value).items()
                return {self.text(str(key)): self.value(item) for key, item in items}
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in cast("Sequence[object]", value)]
            case _:
                return self.text(str(value))


def escape_controls(text: str, *, keep: str = "") -> str:
    """The text with everything unprintable written as an escape: line ends, colours, direction marks, surrogates."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )
