"""The table as a bar chart: an SVG, on a logarithmic scale, PyTorch being the line at 1."""

import math
from html import escape

from .libraries import CAPTURED, FAST, SUBJECT
from .report import Samples, ratio
from .row import Row

COLOURS = {SUBJECT: "#d97706", FAST: "#0d9488", CAPTURED: "#4f46e5"}
MARGIN, LEFT, WIDTH, BAR, GAP, TOP = 40, 310, 480, 9, 8, 46
LEAST, MOST = 0.003, 3.0


def drawn(rows: list[Row], figures: dict[str, Samples]) -> str:
    parts, y = [], TOP
    for row in rows:
        bars = [name for name in COLOURS if name in figures[row.name]]
        height = BAR * len(bars)
        parts.append(f'<text x="{LEFT - 8}" y="{y + height / 2 + 4}" text-anchor="end">{escape(row.name)}</text>')
        for i, name in enumerate(bars):
            parts += bar(ratio(figures[row.name], name, row.clock)[1], y + i * BAR, COLOURS[name])
        y += height + GAP
    return "\n".join([head(y), legend(), *grid(y), *parts, "</svg>", ""])


def head(bottom: int) -> str:
    width, height = MARGIN + LEFT + WIDTH + 50, bottom + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-MARGIN} 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="#374151">\n'
        f'<rect x="{-MARGIN}" width="{width}" height="{height}" fill="#fff"/>'
    )


def legend() -> str:
    names = [
        f'<rect x="{LEFT + 150 * i}" y="12" width="12" height="12" fill="{colour}"/>'
        f'<text x="{LEFT + 150 * i + 18}" y="22">{escape(name)}</text>'
        for i, (name, colour) in enumerate(COLOURS.items())
    ]
    return f'<text x="{LEFT - 8}" y="22" text-anchor="end">torch = 1</text>' + "".join(names)


def grid(bottom: int) -> list[str]:
    def line(value: float) -> str:
        x, strong = place(value), value == 1
        stroke = 'stroke="#111827" stroke-width="1.5"' if strong else 'stroke="#e5e7eb"'
        return (
            f'<line x1="{x}" x2="{x}" y1="{TOP - 10}" y2="{bottom}" {stroke}/>'
            f'<text x="{x}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>'
        )

    return [line(value) for value in (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)]


def bar(value: float, y: float, colour: str) -> list[str]:
    """From the left edge, so that a short bar is a fast one."""
    end = place(value)
    return [
        f'<rect x="{LEFT}" y="{y}" width="{max(end - LEFT, 1):.1f}" height="{BAR - 1}" fill="{colour}"/>',
        f'<text x="{end + 4}" y="{y + BAR - 1}" font-size="9">{value:.2g}</text>',
    ]


def place(value: float) -> float:
    share = math.log(value / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + WIDTH * min(max(share, 0), 1), 1)
