"""Texts that try to run code wherever they are taken for more than text."""

from __future__ import annotations

from typing import Any

HARM = "window.harmed=1"
LATEX = "\\immediate\\write18{touch harmed}"

_MARKUP = [
    f"<script>{HARM}</script>",
    f"</script><script>{HARM}</script>",
    f"</title></style></textarea><script>{HARM}</script>",
    f"<ScRiPt>{HARM}</sCrIpT>",
    f"<script\n>{HARM}</script\n>",
    f"<scr<script>ipt>{HARM}</scr</script>ipt>",
    f"<!--><script>{HARM}</script>-->",
    f"--><script>{HARM}</script><!--",
    f"]]><script>{HARM}</script><![CDATA[",
    f"\u2028<script>{HARM}</script>\u2029",
    f"\x00<script\x00>{HARM}</script>",
    f"&lt;script&gt;{HARM}&lt;/script&gt;",
    f"&#60;script&#62;{HARM}&#60;/script&#62;",
    f"%3Cscript%3E{HARM}%3C/script%3E",
    f"\\u003cscript\\u003e{HARM}\\u003c/script\\u003e",
    f"<noscript><p title='</noscript><img src=x onerror={HARM}>'>",
]
_HANDLERS = [
    f'<img src=x onerror="{HARM}">',
    f"<img/src=`x`onerror={HARM}>",
    f"\"><svg onload='{HARM}'>",
    f"'><svg/onload={HARM}>",
    f"<svg><animate onbegin={HARM} attributeName=x dur=1s>",
    f"<svg><set onbegin={HARM} attributename=x dur=1s>",
    f"<svg><script>{HARM}</script></svg>",
    f"<svg><a xlink:href='javascript:{HARM}'><text>x</text></a></svg>",
    f"<svg><use href='data:image/svg+xml,<svg id=x onload={HARM}></svg>#x'/></svg>",
    f"</text></svg><iframe srcdoc='<script>parent.{HARM}</script>'>",
    f"]]><foreignObject><body onpageshow={HARM}>",
    f"<details open ontoggle={HARM}>",
    f"<body onload={HARM}>",
    f"<input autofocus onfocus={HARM}>",
    f"<video><source onerror={HARM}></video>",
    f"<audio src=x onerror={HARM}>",
    f"<marquee onstart={HARM}>x</marquee>",
    f"<object data='data:text/html,<script>parent.{HARM}</script>'>",
    f"<embed src='javascript:{HARM}'>",
    f"<style>@keyframes x{{}}</style><p style='animation-name:x' onanimationstart={HARM}>",
    f'x" onmouseover="{HARM}" onfocus="{HARM}" autofocus="',
    f"x' onmouseover='{HARM}' style='position:fixed;inset:0'",
]
_LINKS = [
    f"javascript:{HARM}",
    f"[x](javascript:{HARM})",
    f"![x](x' onerror='{HARM})",
    f"<a href='javascript:{HARM}'>click</a>",
    f"<base href='javascript:{HARM}//'>",
    f"<meta http-equiv=refresh content='0;url=javascript:{HARM}'>",
    f"$\\href{{javascript:{HARM}}}{{x}}$",
    f"```\n<script>{HARM}</script>\n```",
    f"`</code></pre><script>{HARM}</script>`",
    f"{{{{constructor.constructor('{HARM}')()}}}}",
    "<a data-commandlinker-command='apputils:reset' id='main' name='body'>click</a>",
]
_LATEX = [
    f"\\end{{Verbatim}}{LATEX}",
    f"}}\\end{{Verbatim}}{LATEX}\\begin{{Verbatim}}{{",
    f"$x$ {LATEX} % \\end{{document}}",
]
PAYLOADS = [*_MARKUP, *_HANDLERS, *_LINKS, *_LATEX]

CHOICES = {"kind", "severity", "min", "max", "mean", "std", "norm", "data", "loss", "grad_norm"}
"""Fields whose texts are one of a few words: a trace with another word there is refused as a whole."""


def poisoned(data: Any, payload: str) -> Any:
    """The trace with the payload in the place of every text that may say anything."""
    if isinstance(data, dict):
        return {
            key: value if key in CHOICES and key != "data" else poisoned(value, payload) for key, value in data.items()
        }
    if isinstance(data, list):
        return [poisoned(item, payload) for item in data]
    return payload if isinstance(data, str) and data not in ("nan", "inf", "-inf") else data
