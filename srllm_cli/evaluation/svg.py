"""Plots as inline SVG: curves, dots with intervals, a scatter. Colours come from the page's style sheet.

Takes numbers and names, returns escaped markup; knows nothing of figures or reports.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: Colours of the style sheet; a ninth series starts over.
COLOURS = 8
_WIDTH, _HEIGHT = 340, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 40
_ROW, _LABEL, _BARS = 15, 170, 330


@dataclass(frozen=True, slots=True)
class Series:
    """A named line or group of dots; ``colour`` is its place in the palette."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval, for one row and one series (``colour``)."""

    row: str
    colour: int
    value: float
    low: float
    high: float
    title: str


def curves(title: str, x_label: str, y_label: str, series: Sequence[Series], *, diagonal: bool = False) -> str:
    """Return lines in the unit square, with the diagonal of chance or perfect calibration when asked for."""
    parts = [_unit_axes(x_label, y_label)]
    if diagonal:
        parts.append(f'<path class="chance" d="M{_x(0)},{_y(0)}L{_x(1)},{_y(1)}"/>')
    for line in series:
        path = "L".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in _thinned(line.points))
        parts.append(
            f'<path class="line c{line.colour % COLOURS}" d="M{path}"><title>{escape(line.name)}</title></path>'
        )
    return _figure(title, _WIDTH, _HEIGHT, parts)


def scatter(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> str:
    """Return one dot a series, x on a logarithmic scale, y in [0, 1]."""
    values = [x for line in series for x, _ in line.points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    parts = [_unit_axes(f"{x_label} (logarithmic)", y_label, x_ticks=[_power(e) for e in range(low, high + 1)])]
    for line in series:
        for x, y in line.points:
            left = _x((math.log10(x) - low) / (high - low))
            parts.append(
                f'<circle class="dot c{line.colour % COLOURS}" cx="{left:.1f}" cy="{_y(y):.1f}" r="5">'
                f"<title>{escape(f'{line.name}: {x:.3g}, {y:.3f}')}</title></circle>"
            )
    return _figure(title, _WIDTH, _HEIGHT, parts)


def dot_plot(title: str, dots: Sequence[Dot]) -> str:
    """Return one row a name and one dot with its whiskers a series, on a scale from 0 to 1."""
    rows = list(dict.fromkeys(dot.row for dot in dots))
    per_row = max(sum(dot.row == row for dot in dots) for row in rows)
    height = _TOP + len(rows) * (per_row * 8 + _ROW) + 24
    parts = [_percent_grid(height)]
    top = float(_TOP)
    for row in rows:
        members = [dot for dot in dots if dot.row == row]
        band = per_row * 8 + _ROW
        parts.append(f'<text x="{_LABEL - 8}" y="{top + band / 2 + 4:.1f}" text-anchor="end">{escape(row[:28])}</text>')
        for number, dot in enumerate(members):
            parts.append(_dot(dot, top + (band - 8 * (len(members) - 1)) / 2 + 8 * number))
        top += band
    return _figure(title, _LABEL + _BARS + 20, height, parts)


def _dot(dot: Dot, y: float) -> str:
    low, high, value = (_LABEL + _BARS * min(max(v, 0.0), 1.0) for v in (dot.low, dot.high, dot.value))
    return (
        f'<g class="c{dot.colour % COLOURS}"><title>{escape(dot.title)}</title>'
        f'<path class="whisker" d="M{low:.1f},{y:.1f}L{high:.1f},{y:.1f}"/>'
        f'<circle class="dot" cx="{value:.1f}" cy="{y:.1f}" r="3.5"/></g>'
    )


def _percent_grid(height: int) -> str:
    lines = []
    for tick in range(0, 101, 25):
        left = _LABEL + _BARS * tick / 100
        lines.append(f'<path class="grid" d="M{left:.1f},{_TOP}L{left:.1f},{height - 22}"/>')
        lines.append(f'<text class="soft" x="{left:.1f}" y="{height - 8}" text-anchor="middle">{tick}</text>')
    return "".join(lines)


def _unit_axes(x_label: str, y_label: str, x_ticks: Sequence[str] | None = None) -> str:
    ticks = ["0", "0.25", "0.5", "0.75", "1"]
    parts = []
    for position, tick in _spread(ticks):
        parts.append(f'<path class="grid" d="M{_x(0)},{_y(position):.1f}L{_x(1)},{_y(position):.1f}"/>')
        parts.append(f'<text class="soft" x="{_LEFT - 6}" y="{_y(position) + 4:.1f}" text-anchor="end">{tick}</text>')
    for position, tick in _spread(x_ticks or ticks):
        parts.append(f'<path class="grid" d="M{_x(position):.1f},{_y(0)}L{_x(position):.1f},{_y(1)}"/>')
        parts.append(
            f'<text class="soft" x="{_x(position):.1f}" y="{_y(0) + 15}" text-anchor="middle">{escape(tick)}</text>'
        )
    middle = (_x(0) + _x(1)) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    centre = (_y(0) + _y(1)) / 2
    parts.append(
        f'<text x="12" y="{centre}" text-anchor="middle" transform="rotate(-90 12 {centre})">{escape(y_label)}</text>'
    )
    return "".join(parts)


def _power(exponent: int) -> str:
    """Return a power of ten as short as it reads: ``0.1``, ``100``, ``10k``, ``1M``."""
    for step, unit in ((6, "M"), (3, "k")):
        if exponent > step or (exponent == step == 6):
            return f"{10 ** (exponent - step)}{unit}"
    return f"{10.0**exponent:g}"


def _spread(ticks: Sequence[str]) -> Iterable[tuple[float, str]]:
    return ((number / (len(ticks) - 1), tick) for number, tick in enumerate(ticks))


def _thinned(points: Sequence[tuple[float, float]], most: int = 400) -> Sequence[tuple[float, float]]:
    """Drop points that no screen shows, keeping the last."""
    if len(points) <= most:
        return points
    step = math.ceil(len(points) / most)
    return [*points[::step], points[-1]]


def _figure(title: str, width: int, height: int, parts: Iterable[str]) -> str:
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg role="img" aria-label="{escape(title)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(parts)}</svg></figure>'
    )


def _x(value: float) -> float:
    return _LEFT + value * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return _HEIGHT - _BOTTOM - value * (_HEIGHT - _TOP - _BOTTOM)
