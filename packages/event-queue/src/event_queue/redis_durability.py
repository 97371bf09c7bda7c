"""Whether this Redis keeps what it acknowledged, by its settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_WANTED: Final[Mapping[str, tuple[str, str]]] = {
    "appendonly": ("yes", "a restart of Redis loses the queue"),
    "appendfsync": ("always", "a power failure can lose the last second of acknowledged events"),
    "no-appendfsync-on-rewrite": ("no", "a power failure can lose what was acknowledged while the file is rewritten"),
    "maxmemory-policy": ("noeviction", "Redis may drop events when memory runs short"),
}
DURABLE_SETTINGS: Final = tuple(_WANTED)


def durability_warnings(settings: Mapping[str, str], state: Mapping[str, Any]) -> Sequence[str]:
    """One sentence for each setting that may lose events, as far as CONFIG GET and INFO tell them.

    Of a Redis that hides its settings, those are told that show elsewhere, and which ones do not.
    """
    shown = {name: value for name, value in settings.items() if name in _WANTED}
    return (*_complaints(shown or _guessed(state)), *_hidden(shown))


def _guessed(state: Mapping[str, Any]) -> Mapping[str, str]:
    """Those settings that show in how Redis is doing."""
    settings: dict[str, str] = {}
    if "aof_enabled" in state:
        settings["appendonly"] = "yes" if state["aof_enabled"] else "no"
    if "maxmemory_policy" in state:
        settings["maxmemory-policy"] = state["maxmemory_policy"]
    return settings


def _complaints(settings: Mapping[str, str]) -> Iterator[str]:
    for name, (wanted, danger) in _WANTED.items():
        actual = settings.get(name, wanted)
        if actual != wanted:
            yield f"Redis has {name}={actual} instead of {wanted}: {danger}"


def _hidden(settings: Mapping[str, str]) -> Iterator[str]:
    hidden = [name for name in _WANTED if name not in settings]
    if hidden:
        yield f"Redis does not let its settings be read (CONFIG GET): check {', '.join(hidden)} by hand"
