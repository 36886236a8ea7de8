"""Two pictures for the first lesson, as SVG: a curve with its slope, and how wrong small steps find that slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT, MARGIN, TOP = 500, 300, 40, 48
INK, GRID, CURVE, SECANT, TANGENT = "#24292f", "#d8dee4", "#0969da", "#bc4c00", "#1a7f37"


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, and the sentence that says the same where no picture can be shown."""

    svg: str
    sentence: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.sentence}


def slope(f: Callable[[Any], Any], x: float, h: float | None = None) -> Figure:
    """The curve of `f` with its tangent at `x`, whose slope autograd finds; with `h`, the secant to `x + h` too.

    Example:
        >>> from nbautograd.notebook.figures import slope
        >>> print(slope(lambda x: x**2, 3.0, h=0.5).sentence)
        At x = 3 the slope is 6; over a step of 0.5 it looks like 6.5.
    """
    at, tangent = _value_and_slope(f, x)
    xs = np.linspace(min(-3.0, x - 1), max(3.0, x + 1), 121)
    plot = _Plot(xs, _values(f, xs))
    sentence = f"At x = {x:g} the slope is {tangent:.6g}"
    if h:
        rise = (float(_values(f, np.array([x + h]))[0]) - at) / h
        plot.line_through(x, at, rise, SECANT, "6 4")
        plot.dot(x + h, at + rise * h, SECANT)
        sentence += f"; over a step of {h:g} it looks like {rise:.6g}"
    plot.line_through(x, at, tangent, TANGENT)
    plot.dot(x, at, TANGENT)
    return plot.figure(f"{sentence}.")


def errors(f: Callable[[Any], Any], x: float, marked: float | None = None) -> Figure:
    """How wrong the slope `(f(x + h) - f(x)) / h` is for steps `h` from 0.1 down to 1e-15, on two logarithmic scales.

    Example:
        >>> from nbautograd.notebook.figures import errors
        >>> print(errors(lambda x: x**3, 2.0, marked=0.1).sentence)
        With h = 0.1 the slope is wrong by 0.61.
    """
    exponents = np.arange(-15, -0.9, 0.25)
    at, exact = _value_and_slope(f, x)
    steps = 10.0**exponents
    wrong = np.maximum(np.abs((_values(f, x + steps) - at) / steps - exact), 1e-17)
    plot = _Plot(exponents, np.log10(wrong), "step h: 10 to the power of", "error: 10 to the power of")
    if not marked:
        smooth = np.convolve(np.log10(wrong), np.ones(5) / 5, "same")[2:-2]
        best = 10.0 ** round(exponents[2:-2][smooth.argmin()])
        return plot.figure(f"The slope by small steps: it is least wrong near h = {best:.0e}.")
    error = abs((float(_values(f, np.array([x + marked]))[0]) - at) / marked - exact)
    plot.dot(float(np.log10(marked)), float(np.log10(max(error, 1e-17))), SECANT)
    return plot.figure(f"With h = {marked:g} the slope is wrong by {error:.2g}.")


def _values(f: Callable[[Any], Any], xs: np.ndarray) -> np.ndarray:
    import nbautograd as torch

    with torch.no_grad():
        return np.asarray([float(f(torch.tensor(float(x), dtype=torch.float64))) for x in xs])


def _value_and_slope(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    import nbautograd as torch

    leaf = torch.tensor(float(x), dtype=torch.float64, requires_grad=True)
    out = f(leaf)
    out.backward()
    return out.item(), leaf.grad.item()


class _Plot:
    """Axes scaled to the points of one curve, and what is drawn on them."""

    def __init__(self, xs: np.ndarray, ys: np.ndarray, x_label: str = "x", y_label: str = "f(x)") -> None:
        side, room = 0.02 * float(np.ptp(xs)), 0.08 * float(np.ptp(ys)) or 1.0  # side: a dot on an end is seen whole
        self._x = (float(xs.min()) - side, float(xs.max()) + side)
        self._y = (float(ys.min()) - room, float(ys.max()) + room)
        self._marks: list[str] = []
        self._words = [_words(WIDTH / 2, HEIGHT - 6, x_label), _words(MARGIN, 40, y_label, "start")]
        for tick in _ticks(*self._x):
            at = self._pixels(tick, self._y[0])[0]
            self._marks.append(_line(at, 0, at, HEIGHT, GRID))
            self._words.append(_words(at, HEIGHT - 22, f"{tick:g}"))
        for tick in _ticks(*self._y):
            at = self._pixels(self._x[0], tick)[1]
            self._marks.append(_line(0, at, WIDTH, at, GRID))
            self._words.append(_words(MARGIN - 5, at + 4, f"{tick:g}", "end"))
        points = " ".join("{:.1f},{:.1f}".format(*self._pixels(x, y)) for x, y in zip(xs, ys, strict=True))
        self._marks.append(f'<polyline points="{points}" fill="none" stroke="{CURVE}" stroke-width="2"/>')

    def line_through(self, x: float, y: float, rise: float, colour: str, dash: str = "none") -> None:
        ends = [self._pixels(end, y + rise * (end - x)) for end in self._x]
        self._marks.append(_line(*ends[0], *ends[1], colour, f' stroke-width="2" stroke-dasharray="{dash}"'))

    def dot(self, x: float, y: float, colour: str) -> None:
        cx, cy = self._pixels(x, y)
        self._marks.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" fill="{colour}"/>')

    def figure(self, sentence: str) -> Figure:
        inner = f'x="{MARGIN}" y="{TOP}" width="{WIDTH - 2 * MARGIN}" height="{HEIGHT - TOP - MARGIN}"'
        box = f"{MARGIN} {TOP} {WIDTH - 2 * MARGIN} {HEIGHT - TOP - MARGIN}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'role="img" font-family="system-ui, sans-serif" font-size="11"><title>{escape(sentence)}</title>'
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>'
            f'<svg {inner} viewBox="{box}">{"".join(self._marks)}</svg>{"".join(self._words)}'
            f"{_words(MARGIN, 20, sentence, 'start')}</svg>"
        )
        return Figure(svg, sentence)

    def _pixels(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - TOP - MARGIN)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{more}/>'


def _words(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}">{escape(text)}</text>'


def _ticks(low: float, high: float) -> np.ndarray:
    """Round numbers from `low` to `high`, four to eight of them."""
    rough = (high - low) / 8
    unit = 10.0 ** np.floor(np.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step + 0.0  # no minus zero
