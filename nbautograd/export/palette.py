"""The colours of the static picture, light and dark: the same words and hues as in the live view."""

from __future__ import annotations

COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#16191d"),
    "edge": ("#dfe3e8", "#353c45"),
    "ink": ("#1c2128", "#e8ecf1"),
    "muted": ("#59636e", "#9aa6b2"),
    "muted_paper": ("#f6f7f9", "#1f242a"),
    "wire": ("#aab3bd", "#58636f"),
    "node": ("#ffffff", "#20262d"),
    "node_edge": ("#8e99a5", "#71808f"),
    "leaf": ("#eef3f8", "#26323e"),
    "plus": ("#0b7f72", "#3fd0bd"),
    "plus_paper": ("#e3f5f2", "#14302e"),
    "minus": ("#c02670", "#ff79b4"),
    "minus_paper": ("#fdeaf3", "#3a1d2b"),
    "size": ("#4454c4", "#93a1ff"),
    "size_paper": ("#ebedfb", "#232845"),
    "amber": ("#8f5200", "#f4bd55"),
    "amber_paper": ("#fff4dc", "#352a12"),
    "bad": ("#c0202b", "#ff7078"),
    "bad_paper": ("#fdebec", "#3a1d20"),
}


class Pen:
    """Writes paint into SVG: as attributes, which every reader obeys, and as classes for a dark page's style.

    A reader that drops the style (some pages that show notebooks do) still sees the light picture.
    """

    def __init__(self, dark: bool | None) -> None:
        self._adaptive = dark is None
        self._column = 1 if dark else 0
        self._used: set[tuple[str, str]] = set()

    def paint(self, **roles: str) -> str:
        """The attributes for `fill` and `stroke`, each the name of a colour or "none"."""
        attributes = [
            f'{role}="{COLOURS[name][self._column] if name != "none" else name}"' for role, name in roles.items()
        ]
        named = [(role, name) for role, name in roles.items() if name != "none"]
        if not self._adaptive or not named:
            return " ".join(attributes)
        self._used.update(named)
        return " ".join([*attributes, f'class="{" ".join(_class(*pair) for pair in named)}"'])

    def style(self) -> str:
        """What turns everything painted so far dark, where the reader prefers that."""
        rules = [
            f".nbautograd-picture .{_class(role, name)}{{{role}:{COLOURS[name][1]}}}"
            for role, name in sorted(self._used)
        ]
        return f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>" if rules else ""


def _class(role: str, name: str) -> str:
    return f"{role[0]}-{name}"
