"""Links between documents lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
OUTSIDE = ("http://", "https://", "mailto:")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What headings of a page can be linked as."""
    text = FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+\s+(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def fault(page: Path, link: str) -> str | None:
    """What is wrong with a relative link, in words."""
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return f"{link}: no such file"
    if ROOT not in target.parents:
        return f"{link}: leads out of the repository"
    if anchor and anchor not in anchors(target):
        return f"{link}: no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """A reader who follows a link of ours finds a file, and the heading when one is named."""
    links = [link for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))) if not link.startswith(OUTSIDE)]

    assert [words for link in links if (words := fault(page, link))] == []


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    """The check itself tells missing files, missing headings and paths out of the tree from good ones."""
    outside = tmp_path / "page.md"
    outside.write_text("# Here")

    assert fault(ROOT / "README.md", "nowhere.md") == "nowhere.md: no such file"
    assert fault(ROOT / "README.md", "README.md#no-such") == "README.md#no-such: no such heading"
    assert fault(ROOT / "README.md", str(outside)) == f"{outside}: leads out of the repository"
    assert fault(ROOT / "README.md", "#go-live") is None
