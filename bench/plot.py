"""The growth as a plot: seconds by passages, both logarithmic, as an SVG file that stands alone.

Takes numbers and names, returns mark-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from bench.figures import Growth

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 16, 48
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.soft{fill:#777;font-size:11px}.grid{stroke:#ddd}"
    "polyline{fill:none;stroke-width:2}svg{background:#fff}"
)


def growth_plot(title: str, growths: Sequence[Growth]) -> str:
    """Return the plot: a line a system, each decade a grid line."""
    points = [point for growth in growths for point in growth.points]
    x_axis = _decades([passages for passages, _ in points])
    y_axis = _decades([seconds for _, seconds in points])

    def place(passages: float, seconds: float) -> tuple[float, float]:
        across, up = _share(passages, x_axis), _share(seconds, y_axis)
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>"]
    parts.append(f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>')
    low_x, high_x, low_y, high_y = (10.0**power for power in (*x_axis, *y_axis))
    for power in range(x_axis[0], x_axis[1] + 1):
        parts.append(_line("grid", place(10.0**power, low_y), place(10.0**power, high_y)))
        left, top = place(10.0**power, low_y)
        parts.append(f'<text class="soft" x="{left:.1f}" y="{top + 16:.1f}" text-anchor="middle">{10**power:,}</text>')
    for power in range(y_axis[0], y_axis[1] + 1):
        parts.append(_line("grid", place(low_x, 10.0**power), place(high_x, 10.0**power)))
        left, top = place(low_x, 10.0**power)
        parts.append(
            f'<text class="soft" x="{left - 6:.1f}" y="{top + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    for number, growth in enumerate(growths):
        parts.append(_series(growth, _COLOURS[number % len(_COLOURS)], [place(*point) for point in growth.points]))
        top = _TOP + 14 + 20 * number
        left = _WIDTH - _RIGHT + 16
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<rect x="{left}" y="{top - 8}" width="12" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + 18}" y="{top}">{escape(growth.system)}</text>')
    parts.append(f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">passages</text>')
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">seconds</text>')
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">\n{body}\n</svg>\n'


def _series(growth: Growth, colour: str, places: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"><title>'
        f"{escape(f'{growth.system}: {passages:,} passages, {seconds:.3g} s')}</title></circle>"
        for (x, y), (passages, seconds) in zip(places, growth.points, strict=True)
    )
    return f'<polyline points="{path}" stroke="{colour}"/>{dots}'


def _line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    return f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten that enclose the values, at least one apart."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _share(value: float, axis: tuple[int, int]) -> float:
    return (math.log10(value) - axis[0]) / (axis[1] - axis[0])
