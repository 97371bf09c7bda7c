"""`python -m bench.contenders NAME ACTION ...`: one contender's process, under either virtual environment."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Final

from bench.contenders.contract import NOTE, Contender, CrowdContender, Places, Sender
from bench.contenders.starts import count_starts

OURS: Final = ("product", "naive")
PEERS: Final = ("saq", "taskiq", "arq", "rq", "celery", "dramatiq", "procrastinate")
_WARM_UP: Final = 30
_AT_ONCE: Final = 50


def main() -> None:
    """Do one action."""
    options = _parse()
    contender = _load(options)
    match options.action:
        case "work":
            contender.work(options.concurrency)
        case "enqueue":
            _tell(asyncio.run(_enqueue(contender, options)))
        case "send":
            asyncio.run(_send(contender, options))
        case "trickle":
            _tell(asyncio.run(_trickle(contender, options)))
        case "crowd":
            _tell(asyncio.run(_crowd(contender, options)))
        case _:
            asyncio.run(contender.prepare())


def _parse() -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("name", choices=(*OURS, *PEERS))
    parser.add_argument("action", choices=("prepare", "enqueue", "send", "trickle", "crowd", "work"))
    parser.add_argument("--redis-port", type=int, required=True)
    parser.add_argument("--redis-db", type=int, default=0)
    parser.add_argument("--postgres-port", type=int, default=0)
    parser.add_argument("--postgres-database", default="")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--keys", default="K")
    parser.add_argument("--job", default=NOTE)
    parser.add_argument("--starts", type=Path)
    return parser.parse_args()


def _load(options: Namespace) -> Any:
    """The contender; only the product takes crowds."""
    places = Places(options.redis_port, options.redis_db, options.postgres_port, options.postgres_database)
    package = "contenders" if options.name in OURS else "peers"
    module = import_module(f"bench.{package}.with_{options.name}")
    return getattr(module, options.name.capitalize())(places)


async def _enqueue(contender: Contender, options: Namespace) -> dict[str, float]:
    """Queue jobs one after another until the time is up or enough are queued, after a few that only warm up."""
    async with contender.sending() as send:
        for number in range(_WARM_UP):
            await send(options.job, f"{options.keys}w{number}")
        done = 0
        began = perf_counter()
        while done < options.number and perf_counter() - began < options.seconds:
            await send(options.job, f"{options.keys}{done}")
            done += 1
        return {"count": done, "seconds": perf_counter() - began, "queued": done + _WARM_UP}


async def _send(contender: Contender, options: Namespace) -> None:
    async with contender.sending() as send:
        for number in range(options.number):
            await send(options.job, f"{options.keys}{number}")


async def _crowd(contender: CrowdContender, options: Namespace) -> dict[str, float]:
    """Queue jobs fifty at once."""
    async with contender.sending_crowds() as send:
        done = 0
        began = perf_counter()
        while done < options.number and perf_counter() - began < options.seconds:
            await send(options.job, [f"{options.keys}{done + n}" for n in range(_AT_ONCE)])
            done += _AT_ONCE
        return {"count": done, "seconds": perf_counter() - began, "queued": done}


async def _trickle(contender: Contender, options: Namespace) -> list[float]:
    """Queue jobs for an idle worker, each after the one before has started; the moments just before each was queued."""
    async with contender.sending() as send:
        deadline = monotonic() + options.seconds
        sent: list[float] = []
        while len(sent) < options.number and monotonic() < deadline:
            sent.append(await _send_to_idle(send, options, len(sent), deadline))
        return sent


async def _send_to_idle(send: Sender, options: Namespace, number: int, deadline: float) -> float:
    """Look for the start every two milliseconds, and leave the worker a few more to become idle again."""
    before = count_starts(options.starts)
    moment = monotonic()
    await send(options.job, f"{options.keys}{number}")
    while count_starts(options.starts) == before and monotonic() < deadline:  # noqa: ASYNC110 - another process's file
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.005)
    return moment


def _tell(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
