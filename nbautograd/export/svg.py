"""A trace as a picture that stands alone: no script, no font or style from outside, no `id` that could meet another."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from nbautograd.export.graph.diagram import LINE, Diagram, Node, diagram, layout_input
from nbautograd.export.graph.format import brief, oddity
from nbautograd.export.graph.layout import Point, Route, layout
from nbautograd.export.graph.shapes import Placed
from nbautograd.export.palette import Pen
from nbautograd.export.words import arrivals, clean, figures, folded, gradient, headline, plural, sums
from nbautograd.trace.model import Finding, Summary, Trace

MAX_NODES = 120
MARGIN = 24
HEADER = 44
PILL = 18
LIFT = 5
"""How far a node's text makes room for the pill."""
PILL_CHARACTER = 6.7
SUM = 30
"""Characters within which a gradient is shown as a sum."""
NOTE_WIDTH = 360
NOTE_LINE = 17
NOTE_CHARACTERS = 6.4, 7.2
"""The width of a character of a panel, on average, and of its bold title."""
NOTES = 3
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def to_svg(trace: Trace, *, dark: bool | None = None) -> str:
    """The graph with its values and final gradients, and what the doctor says, as one SVG.

    It stands on a card of its own and so can be read on any page. The card follows the reader's preference for light
    or dark, unless `dark` says which it is. A large trace is folded, and the picture says so.
    """
    return _Picture(trace, Pen(dark)).draw()


@dataclass(slots=True)
class _Pill:
    """The gradient at the foot of a node."""

    text: str
    hue: Literal["plus", "minus", "size", "muted", "bad", "amber"]

    @property
    def width(self) -> float:
        return len(self.text) * PILL_CHARACTER + 16


