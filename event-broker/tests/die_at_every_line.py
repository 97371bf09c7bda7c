"""Looks through a folder again and again, each time killed one line later, until a look lives to its end.

python die_at_every_line.py DIRECTORY REDIS_PORT DOCUMENT

Every line of the modules that deal with the folder is one place to die. After each death another process looks twice
and tells what there is. Prints one JSON object a line: {"line": n, "died": bool, "left": names, "failed": names,
"records": {kind: number}}.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

from event_broker.testing.manual_rig import watch_over
from event_queue.redis_queue import RedisAddress, open_redis

TRACED = ("manual_folder.py", "manual_watch.py")


def die_at(number: int) -> None:
    """Let this process be killed when it comes to the so manieth line."""
    lines_seen = 0

    def on_line(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal lines_seen
        if event == "line":
            lines_seen += 1
            if lines_seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        return on_line if frame.f_code.co_filename.endswith(TRACED) else None

    threading.settrace(on_call)
    sys.settrace(on_call)


async def look(folder: Path, port: int, prefix: str, *, times: int) -> Counter[str]:
    """Look through the folder; the records that the queue has then, by kind."""
    async with open_redis(RedisAddress(host="127.0.0.1", port=port), key_prefix=prefix) as queue:
        watch, _ = watch_over(folder, queue.intake)
        for _ in range(times):
            await watch.look()
        return Counter(fields["kind"] for _, fields in await queue.client.xrange(queue.keys.outbox))


def in_a_child(work: Callable[[], None]) -> int:
    """Do it in a process of its own; how that ended."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def run(work: Coroutine[Any, Any, Counter[str]]) -> Counter[str]:
    """Run it in a loop of its own."""
    return asyncio.run(work)


def try_line(number: int, base: Path, port: int, document: str) -> bool:
    """Die at one line, and tell what another process makes of it; whether it did die."""
    folder, prefix = base / str(number), f"{base.name}:{number}:"
    folder.mkdir()
    (folder / "one.json").write_text(document, encoding="utf-8")

    def look_and_die() -> None:
        die_at(number)
        run(look(folder, port, prefix, times=1))

    died = os.WIFSIGNALED(in_a_child(look_and_die))

    def look_again_and_tell() -> None:
        records = run(look(folder, port, prefix, times=2))
        left = sorted(path.name for path in folder.iterdir() if path.name != "failed")
        failed = folder / "failed"
        refused = sorted(path.name for path in failed.iterdir()) if failed.exists() else []
        told = {"line": number, "died": died, "left": left, "failed": refused, "records": records}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    in_a_child(look_again_and_tell)
    return died


if __name__ == "__main__":
    line = 1
    while try_line(line, Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]):
        line += 1
