"""What a log line holds, and what it never does."""

import io
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from pydantic import SecretStr

from service_runtime.log_setup import bind_event, configure_logging
from service_runtime.settings import (
    AblySettings,
    LoggingSettings,
    ManagementSettings,
    NotificationsSettings,
    PostgresSettings,
    Settings,
)

Configure = Callable[[Settings], Callable[[], list[dict[str, Any]]]]

EVENT_ID = UUID("550e8400-e29b-41d4-a716-446655440000")
SECRETS = Settings(
    ably=AblySettings(api_key=SecretStr("app.name:ably-secret")),
    management=ManagementSettings(api_key=SecretStr('k"ey/with späces')),
)


def test_a_line_says_when_where_and_what(log_lines: Configure) -> None:
    """Time in UTC, level, service, event and fields."""
    read = log_lines(Settings())

    structlog.get_logger("module").info("event_queued", attempt=2)

    (line,) = read()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta()
    assert line == {"level": "info", "service": "demo", "event": "event_queued", "attempt": 2, "logger": "module"}


def test_libraries_log_in_the_same_shape(log_lines: Configure) -> None:
    """The standard logging ends in the same lines."""
    read = log_lines(Settings())

    logging.getLogger("library").warning("lost %s of %d", "one", 3)

    (line,) = read()
    assert (line["event"], line["level"], line["logger"]) == ("lost one of 3", "warning", "library")


def test_a_bound_event_is_on_every_line(log_lines: Configure) -> None:
    """Ours and the libraries', until the block ends."""
    read = log_lines(Settings())

    with bind_event(event_id=EVENT_ID, account_id="DU1"):
        structlog.get_logger().info("inside")
        logging.getLogger("library").warning("inside")
    structlog.get_logger().info("outside")

    ours, theirs, outside = read()
    assert ours["event_id"] == theirs["event_id"] == str(EVENT_ID)
    assert ours["account_id"] == theirs["account_id"] == "DU1"
    assert "event_id" not in outside


def test_lines_below_the_level_are_left_out(log_lines: Configure) -> None:
    """The level holds for us and for libraries."""
    read = log_lines(Settings(logging=LoggingSettings(level="WARNING")))

    structlog.get_logger("module").info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger("module").warning("loud")

    assert [line["event"] for line in read()] == ["loud"]


@pytest.mark.parametrize(("level", "told"), [("INFO", []), ("DEBUG", ["GET http://x"])])
def test_chatty_libraries_speak_only_at_debug(log_lines: Configure, level: Any, told: list[str]) -> None:
    """Httpx tells each URL at INFO."""
    read = log_lines(Settings(logging=LoggingSettings(level=level)))

    logging.getLogger("httpx").info("GET http://x")

    assert [line["event"] for line in read()] == told


@pytest.mark.parametrize(
    "spelling",
    [
        "app.name:ably-secret",
        "only ably-secret",
        "https://app.name%3Aably-secret@host/",
        "Basic YXBwLm5hbWU6YWJseS1zZWNyZXQ=",
        'k"ey/with späces',
        "k%22ey%2Fwith+sp%C3%A4ces",
        "k%22ey%2Fwith%20sp%C3%A4ces",
        '{"key": "k\\"ey/with sp\\u00e4ces"}',
    ],
)
def test_no_spelling_of_a_secret_is_logged(log_lines: Configure, spelling: str) -> None:
    """In the event, in fields however deep, as keys, in objects and in arguments of libraries."""
    read = log_lines(SECRETS)

    structlog.get_logger("module").info(
        spelling, url=spelling, deep={spelling: [(spelling,)]}, thing=Exception(spelling)
    )
    logging.getLogger("library").warning("sent %s", spelling)

    told = str(read())
    assert told.count("***") >= 6
    for part in ("ably-secret", "ably%2Dsecret", "YXBwLm5hbWU6", "späces", "sp%C3%A4ces", "u00e4"):
        assert part not in told


def test_a_secret_in_an_exception_is_masked(log_lines: Configure) -> None:
    """Tracebacks quote what was passed around."""
    read = log_lines(SECRETS)

    structlog.get_logger("module").error("call_failed", exc_info=ValueError("refused app.name:ably-secret"))

    (line,) = read()
    assert "ValueError: refused ***" in line["exception"]
    assert "ably-secret" not in str(line)


