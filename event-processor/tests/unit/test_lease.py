"""The lease: who holds it, until when it is certainly ours, and what its holder may do."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from event_processor.errors import Stopping
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder, host_name, started_at
from event_processor.lease_keeper import LeaseKeeper
from event_processor.patient_writes import PatientWrites
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON
from event_queue.errors import CorruptQueue, LeaseLost, QueueUnavailable
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.redis_worker import RedisWorkerQueue

LEASE = Lease(token="host:1:1.00:1", fence=1, ttl_ms=15_000)
TTL = timedelta(seconds=15)
SLOW_SECONDS = 3.0


class AbsentQueue(RedisWorkerQueue):
    """A queue whose Redis is away for the first calls, as told."""

    def __init__(self, queue: RedisWorkerQueue, absent_for: int) -> None:
        self._queue = queue
        self.absent_for = absent_for

    async def renew_lease(self, lease: Lease) -> None:
        """Renew, or fail while Redis is away."""
        self.absent_for -= 1
        if self.absent_for >= 0:
            raise QueueUnavailable("renew_lease: no answer")
        await self._queue.renew_lease(lease)


class SlowQueue(RedisWorkerQueue):
    """A queue that grants a lease at once and answers three seconds later, by the clock of the loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_sole: bool) -> None:
        self._is_sole = is_sole
        self._late = 0.0
        loop = asyncio.get_running_loop()
        begun = loop.time()
        monkeypatch.setattr(loop, "time", lambda: begun + self._late)

    async def acquire_lease(self, holder: str, *, ttl: timedelta, presumed_dead: str | None = None) -> Lease:
        """Grant it to whoever asks."""
        del holder, ttl, presumed_dead
        self._late += SLOW_SECONDS
        return replace(LEASE, is_sole=self._is_sole)

    async def renew_lease(self, lease: Lease) -> None:
        """Extend it."""
        del lease
        self._late += SLOW_SECONDS


async def _settle() -> None:
    """Let every task run until it waits for something from outside."""
    for _ in range(20):
        await asyncio.wait({asyncio.ensure_future(_nothing())})


async def _nothing() -> None:
    return


def _guard(*, stopped: bool = False) -> LeaseGuard:
    stop = asyncio.Event()
    if stopped:
        stop.set()
    return LeaseGuard(stop)


async def test_a_guard_allows_nothing_before_the_first_lease() -> None:
    """A deadline that was never set has passed."""
    with pytest.raises(LeaseLost):
        _guard().require_lease()


@pytest.mark.parametrize(("asked_ago", "allowed"), [(0.0, True), (13.5, True), (14.5, False), (60.0, False)])
async def test_the_guards_deadline_is_a_second_before_the_lease_ends(asked_ago: float, *, allowed: bool) -> None:
    """Counted from when the lease was asked for, since nobody knows when it was granted."""
    guard = _guard()
    guard.extend(asyncio.get_running_loop().time() - asked_ago, 15)

    if allowed:
        guard.require_running()
    else:
        with pytest.raises(LeaseLost):
            guard.require_running()


async def test_while_stopping_only_what_was_begun_may_be_finished() -> None:
    """No order, but the cancellation of one's own is still allowed."""
    guard = _guard(stopped=True)
    guard.extend(asyncio.get_running_loop().time(), 15)

    guard.require_lease()
    with pytest.raises(Stopping):
        guard.require_running()


def test_this_process_names_itself() -> None:
    """Host, space, pid and start tell one start of one process from every other."""
    holder = LeaseHolder.this_process()

    host, space, pid, start = holder.identity.rsplit(":", 3)
    assert (host.split("/")[0], int(pid)) == (socket.gethostname(), os.getpid())
    assert Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip() in space
    assert float(start) == pytest.approx(started_at(psutil.Process()), abs=2)


def _tokens() -> Sequence[tuple[str, bool]]:
    me = LeaseHolder.this_process()
    here = f"{me.host}:{me.space}"
    parent = psutil.Process(os.getppid())
    return [
        (f"{here}:{me.pid}:1.00:4", True),
        (f"{me.identity}:4", False),
        (f"{here}:{parent.pid}:{started_at(parent):.2f}:4", False),
        (f"{here}:{parent.pid}:999999999.00:4", True),
        (f"{here}:999999999:999999999.00:4", True),
        (f"{me.host}:elsewhere/1:{me.pid}:1.00:4", False),
        (f"{me.host}:elsewhere/1:999999999:1.00:4", False),
        (f"other:{me.space}:{me.pid}:1.00:4", False),
        (f"{me.host}:{me.pid}:1.00:4", False),
        ("other", False),
        ("a:b:c:d:e", False),
        ("", False),
    ]


