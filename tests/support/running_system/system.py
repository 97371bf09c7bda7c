"""Everything running: the sandbox here, the three services as processes."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from event_queue.redis_queue import RedisAddress, open_redis
from event_queue.testing.first_run import vouch_for_run
from running_system.followers import Follower, sandbox_spec, write_files
from running_system.management import Event, Management, eventually
from running_system.run import Run
from running_system.service import Launch, Service, launch
from running_system.settings import Stores, settings_for
from sandbox.allocations import ChannelAnswer
from sandbox.launcher import Sandbox
from sandbox.world import AccountState, JournalEntry, JournalKind, World

_WAIT_SECONDS = 40.0
_MODULES = ("event_broker", "event_processor", "management_service")
_REBALANCE: Mapping[str, Any] = {"exec": "rebalance"}


class System:
    """The rebalancer from outside: signals in; HTTP, logs and the simulated brokerage's books out."""

    def __init__(
        self, sandbox: Sandbox, services: Mapping[str, Service], api: Management, channels: Mapping[str, str]
    ) -> None:
        self.sandbox = sandbox
        self.api = api
        self.broker = services["event_broker"]
        self.processor = services["event_processor"]
        self.management = services["management_service"]
        self.services = tuple(services.values())
        self.channels = channels
        """Account -> the channel that it follows."""

    @property
    def world(self) -> World:
        """The simulated brokerage."""
        return self.sandbox.world

    @property
    def now_seq(self) -> int:
        """Number of the journal's newest entry, to tell what comes after it."""
        return len(self.world.journal)

    def account(self, account_id: str) -> AccountState:
        """The truth about an account."""
        return self.world.account_state(account_id)

    def held(self, account_id: str) -> dict[str, int]:
        """Whole shares by symbol, of what is not zero."""
        return {item.symbol: int(item.quantity) for item in self.account(account_id).positions if item.quantity}

    def journal(self, account_id: str, since: int = 0) -> list[JournalEntry]:
        """What concerns one account, after entry `since`."""
        return [entry for entry in self.world.journal.since(since) if entry.account == account_id]

    async def happened(self, kind: JournalKind, account_id: str, *, since: int = 0, **details: Any) -> JournalEntry:
        """The account's first entry of that kind after entry `since`, past or to come, with these details or symbol."""

        def fits(entry: JournalEntry) -> bool:
            told = {"symbol": entry.symbol, **entry.details}
            is_it = entry.kind == kind and entry.seq > since and entry.account == account_id
            return is_it and details.items() <= told.items()

        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return await self.world.journal.until(fits)
        except TimeoutError as error:
            words = self.processor.log.last_words()
            raise AssertionError(f"no {kind} of {account_id} with {details} came\n{words}") from error

    async def signal(self, account_id: str, data: Any = _REBALANCE) -> str:
        """Publish on the account's channel; the id of the event that the account gets."""
        mark = len(self.broker.log)
        self.sandbox.ably.publish(self.channels[account_id], data)
        line = await self.broker.log.until("event_queued", since=mark, account_id=account_id)
        return line["event_id"]

    def answer(self, account_id: str, answer: Mapping[str, Any]) -> None:
        """Let the allocations API answer this for the account's channel from now on."""
        self.sandbox.allocations.set_answer(self.channels[account_id], ChannelAnswer.model_validate(dict(answer)))

    async def rebalance(self, account_id: str, data: Any = _REBALANCE) -> Run:
        """Publish a signal, and wait until its event has ended."""
        since = self.now_seq
        return await self.finished(await self.signal(account_id, data), account_id, since=since)

    async def refused(self, account_id: str) -> Run:
        """Publish a signal, and wait until its first attempt has failed; the event is deleted then."""
        since = self.now_seq
        event_id = await self.signal(account_id)
        await self.processor.log.until("event_requeued", event_id=event_id)
        run = Run(await self.api.failed(event_id), self.journal(account_id, since))
        await eventually(lambda: self.api.delete(event_id), lambda response: response.is_success)
        return run

    async def posted(self, account_id: str, command: str) -> Run:
        """Queue an event over HTTP, and wait until it has ended."""
        since = self.now_seq
        response = await self.api.post(account_id, command)
        return await self.finished(response.raise_for_status().json()["event_id"], account_id, since=since)

    async def finished(self, event_id: str, account_id: str, *, since: int = 0) -> Run:
        """Wait until an event has ended."""
        await self.processor.log.until("event_completed", event_id=event_id)
        event: Event = await self.api.ended(event_id)
        return Run(event, self.journal(account_id, since))

    async def start(self) -> None:
        """Start all services side by side, and wait until signals arrive and the gateway is connected."""
        mark = len(self.processor.log)
        await asyncio.gather(*(service.start() for service in self.services))
        await self._until_ready(mark)

    async def restart(self) -> None:
        """Kill all services and start them again."""
        await asyncio.gather(*(service.kill() for service in self.services))
        await self.start()

    async def _until_ready(self, mark: int) -> None:
        """Wait, unless a service ends; `mark` is the line of the worker's log that its start is at.

        Raises:
            AssertionError: they are not ready in time, or a service has ended; with the last lines of every log.
        """
        all_ready = asyncio.ensure_future(self._all_ready(mark))
        ends = [asyncio.ensure_future(service.gone()) for service in self.services]
        try:
            await asyncio.wait({all_ready, *ends}, timeout=_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not all_ready.done():
                words = "\n".join(service.log.last_words() for service in self.services)
                raise AssertionError(f"the services did not get ready\n{words}")
            await all_ready
        finally:
            for task in (all_ready, *ends):
                task.cancel()

    async def _all_ready(self, mark: int) -> None:
        await asyncio.gather(
            *(self.sandbox.ably.wait_attached(channel) for channel in set(self.channels.values())),
            self.processor.log.until("gateway_connected", since=mark),
            eventually(lambda: self.api.http.get("/health/ready"), lambda response: response.is_success),
        )

    async def stop(self) -> None:
        """End everything that still runs."""
        for service in self.services:
            service.terminate()
        await asyncio.gather(*(service.kill() for service in self.services))
        await self.api.http.aclose()


@asynccontextmanager
async def running_system(
    directory: Path,
    stores: Stores,
    followers: Sequence[Follower],
    world: Mapping[str, Any],
    *,
    replacement_sets: Mapping[str, Any] | None = None,
    settings: Mapping[str, str] | None = None,
    launch: Launch = launch,
) -> AsyncGenerator[System]:
    """Start the sandbox and the services, and end them with the context.

    `world` has the keys of a sandbox's specification but accounts and allocations, which come from the followers;
    `settings` are environment variables over those of every test; `launch` starts the services in another way.
    """
    write_files(directory, followers, replacement_sets or {})
    with _reserved_port() as port:
        async with Sandbox(sandbox_spec(followers, world)) as sandbox:
            environment = settings_for(sandbox, stores, directory, port) | dict(settings or {})
            services = {module: Service(module, environment, directory, launch=launch) for module in _MODULES}
            channels = {follower.account_id: follower.channel_name for follower in followers if follower.is_enabled}
            system = System(sandbox, services, Management(port), channels)
            try:
                await _vouch_for(stores, environment.get("REDIS_PASSWORD"))
                await system.start()
                yield system
            finally:
                await system.stop()


async def _vouch_for(stores: Stores, password: str | None) -> None:
    """No worker of this system was ever there, so the first need not wait for the lease of another to end."""
    address = RedisAddress("127.0.0.1", stores.redis_port, password=password)
    async with open_redis(address, key_prefix=stores.key_prefix) as queue:
        await vouch_for_run(queue.client, queue.keys)


@contextmanager
def _reserved_port() -> Generator[int]:
    """A port that stays ours: bound but not listened on, which keeps the system from giving it to anybody else."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