def test_a_secret_value_prints_nothing(log_lines: Configure) -> None:
    """Logging the settings themselves tells no secret."""
    read = log_lines(SECRETS)

    structlog.get_logger("module").info("configured", settings=SECRETS)

    assert "ably-secret" not in str(read())


def test_published_defaults_are_not_masked(log_lines: Configure) -> None:
    """`postgres` is a password by default, and a word."""
    read = log_lines(Settings())

    structlog.get_logger("module").info("connected", to="postgres")

    assert read()[0]["to"] == "postgres"


def test_a_chosen_password_is_masked(log_lines: Configure) -> None:
    """Other than the default, it is a secret."""
    read = log_lines(Settings(postgres=PostgresSettings(password=SecretStr("tiger-tiger"))))

    structlog.get_logger("module").info("connecting", dsn="postgresql://u:tiger-tiger@h/d")

    assert read()[0]["dsn"] == "postgresql://u:***@h/d"


def test_numbers_and_nothing_stay_what_they_are(log_lines: Configure) -> None:
    """Machines read them."""
    read = log_lines(SECRETS)

    structlog.get_logger("module").info("counted", whole=3, part=0.5, yes=True, none=None, ids={"a"})

    assert {key: read()[0][key] for key in ("whole", "part", "yes", "none", "ids")} == {
        "whole": 3,
        "part": 0.5,
        "yes": True,
        "none": None,
        "ids": ["a"],
    }


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.usefixtures("log_lines")
def test_text_from_outside_cannot_forge_a_line(log_format: Any) -> None:
    """Line ends, colours, direction marks and half characters are escaped; one call writes one line."""
    stream = io.StringIO()
    configure_logging(Settings(logging=LoggingSettings(format=log_format)), service="demo", stream=stream)
    hostile = "x\n2023 [info] forged\r\x1b[31m\u202e\x85\u2028\x00\ud800"

    structlog.get_logger("module").info("received", text=hostile)

    written = stream.getvalue()
    assert len(written.splitlines()) == 1
    assert written.rstrip("\n").isprintable()


@pytest.mark.usefixtures("log_lines")
def test_a_traceback_on_the_console_is_indented() -> None:
    """What an exception says in its second line does not start like a line of the log."""
    stream = io.StringIO()
    configure_logging(Settings(logging=LoggingSettings(format="console")), service="demo", stream=stream)

    structlog.get_logger("module").error("failed", exc_info=ValueError("first\n2023-12-01 [info] forged"))

    _, *rest = stream.getvalue().splitlines()
    assert any("forged" in line for line in rest)
    assert all(line.startswith("    ") for line in rest)


def test_a_report_keeps_its_lines_on_the_console() -> None:
    """A table stays a table; what is inside it can neither start a line of the log nor colour the screen."""
    stream = io.StringIO()
    configure_logging(Settings(logging=LoggingSettings(format="console")), service="demo", stream=stream)

    structlog.get_logger("module").info("rebalance_report", report="Preview of DU1\n  SELL  406\x1b[31m")

    _, *report = stream.getvalue().splitlines()
    assert report[0].strip() == "Preview of DU1"
    assert report[1].startswith("      SELL  406")
    assert "\x1b" not in stream.getvalue()


def test_each_url_of_several_is_a_secret_of_its_own(log_lines: Configure) -> None:
    """An error names one of them, never the whole list."""
    urls = SecretStr("json://operator:hunter2@host/one mailto://x:letmein@host")
    read = log_lines(Settings(notifications=NotificationsSettings(urls=urls)))

    structlog.get_logger("demo").error("trouble", reason="POST json://operator:hunter2@host/one failed")

    assert read()[0]["reason"] == "POST *** failed"


@pytest.mark.parametrize("error", [OSError("no space left on device"), ValueError("I/O operation on closed file")])
def test_a_line_that_cannot_be_written_fails_nothing(error: Exception) -> None:
    """Whoever tells of work must not fail it; the next line is tried again."""

    class Stream(io.StringIO):
        """Takes no first line."""

        def write(self, text: str, /) -> int:
            if "first" in text:
                raise error
            return super().write(text)

    stream = Stream()
    configure_logging(Settings(), service="demo", stream=stream)

    structlog.get_logger("module").info("first")
    structlog.get_logger("module").info("second")

    (line,) = stream.getvalue().splitlines()
    assert '"event": "second"' in line
