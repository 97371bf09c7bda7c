"""Commands that README tells a newcomer to run exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from rebalancer_cli.app import app

CODE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")


def command_lines(text: str, program: str) -> Iterator[list[str]]:
    """Words after the program's name, of each line of shell and each inline code that starts with it."""
    lines = [line for block in CODE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *INLINE.findall(text)]:
        words = shlex.split(line, comments=True)
        if words and Path(words[0]).name == program:
            yield words[1:]


def subcommands() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def documents(root: Path) -> str:
    return "\n".join(page.read_text("utf-8") for page in [*root.glob("*.md"), *root.glob("docs/**/*.md")])


def test_every_make_target_named_in_a_document_exists(root: Path) -> None:
    """`make x` works for every x that a document names."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {words[0] for words in command_lines(documents(root), "make") if words}

    assert {"demo", "test", "up"} <= named
    assert named - targets == set()


def test_every_rebalancer_command_named_in_a_document_is_accepted(root: Path) -> None:
    """Each `rebalancer ...` line is understood as it stands, arguments and options included."""
    lines = [words for words in command_lines(documents(root), "rebalancer") if words]
    group = subcommands()

    for words in lines:
        command = group.commands[words[0]]
        with command.make_context(words[0], list(words[1:]) or _placeholders(words[0])):
            pass

    assert {"status", "preview", "add", "events"} <= {words[0] for words in lines}


def _placeholders(command: str) -> list[str]:
    """Arguments for a command that a sentence names without any."""
    return {"add": ["DU1"], "preview": ["DU1"], "delete": ["id"]}.get(command, [])


def test_every_command_is_documented_in_its_help() -> None:
    """`rebalancer --help` says what each command does."""
    assert [name for name, command in subcommands().commands.items() if not command.help] == []