@pytest.mark.parametrize("index", range(12))
def test_only_a_process_of_this_space_can_be_proven_dead(index: int) -> None:
    """Gone, or its pid in use by another start; everything else must let its lease expire."""
    token, dead = _tokens()[index]

    assert LeaseHolder.this_process().is_provably_dead(token) is dead


@pytest.mark.parametrize(
    ("host", "dead"),
    [
        pytest.param(f"3f9a1c0b7d2e/{16 * 'a'}", True, id="a container's own id"),
        pytest.param("3f9a1c0b7d2e", False, id="a machine with a name like an id"),
        pytest.param("worker", False, id="a name that two containers may bear"),
    ],
)
def test_an_earlier_start_of_this_container_is_dead(host: str, *, dead: bool) -> None:
    """Each start of a container has a space of its own, in which its first process has the same pid."""
    earlier, present = LeaseHolder(host, "boot/1", 1, 100.0), LeaseHolder(host, "boot/2", 1, 200.0)

    assert present.is_provably_dead(f"{earlier.identity}:4") is dead


def test_containers_that_share_a_name_are_told_apart() -> None:
    """As those do that join the network of one: each has files of its own, which outlast its restarts."""
    layers = [f"/var/lib/docker/overlay2/{name}/diff" for name in ("one", "other")]
    mounts = [
        f"30 20 0:25 / /proc rw - proc proc rw\n1 0 0:5 / / ro - overlay overlay rw,upperdir={layer},workdir=/w\n"
        for layer in layers
    ]
    one, other = (LeaseHolder(host_name("3f9a1c0b7d2e", each), "boot/1", 1, 100.0) for each in mounts)
    restarted = LeaseHolder(host_name("3f9a1c0b7d2e", mounts[0]), "boot/2", 1, 200.0)

    assert restarted.is_provably_dead(f"{one.identity}:4")
    assert not restarted.is_provably_dead(f"{other.identity}:4")


def test_a_step_of_the_clock_kills_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel reckons its own start back from the wall clock, so that start is told an hour later after the step."""
    me, parent = LeaseHolder.this_process(), psutil.Process(os.getppid())
    token = f"{me.host}:{me.space}:{parent.pid}:{started_at(parent):.2f}:4"
    proc = tmp_path / str(parent.pid)
    proc.mkdir()
    (proc / "stat").write_bytes(Path(f"/proc/{parent.pid}/stat").read_bytes())
    (tmp_path / "stat").write_text(f"btime {psutil.boot_time() + 3600:.0f}\n", "ascii")

    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))

    assert not me.is_provably_dead(token)


def test_where_pids_mean_nothing_nobody_is_dead() -> None:
    """A system that hides its namespaces."""
    earlier, present = LeaseHolder("host", "", 1, 100.0), LeaseHolder("host", "", 1, 200.0)

    assert not present.is_provably_dead(f"{earlier.identity}:4")


async def test_a_paused_process_is_not_dead() -> None:
    """It may wake up and send: its lease must expire."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=PIPE)
    try:
        process.send_signal(signal.SIGSTOP)
        me, child = LeaseHolder.this_process(), psutil.Process(process.pid)
        holder = LeaseHolder(me.host, me.space, process.pid, started_at(child))
        while_paused = me.is_provably_dead(f"{holder.identity}:4")
    finally:
        process.kill()
        await process.wait()

    assert not while_paused
    assert me.is_provably_dead(f"{holder.identity}:4")


def _keeper(queue: RedisWorkerQueue, guard: LeaseGuard, clock: HandClock, host: str = "host") -> LeaseKeeper:
    return LeaseKeeper(queue, clock, guard, LeaseHolder(host, "space", 1, 1.0), TTL)


async def test_the_lease_is_renewed_at_a_third_of_its_length(redis_queue: RedisQueue) -> None:
    """Two renewals may fail before it is lost."""
    clock, guard = HandClock(NOON), _guard()
    keeper = _keeper(redis_queue.worker, guard, clock)
    keeping = asyncio.create_task(keeper.keep(await keeper.acquire()))
    await _settle()

    keeping.cancel()

    assert clock.paused_for == [5.0]
    assert 13 < guard.remaining_seconds <= 14


