"""What a seed program did, as text: all it printed, warned and raised.

`python tests/seeds/outcome.py` writes the texts stored beside the programs anew, from the installed torch.
"""

import contextlib
import importlib
import io
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType
from unittest import mock

PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.py"))


def outcome(program: Path, library: ModuleType) -> str:
    """Run the program with `library` as its torch."""
    printed, raised = io.StringIO(), None
    with (
        mock.patch.dict(sys.modules, torch=library),
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            exec(compile(program.read_text(), program, "exec"), {"__name__": "__main__"})
        except Exception as error:
            raised = error
    told = [f"warns {w.category.__name__}: {key_words(w.message)}\n" for w in caught]
    ended = [f"raises {type(raised).__name__}: {key_words(raised)}\n"] if raised else []
    return "".join([printed.getvalue(), *told, *ended])


def key_words(message: object) -> str:
    """The first sentence, the one people search for; what follows is advice, and each library gives its own."""
    return re.split(r"\.\s|\.?\n|\.$", str(message), maxsplit=1)[0]


def stored(program: Path) -> Path:
    return program.with_suffix(".txt")


if __name__ == "__main__":
    torch = importlib.import_module("torch")
    for program in PROGRAMS:
        stored(program).write_text(outcome(program, torch))
