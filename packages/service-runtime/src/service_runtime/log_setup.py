"""One shape for every log line: JSON or console on stdout, UTC, with the event's ids, without secrets.

Code logs through `structlog.get_logger(__name__)` with an event name in snake_case and fields, and is written at once;
the standard logging of libraries runs through the same processors.
"""

import json
import logging
import sys
from contextvars import ContextVar
from typing import Any, Final, TextIO
from uuid import UUID

import structlog
from structlog.types import EventDict, Processor

from service_runtime.log_lines import LineWriters
from service_runtime.redaction import Redactor, escape_controls, secrets_of
from service_runtime.settings import Settings

_CHATTY_LIBRARIES = ("httpx", "httpcore", "ib_async", "ably", "asyncio", "uvicorn")
"""They tell at INFO what each of their calls did; below DEBUG only their warnings are shown."""

_INDISCREET_LIBRARIES = ("apprise", "urllib3")
"""They write the URLs of notifications, which hold passwords and tokens, at DEBUG; what went wrong is logged by us."""

_EVENT: Final[ContextVar[tuple[UUID, str] | None]] = ContextVar("event", default=None)
"""Ids of the event and the account that the present task works on."""

_as_json: Final = json.JSONEncoder().encode

_LEADING = ("timestamp", "level", "service", "event", "event_id", "account_id")
"""What a reader looks for first."""


def configure_logging(settings: Settings, *, service: str, stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream` (stdout), each with the service's name.

    Called once by the lifecycle, before anything else logs.
    """
    output = stream or sys.stdout
    shared, rendering = _shared_processors(service), _rendering(settings)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(settings.logging.level),
        logger_factory=LineWriters(output),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(_formatter(shared, rendering))
    _route_standard_logging(handler, settings.logging.level)


def bind_event(*, event_id: UUID, account_id: str) -> "_BoundEvent":
    """While entered, every log line of this task and the tasks it starts carries both ids."""
    return _BoundEvent(event_id, account_id)


class _BoundEvent:
    __slots__ = ("_before", "_ids")

    def __init__(self, event_id: UUID, account_id: str) -> None:
        self._ids = (event_id, account_id)

    def __enter__(self) -> None:
        self._before = _EVENT.set(self._ids)

    def __exit__(self, *_: object) -> None:
        _EVENT.reset(self._before)


def _shared_processors(service: str) -> list[Processor]:
    """What happens to every line, ours or a library's, before it is rendered."""

    def describe(logger: Any, method: str, event_dict: EventDict) -> EventDict:
        """Who tells it, how urgently, and of which event: in one step, as every line takes it."""
        record = event_dict.get("_record")
        event_dict["logger"] = logger.name if record is None else record.name
        event_dict["level"] = method
        event_dict["service"] = service
        bound = _EVENT.get()
        if bound is not None:
            event_dict.setdefault("event_id", str(bound[0]))
            event_dict.setdefault("account_id", bound[1])
        return event_dict

    return [
        describe,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _rendering(settings: Settings) -> list[Processor]:
    """How a line becomes text, whoever wrote it."""
    redactor = Redactor(secrets_of(settings))

    def redact(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
        ordered = {key: event_dict[key] for key in _LEADING if key in event_dict} | dict(event_dict)
        return {redactor.text(key): redactor.value(value) for key, value in ordered.items()}

    if settings.logging.format == "json":
        return [redact, _render_json]
    return [redact, _escape, structlog.dev.ConsoleRenderer(colors=False)]


def _formatter(shared: list[Processor], rendering: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )


def _render_json(_logger: Any, _method: str, event_dict: EventDict) -> str:
    """What was redacted holds nothing but JSON values."""
    return _as_json(dict(event_dict))


def _escape(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
    """For the console, where JSON does not escape for us: text from outside can neither end a line nor colour it.

    A `report`, a table for people, is shown where a stack would be: below the line, each of its lines indented.
    """
    if "report" in event_dict:
        event_dict["stack"] = event_dict.pop("report")
    return {key: _one_line(key, value) for key, value in event_dict.items()}


def _one_line(key: str, value: object) -> object:
    if key in {"exception", "stack"}:
        return _indented(str(value))
    return escape_controls(value) if isinstance(value, str) else value


def _indented(text: str) -> str:
    return "    " + escape_controls(text, keep="\n").replace("\n", "\n    ")


def _route_standard_logging(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "DEBUG" else max(logging.WARNING, root.level))
    for name in _INDISCREET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
