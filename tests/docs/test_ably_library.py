"""The table of defects in docs/ably-library.md names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "ably-library.md"
ROWS = [row for row in PAGE.read_text("utf-8").splitlines() if row.startswith("| ")][1:]
TEST = re.compile(r"\[`(test_\w+)`\]\(([^)]+)\)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:40])
def test_each_defect_has_tests_that_exist(row: str) -> None:
    """By name, in the file that is linked."""
    links = TEST.findall(row)

    assert links
    for name, path in links:
        tree = ast.parse((PAGE.parent / path).read_text("utf-8"))
        assert name in {getattr(node, "name", "") for node in tree.body}


def test_the_table_is_found() -> None:
    """Were it not, nothing would be checked."""
    assert len(ROWS) > 15
