"""Tells a story on a runner of scripts, and writes down what two tellings must have in common."""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, cast

from event_queue.keys import QueueKeys
from event_queue.script_files import ScriptName
from event_queue.testing.dump import dump_all

_UNIT_MS: Final = 600_000
_DAY_MS: Final = 86_400_000
_FAR_AHEAD_MS: Final = 4_000_000_000_000_000
_MOMENT: Final = re.compile(r"(?<!\d)(\d{13,16})(?:\.0)?(-\d+)?(?!\d)")
_OF_ONE_REQUEST: Final = re.compile(r"\b(delete|resume|renumber|restore):[0-9a-f-]{36}$")
Answer = tuple[ScriptName, object]


def shipped_scripts() -> set[str]:
    """The name of each script file in the package."""
    names = (entry.name for entry in (files("event_queue") / "scripts").iterdir())
    return {name.removesuffix(".lua") for name in names if name.endswith(".lua")}


async def start_of(client: Any) -> int:
    """Now by Redis's clock, in ms."""
    seconds, microseconds = await client.time()
    return seconds * 1000 + microseconds // 1000


async def state_of(client: Any, keys: QueueKeys, started: int) -> dict[str, list[object]]:
    """Every key with its value and life; moments are told in steps of ten minutes from the start."""
    prefix = keys.queue.removesuffix(QueueKeys.with_prefix().queue)
    state: dict[str, list[object]] = {}
    for key, value in (await dump_all(client, prefix=prefix)).items():
        name = _OF_ONE_REQUEST.sub(r"\1:*", key.removeprefix(prefix))
        life = round(await client.pttl(key) / _UNIT_MS)
        state.setdefault(name, []).append((since(value, started), life))
    return {name: sorted(told, key=repr) for name, told in state.items()}


def answer_of(name: ScriptName, reply: Any, started: int) -> Answer:
    """A reply without what only tells how much time has passed."""
    if name == "status":
        return name, [*reply[:2], *reply[3:7]]
    if name == "event_age":
        return name, [round(int(age) / _UNIT_MS) for age in reply]
    if reply and reply[0] in ("none", "held"):
        return name, [*reply[:-1], reply[-1] and round(int(reply[-1]) / _UNIT_MS)]
    return name, since(reply, started)


def since(value: Any, started: int) -> object:
    """The value, with each moment near the start told in steps of ten minutes from it."""
    match value:
        case str():
            return _MOMENT.sub(lambda match: _relative(match, started), value)
        case float():
            return since(f"{value:.0f}", started)
        case list() | tuple():
            return [since(item, started) for item in cast("Sequence[Any]", value)]
        case dict():
            return {name: since(item, started) for name, item in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _relative(match: re.Match[str], started: int) -> str:
    moment = int(match[1])
    parked, moment = divmod(moment, _FAR_AHEAD_MS) if moment >= _FAR_AHEAD_MS else (0, moment)
    if abs(moment - started) > _DAY_MS:
        return match[0]
    return f"{'parked ' if parked else ''}start+{round((moment - started) / _UNIT_MS)}"