class _Picture:
    def __init__(self, trace: Trace, pen: Pen) -> None:
        self.trace = trace
        self.pen = pen
        self.paths = arrivals(trace)
        self.passes = {ledger.value: [each.gradient for each in ledger.contributions] for ledger in trace.ledgers}
        self.diagram = diagram(trace, max_nodes=MAX_NODES)
        self.nodes = {node.key: node for node in self.diagram.nodes}
        self.pills = {node.key: pill for node in self.diagram.nodes if (pill := self.pill(node))}
        self.warned = self._warned(self.diagram)

    def draw(self) -> str:
        boxes, edges = layout_input(self.diagram)
        for box in boxes:
            if pill := self.pills.get(box.key):
                box.width, box.height = max(box.width, pill.width + 12), box.height + PILL / 2 + LIFT
        place = layout(boxes, edges)
        notes = list(self._notes())
        width = max(place.width, NOTE_WIDTH if notes else 0, len(headline(self.trace)) * 7.2) + 2 * MARGIN
        graph = [*map(self.route, place.routes), *map(self.box, place.boxes)]
        lower = HEADER + place.height + MARGIN
        panels, bottom = self._panels(notes, lower, width)
        left = (width - place.width) / 2
        body = [
            self.card(width, bottom),
            self.header(),
            f'<g transform="translate({left:g} {HEADER:g})">{"".join(graph)}</g>',
            *panels,
        ]
        return self.frame(width, bottom, "".join(body))

    def frame(self, width: float, height: float, body: str) -> str:
        size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{SANS}" class="nbautograd-picture"'
            f' style="max-width:100%;height:auto">{self.pen.style()}'
            f"<title>{_escape(headline(self.trace))}</title><desc>{_escape(self._description())}</desc>{body}</svg>"
        )

    def _description(self) -> str:
        """The story in a few sentences: what came out, what the leaves got, what is wrong."""
        roots = [self.trace.values[i] for run in self.trace.passes[:1] for i in run.roots[:1]]
        leaves = [value for value in self.trace.values if value.kind == "leaf" and value.requires_grad and value.name]
        parts = [f"Backward began at {value.name or 'an unnamed value'}, {brief(value.data)}." for value in roots]
        parts += [f"{value.name}.grad is {brief(value.grad)}." for value in leaves[:8] if self.trace.passes]
        parts += [f"{finding.severity}: {finding.title}." for finding in self.trace.findings[:NOTES]]
        return " ".join(parts) or "No backward pass ran."

    # --- what there is to say ---

    def pill(self, node: Node) -> _Pill | None:
        value = None if node.value is None else self.trace.values[node.value]
        text = value and gradient(value, self.trace)
        if not value or not text:
            return None
        stored = self.passes.get(value.id, [])
        over = len(stored) > 1
        terms = sums(stored if over else self.paths.get(value.id, []), SUM)
        total = f"{text} = {terms}" if terms and terms != brief(value.grad, SUM) else text
        return _Pill(f"↺ {total}" if over else total, "amber" if over else _hue(value.grad))

    def _warned(self, picture: Diagram) -> dict[str, str]:
        """The nodes that a finding points at, with its title."""
        owner = {
            op: node.key for node in picture.nodes for op in node.members or ([] if node.op is None else [node.op])
        }
        values = {node.value: node.key for node in picture.nodes}
        out: dict[str, str] = {}
        for finding in self._findings():
            keys = [*(values.get(i) for i in finding.values), *(owner.get(i) for i in finding.ops)]
            out |= {key: finding.title for key in keys if key}
        return out

    def _findings(self) -> list[Finding]:
        return [finding for finding in self.trace.findings if finding.severity != "note"]

    def _notes(self) -> Iterator[tuple[str, str, list[str]]]:
        """The panels under the graph: kind, title and further lines."""
        found = self._findings()
        for finding in found[:NOTES]:
            kind = "bad" if finding.severity == "error" else "amber"
            yield kind, f"⚠ {finding.title}", [finding.message, f"→ {finding.hint}"]
        if len(found) > NOTES:
            yield "amber", f"⚠ {plural(len(found) - NOTES, 'more finding')}", []
        if self.trace.error:
            yield "bad", f"✕ {self.trace.error}", ["The graph shows the part that ran."]
        lines = folded(self.trace.folds)[:NOTES]
        if self.diagram.hidden:
            lines.append(f"{self.diagram.hidden:,} ops and leaves are folded into the boxes with a shadow")
        if lines:
            yield "muted", f"⋯ {lines[0]}", lines[1:]

    # --- drawing ---

    def card(self, width: float, height: float) -> str:
        paint = self.pen.paint(fill="paper", stroke="edge")
        return f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="10" {paint}/>'

    def header(self) -> str:
        label = clean(self.trace.cell.label, 60) + (f" · run {self.trace.cell.run}" if self.trace.cell.run > 1 else "")
        strong = f'<tspan font-weight="600" {self.pen.paint(fill="ink")}>{_escape(label)}</tspan>'
        rest = f'<tspan dx="8" {self.pen.paint(fill="muted")}>{_escape(figures(self.trace))}</tspan>'
        return f'<text x="{MARGIN}" y="26" font-size="12.5">{strong}{rest}</text>'

    def route(self, route: Route) -> str:
        paint = self.pen.paint(fill="none", stroke="wire")
        head = self.pen.paint(fill="wire")
        x, y = route.points[-1]
        end = [*route.points[:-1], (x, y - 6)]
        return f'<path d="{_curve(end)}" stroke-width="1.4" {paint}/><path d="M{x:g} {y:g}l-4 -7h8z" {head}/>'

    def box(self, box: Placed) -> str:
        node = self.nodes[box.chip_of or box.key]
        parts = self._chip(box, node) if box.chip_of else self._node(box, node)
        return f'<g transform="translate({box.x:g} {box.y:g})">{"".join(parts)}</g>'

    def _chip(self, box: Placed, node: Node) -> Iterator[str]:
        yield self._rect(box.width, box.height, box.height / 2, "leaf", "node_edge", 'stroke-dasharray="3 2"')
        yield self._text(node.title, 0, "muted", size=11)

    def _node(self, box: Placed, node: Node) -> Iterator[str]:
        pill = self.pills.get(node.key)
        # The pill hangs over the lower edge, so what is drawn of the box is less than what the layout gave it.
        height, up = (box.height - PILL / 2, -PILL / 4) if pill else (box.height, 0)
        yield f'<g transform="translate(0 {up:g})">'
        yield from self._form(box.width, height, node)
        top = -(len(node.lines) * LINE + (LIFT if pill else 0)) / 2
        yield self._text(node.title, top, "ink", size=12.5, weight=600)
        for i, line in enumerate(node.lines):
            yield self._text(line, top + (i + 1) * LINE, "muted", size=12)
        if pill:
            yield from self._pill(pill, height / 2)
        if title := self.warned.get(node.key):
            yield from self._badge(box.width / 2 - 4, -height / 2, title)
        yield "</g>"

    def _form(self, width: float, height: float, node: Node) -> Iterator[str]:
        """Op: rounded. Leaf: a stadium. Constant: square and dashed. Group: a stack."""
        if node.kind == "group":
            yield f'<g transform="translate(4 -4)">{self._rect(width, height, 7, "leaf", "node_edge")}</g>'
        if node.kind == "leaf":
            yield self._rect(width, height, min(18.0, height / 2), "leaf", "node_edge")
        elif node.kind == "constant":
            yield self._rect(width, height, 0, "node", "node_edge", 'stroke-dasharray="4 3"')
        else:
            yield self._rect(width, height, 7, "node", "node_edge")

    def _rect(self, width: float, height: float, radius: float, fill: str, stroke: str, more: str = "") -> str:
        size = f'x="{-width / 2:g}" y="{-height / 2:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
        return f'<rect {size} stroke-width="1.2" {more} {self.pen.paint(fill=fill, stroke=stroke)}/>'

    def _text(self, text: str, y: float, ink: str, *, size: float, weight: int = 400) -> str:
        style = f'font-family="{MONO}" font-size="{size:g}" font-weight="{weight}" text-anchor="middle"'
        return f'<text y="{y:g}" dy=".34em" {style} {self.pen.paint(fill=ink)}>{_escape(text)}</text>'

    def _pill(self, pill: _Pill, y: float) -> Iterator[str]:
        yield f'<g transform="translate(0 {y:g})">'
        yield self._rect(pill.width, PILL, PILL / 2, f"{pill.hue}_paper", pill.hue)
        yield self._text(pill.text, 0, pill.hue, size=11, weight=600)
        yield "</g>"

    def _badge(self, x: float, y: float, title: str) -> Iterator[str]:
        paint = self.pen.paint(fill="amber_paper", stroke="amber")
        yield f'<g transform="translate({x:g} {y:g})"><title>{_escape(title)}</title>'
        yield f'<path d="M0 -10l10 17h-20z" stroke-width="1.4" stroke-linejoin="round" {paint}/>'
        yield self._text("!", 1, "amber", size=12, weight=700) + "</g>"

    # --- panels ---

    def _panels(self, notes: list[tuple[str, str, list[str]]], y: float, width: float) -> tuple[list[str], float]:
        out: list[str] = []
        room, bold = (int((width - 2 * MARGIN - 24) / character) for character in NOTE_CHARACTERS)
        for hue, title, lines in notes:
            wrapped = [part for line in lines for part in textwrap.wrap(clean(line, 600), room)]
            titles = textwrap.wrap(clean(title), room if hue == "muted" else bold)
            height = (len(titles) + len(wrapped)) * NOTE_LINE + 14
            out.append(self._panel(hue, y, width - 2 * MARGIN, height))
            for i, line in enumerate(_prose([*titles, *wrapped])):
                head = i < len(titles)
                paint = self.pen.paint(fill=hue if head else "ink")
                weight = 600 if head and hue != "muted" else 400
                at = f'x="{MARGIN + 12}" y="{y + 7 + (i + 0.5) * NOTE_LINE:g}" dy=".34em"'
                out.append(f'<text {at} font-size="12" font-weight="{weight}" {paint}>{line}</text>')
            y += height + 10
        return out, y + (MARGIN - 10 if notes else 0)

    def _panel(self, hue: str, y: float, width: float, height: float) -> str:
        paint = self.pen.paint(fill=f"{hue}_paper", stroke=hue if hue != "muted" else "edge")
        return f'<rect x="{MARGIN}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" stroke-width="1" {paint}/>'


def _hue(grad: Summary | None) -> Literal["plus", "minus", "size", "muted", "bad"]:
    """Sign of a single number, size of a tensor; nothing and zero are muted, what is no number is bad."""
    odd = oddity(grad) if grad else "zero"
    if grad is None or odd:
        return "muted" if odd == "zero" else "bad"
    if grad.data and len(grad.data) == 1:
        return "plus" if float(grad.data[0]) > 0 else "minus"
    return "size"


def _curve(points: list[Point]) -> str:
    """Cubic curves from point to point which leave and arrive vertically."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        parts.append(f"V{y1:g}" if x0 == x1 else f"C{x0:g} {middle:g} {x1:g} {middle:g} {x1:g} {y1:g}")
    return "".join(parts)


def _prose(lines: list[str]) -> Iterator[str]:
    """The markup of lines in which code stands between backticks, which may lie on two of them."""
    code = False
    for line in lines:
        parts: list[str] = []
        for i, part in enumerate(line.split("`")):
            code ^= i > 0
            parts.append(f'<tspan font-family="{MONO}">{_escape(part)}</tspan>' if code and part else _escape(part))
        yield "".join(parts)


def _escape(text: str) -> str:
    return html.escape(clean(text, 2_000), quote=True)
