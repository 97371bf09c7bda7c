"""The bricks under the running system: logs, the data folder's lock, ports."""

import socket
from pathlib import Path

import pytest

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.data_folder import locked
from rebalancer_cli.stack.embedded_postgres import embedded_postgres
from rebalancer_cli.stack.ports import reserved
from rebalancer_cli.stack.process_log import ProcessLog


def test_a_log_gives_complete_lines_however_they_come(tmp_path: Path) -> None:
    """Chunks cut lines anywhere; the file holds every byte, and a line is given once it is whole."""
    log = ProcessLog(tmp_path / "log")

    given = [log.write(b"one\ntw"), log.write(b"o\r\n"), log.write(b"thr\xff"), log.write(b"ee")]
    log.close()

    assert given == [["one"], ["two"], [], []]
    assert log.last_lines == ["one", "two", "thr\ufffdee"]
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\r\nthr\xffee"


def test_a_log_stays_bounded(tmp_path: Path) -> None:
    """Beyond its size a log makes room and keeps one older file; an endless line is not kept in memory."""
    log = ProcessLog(tmp_path / "log", most_bytes=100)

    for _ in range(10):
        log.write(b"x" * 59 + b"\n")
    log.write(b"y" * 1_000_000)
    log.close()

    assert (tmp_path / "log.1").stat().st_size <= 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]
    assert len(log.last_lines[-1]) < 100_000


def test_a_data_folder_serves_one_system(tmp_path: Path) -> None:
    """Two servers on the same files would ruin them; afterwards the folder is free again."""
    with locked(tmp_path / "data"), pytest.raises(StackFailed, match="already runs"), locked(tmp_path / "data"):
        pass

    with locked(tmp_path / "data"):
        pass


def test_a_taken_port_is_told_with_its_remedy() -> None:
    """The message names the port and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = rf"127\.0\.0\.1 port {port} .*set MANAGEMENT_PORT"
        with pytest.raises(StackFailed, match=words), reserved("127.0.0.1", port):
            pass


async def test_a_path_with_a_blank_is_told_with_its_remedy(tmp_path: Path) -> None:
    """The embedded PostgreSQL splits its options at blanks; better said before anything starts."""
    with pytest.raises(StackFailed, match="move the project to a path without blanks"):
        async with embedded_postgres(tmp_path / "my folder", "SELECT 1;"):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_reserved_port_is_for_whoever_asks_for_it(host: str) -> None:
    """The service may listen on it, first and again; the system gives it to nobody who takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]

    with reserved(host, port):
        for _ in range(2):
            with socket.create_server((host, port), family=family), socket.create_connection((host, port)) as client:
                assert client.getpeername()[1] == port
        with socket.socket(family) as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind((host, port))
