"""The process that takes trigger files in may die at any line at all."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from event_queue.testing.redis_server import RedisServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).with_name("die_at_every_line.py")


def deaths(directory: Path, redis: RedisServer, document: str) -> list[dict[str, Any]]:
    """What there was after each death, and after the look that lived to its end."""
    command = [sys.executable, str(PROGRAM), str(directory), str(redis.port), document]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=290)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"line"')]


def test_a_good_file_is_queued_once_wherever_the_process_dies(tmp_path: Path, redis_server: RedisServer) -> None:
    """One event, no duplicate, and nothing left in the folder."""
    told = deaths(tmp_path, redis_server, '{"account_id": "DU1", "exec": "rebalance"}')

    wrong = [each for each in told if (each["left"], each["failed"], each["records"]) != ([], [], {"queued": 1})]
    assert wrong == []
    assert [each["died"] for each in told] == [True] * (len(told) - 1) + [False]
    assert len(told) > 50


def test_a_bad_file_is_set_aside_once_wherever_the_process_dies(tmp_path: Path, redis_server: RedisServer) -> None:
    """With one reason beside it, and nothing queued."""
    told = deaths(tmp_path, redis_server, '{"account_id": "DU99"}')

    aside = ["one.json", "one.json.reason"]
    wrong = [each for each in told if (each["left"], each["failed"], each["records"]) != ([], aside, {})]
    assert wrong == []
    assert [each["died"] for each in told] == [True] * (len(told) - 1) + [False]
    assert len(told) > 50
