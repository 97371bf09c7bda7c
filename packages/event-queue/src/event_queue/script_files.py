"""The Lua scripts as shipped: one file a transition, with shared passages included by name.

A script states its includes in a line `--@include name ...` and its keys in `local a, b = unpack(KEYS)`; the names are
those of `QueueKeys` (`tokens` for `wake`), or `receipt` for the one receipt that the call is about, or `traded_event`
for the one event that it is about. So each script's declared keys have a single source, the script itself.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal, get_args

ScriptName = Literal[
    "acquire_lease",
    "claim",
    "clear",
    "delay",
    "delete",
    "enqueue",
    "event_age",
    "find",
    "finish",
    "halt",
    "in_flight",
    "last_traded",
    "list",
    "park",
    "pause",
    "record",
    "record_fill",
    "recover",
    "recovered",
    "release_lease",
    "release_parked",
    "renew_lease",
    "renumber",
    "reopen",
    "report",
    "requeue",
    "restore",
    "resume",
    "spill",
    "status",
    "survey",
    "trim",
    "unspill",
]

SCRIPT_NAMES: Final[tuple[ScriptName, ...]] = get_args(ScriptName)
_INCLUDE: Final = re.compile(r"^--@include (.+)$", re.MULTILINE)
_KEYS: Final = re.compile(r"^local ([\w\s,]+?)\s*=\s*unpack\(KEYS\)", re.MULTILINE)
_LOCAL_NAMES: Final = {"tokens": "wake"}


@dataclass(frozen=True, slots=True)
class Script:
    """One script, ready to run."""

    name: ScriptName
    text: str
    sha: str
    keys: tuple[str, ...]
    """Names of its keys in order: fields of `QueueKeys`, or `receipt`, or `traded_event`."""


def load_scripts() -> dict[ScriptName, Script]:
    """Read every script of the package."""
    return {name: _load(name) for name in SCRIPT_NAMES}


def _load(name: ScriptName) -> Script:
    text = _INCLUDE.sub(lambda match: _shared(match[1].split()), _read(f"{name}.lua"))
    declared = _KEYS.search(text)
    keys = re.split(r"\s*,\s*", declared[1].strip()) if declared else []
    return Script(
        name=name,
        text=text,
        sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        keys=tuple(_LOCAL_NAMES.get(key, key) for key in keys),
    )


def read_shared(name: str) -> str:
    """The text of a passage that scripts share."""
    return _read(f"shared/{name}.lua")


def _shared(names: list[str]) -> str:
    return "\n".join(map(read_shared, names))


def _read(path: str) -> str:
    return (files("event_queue") / "scripts" / path).read_text(encoding="utf-8")
