"""A working directory with the two files, and a log that is read instead of printed."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service_runtime.log_setup import configure_logging
from service_runtime.settings import Settings

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into the working directory."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def log_lines() -> Iterator[Callable[[Settings], Callable[[], list[dict[str, Any]]]]]:
    """Configure logging with some settings; the value reads the lines logged since, as JSON."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level

    def configure(settings: Settings) -> Callable[[], list[dict[str, Any]]]:
        configure_logging(settings, service="demo", stream=stream)
        return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]

    yield configure
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
