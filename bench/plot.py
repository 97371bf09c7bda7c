"""The figures as a picture, drawn as SVG by hand: two panels of bars on a logarithmic scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final
from xml.sax.saxutils import escape

from bench.contenders.__main__ import PEERS
from bench.metrics import Figures, Spread

_WIDTH: Final = 960
_LABELS: Final = 150
_VALUES: Final = 86
_ROW: Final = 34
_BAR: Final = 18
_PANEL_TOP: Final = 74
_PANEL_GAP: Final = 46
_HEAD: Final = 84
_FOOT: Final = 60
_OURS: Final = "#0b7a75"
_THEIRS: Final = "#9aa5b1"
_INK: Final = "#1f2933"
_FAINT: Final = "#616e7c"
_GRID: Final = "#e4e7eb"
_WHISKER: Final = "#323f4b"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_OUR_NAME: Final = "rebalancer"


@dataclass(frozen=True, slots=True)
class Bar:
    """One contender's figure."""

    name: str
    spread: Spread
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One comparison."""

    title: str
    remark: str
    bars: Sequence[Bar]
    smallest: float
    """Where the scale begins; a power of ten."""


def draw(figures: Figures) -> str:
    """The whole picture."""
    panels = [
        Panel("Queueing", "one producer", _bars(figures, "enqueue"), 0.01),
        Panel("Working off", "one no-op job at a time", _bars(figures, "work 1"), 0.0001),
        Panel("Working off", "ten no-op jobs at a time", _bars(figures, "work 10"), 0.001),
    ]
    shown = [panel for panel in panels if panel.bars]
    height = _HEAD + sum(_height(panel) for panel in shown) + _FOOT
    parts = [_opening(height)]
    top = _HEAD
    for panel in shown:
        parts.append(_panel(panel, top))
        top += _height(panel)
    parts += [_legend(height), "</svg>\n"]
    return "\n".join(parts)


def _bars(figures: Figures, action: str) -> Sequence[Bar]:
    """The fastest first."""
    found = [(name, figures.get(f"everysec {name} {action}")) for name in ("product", *PEERS)]
    bars = [Bar(_OUR_NAME if name == "product" else name, s, name == "product") for name, s in found if s is not None]
    return sorted(bars, key=lambda bar: -bar.spread.median)


def _height(panel: Panel) -> int:
    return _PANEL_TOP - 20 + _ROW * len(panel.bars) + _PANEL_GAP


def _opening(height: int) -> str:
    title = "Rates as a share of a raw Redis round trip"
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" font-family="{_FONT}">
<title>{title}</title>
<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>
<text x="32" y="42" font-size="22" font-weight="600" fill="{_INK}">{title}</text>
<text x="32" y="66" font-size="14" fill="{_FAINT}">1 = a redis-py asyncio SET after another; logarithmic, \
longer is faster; thin lines: range over the rounds</text>"""


def _panel(panel: Panel, top: int) -> str:
    left, right = _LABELS, _WIDTH - _VALUES
    bottom = top + _PANEL_TOP - 20 + _ROW * len(panel.bars)
    parts = [
        (
            f'<text x="32" y="{top + 28}" font-size="16" font-weight="600" fill="{_INK}">{panel.title}'
            f'<tspan dx="8" font-weight="400" fill="{_FAINT}">{panel.remark}</tspan></text>'
        )
    ]
    for tick in _ticks(panel.smallest):
        x = _place(tick, panel, left, right)
        parts.append(f'<line x1="{x:.1f}" y1="{top + 44}" x2="{x:.1f}" y2="{bottom}" stroke="{_GRID}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 16}" font-size="12" fill="{_FAINT}" text-anchor="middle">{tick:g}</text>'
        )
    for number, bar in enumerate(panel.bars):
        parts.append(_bar(bar, panel, top + 50 + _ROW * number, (left, right)))
    return "\n".join(parts)


def _bar(bar: Bar, panel: Panel, y: float, ends: tuple[int, int]) -> str:
    left, right = ends
    spread = bar.spread
    end, low, high = (_place(value, panel, left, right) for value in (spread.median, spread.lowest, spread.highest))
    middle = y + _BAR / 2
    weight, ink = ("600", _OURS) if bar.is_ours else ("400", _INK)
    return "\n".join(
        (
            (
                f'<text x="{left - 12}" y="{middle + 5}" font-size="14" font-weight="{weight}" fill="{ink}" '
                f'text-anchor="end">{escape(bar.name)}</text>'
            ),
            (
                f'<rect x="{left}" y="{y}" width="{max(end - left, 2):.1f}" height="{_BAR}" rx="3" '
                f'fill="{_OURS if bar.is_ours else _THEIRS}"/>'
            ),
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{_WHISKER}" stroke-width="1.5"/>',
            (
                f'<text x="{max(end, high) + 10:.1f}" y="{middle + 5}" font-size="13" font-weight="{weight}" '
                f'fill="{ink}">{shown(spread.median)}</text>'
            ),
        )
    )


def _legend(height: int) -> str:
    lines = (
        "Same Redis (appendonly, everysec) and PostgreSQL for all. The rebalancer's audit drains alongside;",
        "procrastinate queues in PostgreSQL; rq forks for each job; arq looks at its queue every half second.",
    )
    return "\n".join(
        f'<text x="32" y="{height - 34 + 18 * number}" font-size="12" fill="{_FAINT}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


def _ticks(smallest: float) -> list[float]:
    return [10.0**power for power in range(round(log10(smallest)), 1)]


def _place(value: float, panel: Panel, left: int, right: int) -> float:
    """Where a value lies between the panel's smallest and 1."""
    span = -log10(panel.smallest)
    share = (log10(max(value, panel.smallest)) + span) / span
    return left + min(share, 1.0) * (right - left)


def shown(value: float) -> str:
    """Two digits that count."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"  # noqa: PLR2004 - below it, two decimals tell too little
