"""Reading the line of a magic: words, quotes, comments, and the kinds of value that options take."""

from __future__ import annotations

import ast
import re
from argparse import Action, ArgumentTypeError, Namespace
from pathlib import Path

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

SAVED_FORMS = (".svg", ".html", ".json")

_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
_QUOTED = re.compile(r"""(["'])(.*?)\1""")
_CODE = re.compile(r"NB\d(?:xx|\d\d)")


def parse(parser: MagicArgumentParser, line: str) -> Namespace:
    """Read the options of a cell magic's line; what follows a free-standing `#` is a comment."""
    words: list[str] = []
    for word in _WORD.findall(line):
        if word.startswith("#"):
            break
        words.append(_unquote(word))
    return parser.parse_args(words)


def split_off(parser: MagicArgumentParser, line: str) -> tuple[Namespace, str]:
    """Read the options that a line begins with; the rest is code and comes back as it is, `-x * 2` too."""
    words: list[str] = []
    end, values_due = 0, 0
    for match in _WORD.finditer(line):
        word = match.group()
        if values_due:
            values_due -= 1
        elif action := _option(parser, word):
            values_due = int(action.nargs != 0 and "=" not in word)
        else:
            break
        words.append(_unquote(word))
        end = match.end()
    code = line[end:].strip()
    if code.startswith("--") and not _is_expression(code):  # which `--x` may be
        raise UsageError(f"unrecognized arguments: {code.split()[0]}")
    return parser.parse_args(words), code


def _is_expression(code: str) -> bool:
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    return True


def _unquote(word: str) -> str:
    return _QUOTED.sub(r"\2", word)


def _option(parser: MagicArgumentParser, word: str) -> Action | None:
    return parser._option_string_actions.get(word.partition("=")[0])


def names(text: str) -> tuple[str, ...]:
    """`w,b` or `w b` as names."""
    return tuple(text.replace(",", " ").split())


def codes(text: str) -> tuple[str, ...]:
    """Codes of findings: `NB101,NB4xx`, or the words `all` and `none`."""
    if text in ("all", "none"):
        return (text,)
    for code in names(text):
        if not _CODE.fullmatch(code):
            raise ArgumentTypeError(f"{code!r} is no code of a finding; write NB101, NB1xx, all or none")
    return names(text)


def saved_form(text: str) -> Path:
    """A file name whose ending says which form is wanted."""
    path = Path(text)
    if path.suffix not in SAVED_FORMS:
        raise ArgumentTypeError(f"{text!r} should end in {', '.join(SAVED_FORMS[:-1])} or {SAVED_FORMS[-1]}")
    return path


def positive(text: str) -> int:
    """A whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


def variable(text: str) -> str:
    """The name of a variable."""
    if not text.isidentifier():
        raise ArgumentTypeError(f"{text!r} cannot be the name of a variable")
    return text