@pytest.mark.parametrize("is_sole", [True, False], ids=["used at once", "held unused first"])
async def test_a_slow_answer_lengthens_no_lease(monkeypatch: pytest.MonkeyPatch, *, is_sole: bool) -> None:
    """Granted, taken into use and renewed, it counts from the question: Redis may have granted it right then."""
    clock, guard = HandClock(NOON), _guard()
    keeper = _keeper(SlowQueue(monkeypatch, is_sole=is_sole), guard, clock)
    acquiring = asyncio.create_task(keeper.acquire())
    while not acquiring.done():
        await _settle()
        clock.advance(5)
    at_first = guard.remaining_seconds
    keeping = asyncio.create_task(keeper.keep(await acquiring))
    await _settle()
    clock.advance(5)
    await _settle()

    keeping.cancel()

    assert (at_first, guard.remaining_seconds) == (11.0, 11.0)


async def test_an_absent_redis_is_asked_again_until_the_guards_deadline(redis_queue: RedisQueue) -> None:
    """A short absence costs nothing."""
    clock, guard = HandClock(NOON), _guard()
    queue = AbsentQueue(redis_queue.worker, absent_for=2)
    lease = await _keeper(redis_queue.worker, guard, clock).acquire()
    keeping = asyncio.create_task(_keeper(queue, guard, clock).keep(lease))
    for _ in range(3):
        await _settle()
        clock.advance(5)
    while queue.absent_for >= 0:
        await _settle()

    keeping.cancel()

    assert clock.paused_for[:3] == [5.0, 1.0, 1.0]


async def test_a_lease_that_cannot_be_renewed_in_time_is_lost(redis_queue: RedisQueue) -> None:
    """The keeper gives up before Redis would, without being told by anybody."""
    clock, guard = HandClock(NOON), _guard()
    keeper = _keeper(AbsentQueue(redis_queue.worker, absent_for=99), guard, clock)
    guard.extend(asyncio.get_running_loop().time() - 14.5, 15)
    keeping = asyncio.create_task(keeper.keep(LEASE))
    await _settle()
    clock.advance(5)

    with pytest.raises(LeaseLost):
        await keeping


async def test_a_living_holder_is_waited_for_at_most_five_seconds_at_a_time(redis_queue: RedisQueue) -> None:
    """Its lease may be released long before it expires."""
    clock = HandClock(NOON)
    await _keeper(redis_queue.worker, _guard(), clock, host="elsewhere").acquire()
    standby = asyncio.create_task(_keeper(redis_queue.worker, _guard(), clock).acquire())
    while not clock.paused_for:
        await _settle()

    standby.cancel()

    assert clock.paused_for == [5.0]


async def test_a_write_outlasts_a_short_absence_of_redis() -> None:
    """It is repeated every second while the lease is certainly ours."""
    clock, guard, tries = HandClock(NOON), _guard(), 0
    guard.extend(asyncio.get_running_loop().time(), 15)

    async def write() -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise QueueUnavailable("no answer")
        return "written"

    writing = asyncio.create_task(PatientWrites(clock, guard)(write))
    for _ in range(2):
        await _settle()
        clock.advance(1)

    assert await writing == "written"
    assert clock.paused_for == [1.0, 1.0]


async def test_a_write_after_the_lease_is_not_tried() -> None:
    """The next holder may already have written something else."""

    async def write() -> None:
        raise AssertionError

    with pytest.raises(LeaseLost):
        await PatientWrites(HandClock(NOON), _guard())(write)


async def test_a_write_waits_until_what_the_queue_never_wrote_was_put_right() -> None:
    """It is repeated every five seconds."""
    clock, guard, damage = HandClock(NOON), _guard(), ["key delayed_events is a string"]
    guard.extend(asyncio.get_running_loop().time(), 15)

    async def write() -> str:
        if damage:
            raise CorruptQueue(damage[0])
        return "written"

    writing = asyncio.create_task(PatientWrites(clock, guard).despite_damage(write))
    await clock.until_paused()
    clock.advance(5)
    await clock.until_paused(2)
    damage.clear()
    clock.advance(5)

    assert await writing == "written"
    assert clock.paused_for == [5.0, 5.0]


async def test_damage_does_not_keep_the_service_from_stopping() -> None:
    """The write fails then, without the rest of the pause."""
    clock, stop = HandClock(NOON), asyncio.Event()
    guard = LeaseGuard(stop)
    guard.extend(asyncio.get_running_loop().time(), 15)

    async def write() -> None:
        raise CorruptQueue("key delayed_events is a string")

    writing = asyncio.create_task(PatientWrites(clock, guard).despite_damage(write))
    await clock.until_paused()
    stop.set()

    with pytest.raises(CorruptQueue):
        await writing
