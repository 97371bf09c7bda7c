"""The documents about pauses of trading, as the clients see them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from event_queue.audit import AuditKind, PauseRecord
from event_queue.outcomes import Pause
from management_service.scopes import shown_scope

_PAUSE_EXAMPLE: dict[str, Any] = {
    "scope": "DU123456",
    "actor": "api",
    "reason": "the strategy's data looks wrong",
    "since": "2023-12-01T10:00:00Z",
}
_SWITCHING_EXAMPLE: dict[str, Any] = {
    "kind": "paused",
    "scope": "DU123456",
    "actor": "api",
    "reason": "the strategy's data looks wrong",
    "recorded_at": "2023-12-01T10:00:00Z",
}


_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
"""Controls, line ends, marks without width and marks of direction, in words that every regex engine reads alike."""

_ONE_LINE = f"^[^{_UNSEEN}]*[^\\s{_UNSEEN}][^{_UNSEEN}]*$"


def _visible(text: str) -> str:
    if re.search(_ONE_LINE, text) is None:
        raise PydanticCustomError("one_line", "must be one line of visible text")
    return text


class NewPause(BaseModel):
    """Body of PUT /trading/pauses/{scope}."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"reason": "the strategy's data looks wrong"}]}
    )

    reason: Annotated[str, Field(max_length=500, json_schema_extra={"pattern": _ONE_LINE}), AfterValidator(_visible)]
    """Why, in one line of text; whoever finds the system paused will read it."""


class PauseDocument(BaseModel):
    """A pause of trading."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAUSE_EXAMPLE]})

    scope: str
    """An account's id, or `all`."""
    actor: str
    reason: str
    since: datetime

    @classmethod
    def of(cls, pause: Pause) -> "PauseDocument":
        """The pause as clients see it."""
        return cls(scope=shown_scope(pause.scope), actor=pause.actor, reason=pause.reason, since=pause.since)


class SwitchingDocument(BaseModel):
    """Trading having been paused or resumed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SWITCHING_EXAMPLE]})

    kind: AuditKind
    """paused or resumed."""
    scope: str
    actor: str
    reason: str | None
    recorded_at: datetime


class TradingDocument(BaseModel):
    """Whether trading is paused."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"paused": False, "pauses": [_PAUSE_EXAMPLE], "history": [_SWITCHING_EXAMPLE]}]}
    )

    paused: bool
    """Whether it is paused for every account; `pauses` also names the single ones."""
    pauses: list[PauseDocument]
    history: list[SwitchingDocument] | None
    """The latest switchings, youngest first; null when PostgreSQL cannot be asked."""


def history_of(records: Sequence[PauseRecord]) -> list[SwitchingDocument]:
    """What history tells of the switch."""
    return [
        SwitchingDocument(
            kind=record.kind,
            scope=shown_scope(record.scope),
            actor=record.actor,
            reason=record.reason,
            recorded_at=record.recorded_at,
        )
        for record in records
    ]
