"""The scripts and statements as shipped: complete, described, and true to the names in the code."""

import re
from importlib.resources import files

import pytest

from event_queue.keys import QueueKeys
from event_queue.script_files import SCRIPT_NAMES, load_scripts
from event_queue.sql_files import QUERY_NAMES, load_queries

SCRIPTS = load_scripts()
KEYS = QueueKeys.with_prefix()
COMMAND = re.compile(r"redis\.call\('(\w+)'")
UNBOUNDED = {"KEYS", "SMEMBERS", "HGETALL", "SCAN", "HSCAN", "SSCAN", "ZSCAN", "SORT"}


def shipped(folder: str, suffix: str) -> set[str]:
    entries = (files("event_queue") / folder).iterdir()
    return {entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix)}


def test_every_shipped_file_has_its_name_in_the_code() -> None:
    """No script or statement is forgotten, and none is missing."""
    assert shipped("scripts", ".lua") == set(SCRIPT_NAMES)
    assert shipped("sql", ".sql") == set(QUERY_NAMES)


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_a_script_declares_and_describes_its_keys(name: str) -> None:
    """Each key is one of the queue's, described on top with its type, and no name of a key is made inside."""
    script = SCRIPTS[name]  # pyright: ignore[reportArgumentType] - one of SCRIPT_NAMES
    described = dict(re.findall(r"^--   (\w+) +([A-Z]+) ", script.text, re.MULTILINE))

    assert list(described) == list(script.keys)
    for key in script.keys:
        expected = "string" if key in {"receipt", "traded_event"} else KEYS.types()[getattr(KEYS, key)]
        assert described[key].lower() == expected


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_a_script_uses_no_unbounded_command_and_no_foreign_json(name: str) -> None:
    """Nothing grows with the queue, and bodies stay opaque."""
    text = SCRIPTS[name].text  # pyright: ignore[reportArgumentType] - one of SCRIPT_NAMES

    assert not UNBOUNDED & set(COMMAND.findall(text))
    assert "cjson" not in text


@pytest.mark.parametrize("name", QUERY_NAMES)
def test_a_statement_says_what_it_does(name: str) -> None:
    """Each file opens with a sentence, and every parameter is described."""
    text = load_queries()[name]  # pyright: ignore[reportArgumentType] - one of QUERY_NAMES
    comments = "\n".join(line for line in text.splitlines() if line.startswith("--"))

    assert text.startswith("-- ")
    assert set(re.findall(r"\$\d", text)) == set(re.findall(r"\$\d", comments))


def test_a_prefix_goes_before_every_key() -> None:
    """Two deployments in one Redis share no key."""
    keys = QueueKeys.with_prefix("{paper}:")

    assert keys.queue == "{paper}:rebalance_queue"
    assert keys.receipt("event:1") == "{paper}:receipts:event:1"
    assert set(keys.types()).isdisjoint(KEYS.types())
    assert len(keys.types()) == 25
