"""Odd text, typed or told by a service: no traceback, nothing that steers a terminal."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO

import httpx
import pytest
from rich.table import Table

from rebalancer_cli.app import main
from rebalancer_cli.console import PlainConsole, printable
from rebalancer_cli.operator import commands
from rebalancer_cli.stack.management_api import ManagementApi

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def terminal() -> tuple[PlainConsole, StringIO]:
    """A terminal, and what reaches it."""
    output = StringIO()
    return PlainConsole(file=output, markup=False, highlight=False, color_system=None, width=200), output


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said of that."""

    code: object
    said: str

    @property
    def is_plain(self) -> bool:
        """Whether it ended in words for a person."""
        return bool(self.said) and "Traceback" not in self.said and "\x1b" not in self.said


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command with arguments as a shell gives them."""

    def ended(*arguments: str | bytes) -> Ended:
        monkeypatch.setattr(sys, "argv", ["rebalancer", *map(os.fsdecode, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Ended(end.value.code, capsys.readouterr().err)

    return ended


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\rb\x07\x00", r"a\rb\x07\x00"),
        ("\u202egnp.exe\u200b", r"\u202egnp.exe\u200b"),
        ("half \udcff", r"half \udcff"),
        ("\x9b31m", r"\x9b31m"),
        ("Zürich 株式 [bold]", "Zürich 株式 [bold]"),
    ],
)
def test_what_would_steer_a_terminal_is_shown_by_number(
    terminal: tuple[PlainConsole, StringIO], text: str, shown: str
) -> None:
    """In a line and in a table alike; other text stays as it is."""
    console, output = terminal
    table = Table("column")
    table.add_row(text)

    console.print(text)
    console.print(table)

    line, rest = output.getvalue().split("\n", 1)
    assert line == shown == printable(text)
    assert shown in rest
    assert not any(character in output.getvalue() for character in "\x1b\x07\x00\x9b\u202e\udcff")


async def test_a_services_words_are_text(terminal: tuple[PlainConsole, StringIO]) -> None:
    """Whatever a broker's error has become part of health does not colour the operator's screen."""
    console, output = terminal
    part = {"status": "down", "detail": "\x1b]0;owned\x07\x1b[2J"}
    health = {"status": "healthy", "healthy": True, "message": "\x1b[2J", "components": {"\x1b[31m": part}}
    api = ManagementApi("http://x", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=health)))

    await commands.show_status(api, console)

    assert "\x1b" not in output.getvalue()
    assert r"\x1b]0;owned\x07" in output.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", b"DU\xff1"],
        ["preview", "DU1", "--url", b"http://\xff"],
        ["pause", b"\xed\xa0\x80"],
        ["history", "--account", b"\xff"],
    ],
)
def test_an_argument_that_is_no_text_is_refused(run: Callable[..., Ended], arguments: Sequence[str | bytes]) -> None:
    """Exit code 2 and the argument by its bytes; nothing is asked."""
    ended = run(*arguments)

    assert ended.code == 2
    assert ended.is_plain
    assert "is not UTF-8 text" in ended.said


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "DU1\r\n\x1b[31m", "rebalance'; DROP TABLE x; --"],
        ["delete", "../../health?x=1#y"],
        ["delete", "株" * 3_000],
        ["events", "--limit", "9" * 400],
        ["history", "--from", "\u202e", "--status", "${jndi:x}", "--json"],
        ["pause", "..", "--reason", "\x1b[2J"],
    ],
)
def test_odd_arguments_end_in_words(run: Callable[..., Ended], arguments: Sequence[str]) -> None:
    """Nobody listens there: one plain line says so, whatever was typed."""
    ended = run(*arguments, "--url", NOBODY)

    assert ended.code == 1
    assert ended.is_plain
    assert ended.said.startswith(f"no management service answers at {NOBODY}")


@pytest.mark.parametrize("key", ["clé", b"\xff\xfe", "a\nb"])
def test_an_odd_key_ends_in_words(run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, key: str | bytes) -> None:
    """A key may be any text; one that no header can carry is refused, and never shown."""
    monkeypatch.setenv("MANAGEMENT_API_KEY", os.fsdecode(key))

    ended = run("delete", "e-1", "--url", NOBODY)

    assert ended.code == 1
    assert ended.is_plain
    assert os.fsdecode(key) not in ended.said


ADDRESSES = ["http://[", "ftp://127.0.0.1:9", "http://\x1b[31m", "http://127.0.0.1:99999", "x", "http://" + "a" * 300]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_odd_address_ends_in_words(run: Callable[..., Ended], url: str) -> None:
    """It is named, with what is wrong."""
    ended = run("status", "--url", url)

    assert ended.code == 1
    assert ended.is_plain
