"""Every promise of docs/reliability.md has tests, and each of them is where the page says and is run by `make test`."""

import ast
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
PROMISE = re.compile(r"\*\*(?P<title>[^*]+\.)\*\* \S")
HOLDER = re.compile(r"- \[`(?P<name>test_\w+)`\]\((?P<path>[^)#]+)\)")


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise and the lines below it, each of which should be a link to a test."""

    title: str
    holders: Sequence[str]


def blocks_of(text: str) -> Sequence[str]:
    """What blank lines separate."""
    return [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]


def promises(text: str) -> Sequence[Promise]:
    """Each paragraph that opens with a bold sentence and goes on, with the list that follows it."""
    blocks = [*blocks_of(text), ""]
    return [
        Promise(match["title"], following.splitlines() if following.startswith("- ") else [])
        for block, following in pairwise(blocks)
        if (match := PROMISE.match(block))
    ]


@cache
def named_tests(path: Path) -> frozenset[str]:
    """Names of the test functions of a module."""
    body = ast.parse(path.read_text("utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def is_collected(path: Path) -> bool:
    """Whether a run of all tests comes across the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    folders = [ROOT / name for name in project["tool"]["pytest"]["ini_options"]["testpaths"]]
    return path.name.startswith("test_") and any(folder in path.parents for folder in folders)


def fault(line: str) -> str | None:
    """What is wrong with one line of a list of tests, in words."""
    if (link := HOLDER.fullmatch(line)) is None:
        return f"{line}: no link to a test"
    path = (PAGE.parent / link["path"]).resolve()
    if not path.is_file():
        return f"{link['path']}: no such file"
    if not is_collected(path):
        return f"{link['path']}: not among the tests that are run"
    if link["name"] not in named_tests(path):
        return f"{link['path']}: no {link['name']}"
    return None


def faults(promise: Promise) -> Sequence[str]:
    """Everything that is wrong with what holds a promise."""
    if not promise.holders:
        return ["nothing holds it"]
    twice = [f"{line}: twice" for line in {*promise.holders} if promise.holders.count(line) > 1]
    return [*(words for line in promise.holders if (words := fault(line))), *twice]


ALL = promises(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("promise", ALL, ids=lambda promise: promise.title)
def test_a_promise_is_held(promise: Promise) -> None:
    """At least one test holds it, and each that is named exists and is run."""
    assert faults(promise) == []


def test_every_link_to_a_test_belongs_to_a_promise() -> None:
    """No list is overlooked, as one behind a paragraph that does not look like a promise would be."""
    lists = [block for block in blocks_of(PAGE.read_text("utf-8")) if block.startswith("- ")]

    assert ["\n".join(promise.holders) for promise in ALL] == lists


def test_no_promise_is_made_twice() -> None:
    """The page is one list; a reader who quotes a promise means one."""
    titles = [promise.title for promise in ALL]

    assert len(titles) > 40
    assert sorted(set(titles)) == sorted(titles)


HERE = "../tests/docs/test_reliability.py"
GOOD = f"- [`test_a_promise_is_held`]({HERE})"


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ("", "nothing holds it"),
        ("Somebody surely tests it.", "nothing holds it"),
        ("- surely", "no link to a test"),
        (f"- [`test_of_nothing`]({HERE})", "no test_of_nothing"),
        (f"- [`fault`]({HERE})", "no link to a test"),
        ("- [`test_x`](../tests/docs/test_nowhere.py)", "no such file"),
        ("- [`test_x`](../tests/docs/conftest.py)", "not among the tests"),
        (f"{GOOD}\n{GOOD}", "twice"),
    ],
)
def test_a_promise_that_nothing_holds_is_noticed(below: str, words: str) -> None:
    """The check itself tells every kind of broken word."""
    (promise,) = promises(f"# Page\n\n**It works.** Always.\n\n{below}\n\n# More\n")

    assert words in "; ".join(faults(promise))


def test_a_promise_that_is_held_passes() -> None:
    """A link to a test that exists is enough."""
    (promise,) = promises(f"**It works.** Always,\nand everywhere.\n\n{GOOD}\n")

    assert faults(promise) == []
