"""A trace as one HTML file that plays by itself: picture, trace and front end in it, nothing from outside."""

from __future__ import annotations

import html
import json
from pathlib import Path

from nbautograd.export.svg import to_svg
from nbautograd.export.text import to_text
from nbautograd.export.words import headline
from nbautograd.trace import codec
from nbautograd.trace.model import Trace

FRONT_END = Path(__file__).parents[1] / "notebook" / "static" / "widget.js"
POLICY = "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:"
STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; font: 12px/1.5 ui-monospace, monospace; }
"""
PLAYER = """
const read = (role) => JSON.parse(document.querySelector(`script[data-role=${role}]`).textContent);
const model = { get: (key) => ({ trace: read('trace'), options: {} })[key], on() {}, off() {} };
const code = URL.createObjectURL(new Blob([read('player')], { type: 'text/javascript' }));
const { default: widget } = await import(code);
const view = document.createElement('div');
await widget.render({ model, el: view });
document.querySelector('[data-role=picture]').replaceWith(view);
"""


def to_html(trace: Trace) -> str:
    """The page. Where the front end has not been built, it shows the static picture instead of the live view."""
    title = html.escape(headline(trace))
    text, code = html.escape(to_text(trace)), html.escape(trace.source())
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>{STYLE}</style>
<div data-role="picture">{to_svg(trace)}</div>
<details><summary>As text</summary><pre>{text}</pre></details>
<details><summary>As Python</summary><pre>{code}</pre></details>
{_player(trace)}</html>
"""


def _player(trace: Trace) -> str:
    if not FRONT_END.exists():
        return ""
    data = {"trace": codec.to_dict(trace), "player": FRONT_END.read_text("utf-8")}
    parts = [
        f'<script type="application/json" data-role="{role}">{_inert(each)}</script>' for role, each in data.items()
    ]
    return "\n".join([*parts, f'<script type="module">{PLAYER}</script>', ""])


def _inert(data: object) -> str:
    """JSON that no HTML parser takes for markup."""
    return json.dumps(data, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
