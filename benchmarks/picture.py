"""Curves on two logarithmic axes as an SVG: growth that is linear is a line at 45 degrees, whatever the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 24, 48
COLOURS = ("#b5423c", "#1f6fb2", "#4b8b3b")


def draw(curves: Mapping[str, Sequence[Point]], *, x: str, y: str, title: str) -> str:
    """The curves, each named at its end; `x` and `y` name the axes."""
    points = [point for curve in curves.values() for point in curve]
    across = _Axis([px for px, _ in points], LEFT, WIDTH - RIGHT)
    up = _Axis([py for _, py in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="13"',
        'font-family="sans-serif">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    parts += [_tick(across.at(value), None, f"{value:g}") for value in across.marks]
    parts += [_tick(None, up.at(value), f"{value:g}") for value in up.marks]
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{x}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 8}" text-anchor="middle">{y}</text>')
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        places = [(across.at(px), up.at(py)) for px, py in curve]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in places]
        parts.append(f'<text x="{places[-1][0] + 8:.1f}" y="{places[-1][1] + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """From values to places, by their logarithms; `marks` are the powers of ten in between, and the ends."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.start, self.end = start, end
        self.marks = [10.0**power for power in range(self.low, self.high + 1)]

    def at(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)


def _tick(x: float | None, y: float | None, text: str) -> str:
    if x is not None:
        line = f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        return f'{line}<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{text}</text>'
    line = f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
    return f'{line}<text x="{LEFT - 6}" y="{(y or 0) + 4:.1f}" text-anchor="end">{text}</text>'
