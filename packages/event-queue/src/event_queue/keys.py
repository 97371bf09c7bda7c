"""The names of everything the queue keeps in Redis, and the type of each."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """Every key of one queue, by the short name that scripts and modules use.

    Beside these, receipts (`receipt`) are strings that expire: what a message, event, record or deletion was answered,
    so that repeating it changes nothing. `receipts:message:<account>:<message id>` and `receipts:event:<event id>`
    live 72 h, `receipts:fill:<digest>` eight days, `receipts:record:<digest>` a day, `receipts:delete:<request id>` and
    `receipts:resume:<request id>` ten minutes.
    """

    queue: str
    """LIST of waiting event ids: pushed left, taken right."""
    events: str
    """HASH event id -> event JSON, of every event that has not ended."""
    active: str
    """HASH `account:command` -> id of the one event that has not ended."""
    delayed: str
    """ZSET of event ids by due time in ms."""
    in_flight: str
    """HASH worker slot -> id of the event in its hands."""
    retrying: str
    """SET of ids of events queued more than once."""
    ages: str
    """ZSET of event ids by creation time in ms."""
    outbox: str
    """STREAM of audit records that PostgreSQL has not yet taken."""
    counter: str
    """STRING, number of the last audit record."""
    spilled: str
    """HASH identity of a spill directory -> marker of the records that were taken out of the outbox to it."""
    reruns: str
    """HASH `account:command` -> `<id> <taken in, ms> <event JSON>` of a newer signal for an event in work."""
    recoveries: str
    """HASH event id -> how often a dead worker was found holding it."""
    lease: str
    """STRING `<holder>:<fence>`, expiring: the one worker."""
    fence: str
    """STRING, how many holders the lease ever had."""
    lease_run: str
    """STRING, the run of Redis in which no lease is forgotten: one that another run grants is not used at once."""
    recovered: str
    """STRING, the lease under which all that earlier workers held was recovered last."""
    wake: str
    """LIST of a few tokens that tell a waiting worker to look again."""
    paused: str
    """HASH account id, or `*` for all -> JSON of the pause of trading."""
    parked: str
    """HASH id of an event set aside until trading is resumed -> its account."""
    last_traded: str
    """HASH account -> `<trading day> <event id>` of its latest fill; ` expected` follows until something was filled."""
    last_asked: str
    """HASH `account:command` -> `<event id> <moment, ms>`: for which event a duplicate was refused last, and when."""
    halt: str
    """STRING, why no event is claimed and no order sent: `halted ...`; or `closed ...` when none is taken in either."""
    checked: str
    """STRING, the run of Redis whose records were last compared with history."""
    components: str
    """HASH part of the system, or `<part> <process>` where several speak of it -> its latest report."""
    progress: str
    """HASH channel of signals -> JSON of how far it was taken in."""
    receipts: str
    """Prefix of the receipts."""
    traded_events: str
    """Prefix of STRINGs, `<prefix>:<event id>` -> event JSON of an event that sent orders; each lives eight days."""

    @classmethod
    def with_prefix(cls, prefix: str = "") -> "QueueKeys":
        """Name the keys; a prefix such as `{paper}:` keeps several deployments apart, or in one slot of a cluster."""
        return cls(**{short: prefix + name for short, name in _NAMES.items()})

    def receipt(self, name: str) -> str:
        """Key of one receipt."""
        return f"{self.receipts}:{name}"

    def traded_event(self, event_id: str) -> str:
        """Key under which an event is kept for the fills that come after its end."""
        return f"{self.traded_events}:{event_id}"

    def types(self) -> Mapping[str, str]:
        """Key -> type as Redis names it, of every key but the receipts."""
        return {getattr(self, field.name): _TYPES[field.name] for field in fields(self) if field.name in _TYPES}


_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "queue": "rebalance_queue",
        "events": "rebalance_events",
        "active": "active_events",
        "delayed": "delayed_events",
        "in_flight": "processing_events",
        "retrying": "retrying_events",
        "ages": "event_ages",
        "outbox": "event_outbox",
        "counter": "outbox_counter",
        "spilled": "outbox_spilled",
        "reruns": "rerun_events",
        "recoveries": "event_recoveries",
        "lease": "processor_lease",
        "fence": "lease_fence",
        "lease_run": "lease_run",
        "recovered": "recovered_lease",
        "wake": "queue_wake",
        "paused": "trading_paused",
        "parked": "parked_events",
        "last_traded": "last_traded",
        "last_asked": "last_asked",
        "halt": "queue_halt",
        "checked": "history_checked",
        "components": "component_reports",
        "progress": "channel_progress",
        "receipts": "receipts",
        "traded_events": "traded_events",
    }
)

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "queue": "list",
        "events": "hash",
        "active": "hash",
        "delayed": "zset",
        "in_flight": "hash",
        "retrying": "set",
        "ages": "zset",
        "outbox": "stream",
        "counter": "string",
        "spilled": "hash",
        "reruns": "hash",
        "recoveries": "hash",
        "lease": "string",
        "fence": "string",
        "lease_run": "string",
        "recovered": "string",
        "wake": "list",
        "paused": "hash",
        "parked": "hash",
        "last_traded": "hash",
        "last_asked": "hash",
        "halt": "string",
        "checked": "string",
        "components": "hash",
        "progress": "hash",
    }
)
