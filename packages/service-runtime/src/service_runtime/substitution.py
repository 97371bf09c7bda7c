"""`${NAME}` and `${NAME:-default}` inside the values of config.yaml, filled in from the environment."""

import re
from collections.abc import Mapping
from typing import cast

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class VariableNotSet(LookupError):
    """A value is built from a variable that is not set; `args[0]` is the variable's name."""


def substitute(value: object, environ: Mapping[str, str]) -> object:
    """The value with every reference replaced; an empty variable counts as not set, as it does for Compose.

    A value that is nothing but one reference becomes None when the variable is not set: the key counts as absent. In a
    list such an item is left out.

    Raises:
        VariableNotSet: a longer text refers to a variable that is not set and has no default.
    """
    if isinstance(value, list):
        items = (substitute(item, environ) for item in cast("list[object]", value))
        return [item for item in items if item is not None]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _resolve(whole, environ)
    return _REFERENCE.sub(lambda reference: _require(reference, environ), value)


def _resolve(reference: re.Match[str], environ: Mapping[str, str]) -> str | None:
    return environ.get(reference["name"]) or reference["default"] or None


def _require(reference: re.Match[str], environ: Mapping[str, str]) -> str:
    found = _resolve(reference, environ)
    if found is None and reference["default"] is None:
        raise VariableNotSet(reference["name"])
    return found or ""
