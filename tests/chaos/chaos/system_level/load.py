"""What is sent to the system in a trial: models change, and signals come over Ably, HTTP and as files."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

import httpx

from chaos.observation import Signal
from chaos.pulse import some_time
from chaos.system_level.stage import Stage
from chaos.system_level.world import ACCOUNTS, another_model

_ANSWERS = {HTTPStatus.CREATED: "queued", HTTPStatus.CONFLICT: "duplicate"}
_AGAIN_SECONDS = 0.1
_LONGEST_GAP_SECONDS = 0.15


async def send_load(stage: Stage, chance: random.Random) -> None:
    """Change the models of some accounts, and tell each of them once or more; ask for a few previews beside it."""
    await send_load_to(stage, chance, chance.sample(ACCOUNTS, chance.choice((2, 3, 4))))


async def send_load_to(stage: Stage, chance: random.Random, moved: Sequence[str]) -> None:
    """As `send_load`, to these accounts."""
    for account in moved:
        stage.models[account] = another_model(chance, stage.model_of(account))
        stage.system.answer(account, stage.models[account])
    wanted = [(account, "rebalance") for account in moved]
    wanted += [(account, "rebalance") for account in moved if chance.random() < 0.4]
    wanted += [(account, "print-rebalance") for account in chance.sample(ACCOUNTS, 2)]
    chance.shuffle(wanted)
    await _send_all(stage, chance, wanted)


async def _send_all(stage: Stage, chance: random.Random, wanted: Sequence[tuple[str, str]]) -> None:
    sending: list[asyncio.Task[None]] = []
    for account, command in wanted:
        number = stage.next_number()
        stage.signals[number] = Signal(number, account, command)
        sending.append(asyncio.create_task(_send(stage, chance.choice(("ably", "ably", "http", "file")), number)))
        await some_time(chance.uniform(0, _LONGEST_GAP_SECONDS))
    await asyncio.gather(*sending)


async def _send(stage: Stage, via: str, number: int) -> None:
    signal = stage.signals[number]
    if via == "http":
        await _post(stage, signal)
        return
    stage.unanswered.add(number)
    if via == "file":
        await stage.drop(number, signal.account, signal.command)
    else:
        word = "rebalance" if signal.command == "rebalance" else "dry_run"
        await stage.publish(signal.account, {"exec": word, "n": number})


async def _post(stage: Stage, signal: Signal) -> None:
    """Ask until answered. A reply that is lost leaves a client in doubt: asked again it may learn of its own twin."""
    is_in_doubt = False
    while True:
        try:
            response = await stage.system.api.post(signal.account, signal.command, data={"n": signal.number})
        except httpx.TransportError:
            is_in_doubt = True
            await some_time(_AGAIN_SECONDS)
            continue
        if response.status_code in _ANSWERS:
            answer = _ANSWERS[HTTPStatus(response.status_code)]
            stage.signals[signal.number] = replace(signal, answer=answer, is_in_doubt=is_in_doubt)
            return
        await some_time(_AGAIN_SECONDS)
