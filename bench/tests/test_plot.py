"""The picture."""

import re
from xml.etree import ElementTree as ET

import pytest
from bench.metrics import Figures
from bench.plot import draw, shown

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def figures() -> Figures:
    """Two contenders, two rounds, and one far below the others."""
    found = Figures()
    for share in (0.4, 0.5):
        found.add("everysec product enqueue", share)
        found.add("everysec saq enqueue", share / 2)
        found.add("everysec arq work 1", share / 5000)
    return found


def test_it_is_well_formed_and_names_everybody(figures: Figures) -> None:
    """Whatever was measured is there, the fastest first, and nothing else."""
    picture = ET.fromstring(draw(figures))  # noqa: S314 - our own text

    texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]

    assert [text for text in texts if text in {"rebalancer", "saq", "arq", "rq"}] == ["rebalancer", "saq", "arq"]


def test_bars_stay_inside_the_picture(figures: Figures) -> None:
    """A figure beyond the scale is drawn at its end, not over the edge; one below it is still seen."""
    figures.add("everysec celery enqueue", 250.0)
    figures.add("everysec celery enqueue", 250.0)
    figures.add("everysec rq work 1", 1e-9)

    picture = ET.fromstring(draw(figures))  # noqa: S314 - our own text

    width = float(picture.attrib["viewBox"].split()[2])
    bars = [bar for bar in picture.iter(f"{SVG}rect") if "rx" in bar.attrib]
    assert len(bars) == 5
    assert all(2 <= float(bar.attrib["width"]) <= width - float(bar.attrib["x"]) for bar in bars)


def test_longer_is_faster(figures: Figures) -> None:
    """Half the rate is a shorter bar."""
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="18"', draw(figures))]

    assert widths[0] > widths[1]


@pytest.mark.parametrize(("value", "text"), [(0.4249, "0.42"), (1.5, "1.50"), (0.0231, "0.023"), (0.00012, "0.00012")])
def test_two_digits_are_shown(value: float, text: str) -> None:
    """However small."""
    assert shown(value) == text
