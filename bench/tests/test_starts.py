"""The moments at which jobs start."""

from pathlib import Path
from time import monotonic

from bench.contenders.starts import Starts, count_starts, read_starts


def test_moments_are_kept_in_their_order(tmp_path: Path) -> None:
    """Several processes may append to one file."""
    file = tmp_path / "starts"
    assert (count_starts(file), read_starts(file)) == (0, [])
    before = monotonic()

    for writer in (Starts(str(file)), Starts(str(file))):
        writer.note()
        writer.note()

    moments = read_starts(file)
    assert count_starts(file) == 4
    assert [before, *moments] == sorted([before, *moments])


def test_a_moment_half_written_is_left_alone(tmp_path: Path) -> None:
    """The reader looks while jobs are starting."""
    file = tmp_path / "starts"
    Starts(str(file)).note()
    file.write_bytes(file.read_bytes() + b"\x00" * 3)

    assert count_starts(file) == len(read_starts(file)) == 1
