"""Exercises of the course: checked answers with three hints, and predictions to compare.

All of it works in plain code, offline and without widgets. The answers lie in `lessons.json`: a key, not a lock.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np

LESSONS = Path(__file__).parent / "lessons.json"
TOLERANCE = 1e-4
"""Relative, and absolute near zero."""
NOT_ANSWERED = ...
"""What stands where a learner's answer goes."""


class Exercise(TypedDict):
    """One entry of the answer key."""

    answer: Any
    tolerance: NotRequired[float]
    hints: list[str]
    explain: str


_wrong: defaultdict[str, list[Any]] = defaultdict(list)
"""The different wrong answers to each exercise; each earns one more hint, a repeated one does not."""


def check(exercise: str, answer: Any = NOT_ANSWERED) -> None:
    """Say whether an answer to an exercise is right; if it is not, give the next of three hints.

    Raises: KeyError when there is no such exercise.

    Example:
        >>> import nbautograd as nb
        >>> nb.check("01.1", 9)
        Not yet. Hint 1 of 3: the rule for powers says that the slope of x² is 2x.
        >>> nb.check("01.1", 6.0)
        Right. The slope of x² is 2x, and at x = 3 that is 6.
    """
    entry = _exercise(exercise)
    given = _plain(answer)
    if _is_open(given):
        _say(f"Exercise {exercise} waits for you: write your answer in place of the dots and run the cell again.")
    elif _agree(given, entry["answer"], entry.get("tolerance", TOLERANCE)):
        _say(f"**Right.** {entry['explain']}")
    else:
        _say(f"**Not yet.** {_next_hint(exercise, given)}")


def hint(exercise: str) -> None:
    """Give the next of an exercise's three hints.

    Raises: KeyError when there is no such exercise.
    """
    _say(_next_hint(exercise, object()))


def reveal(prediction: Any, truth: Any) -> None:
    """Set what you predicted beside what came out.

    Example:
        >>> import nbautograd as nb
        >>> nb.reveal(6, nb.tensor(12.0))
        You predicted 6, and it is 12. Good: something to find out.
    """
    given, came_out = _plain(prediction), _plain(truth)
    if _is_open(given):
        print(f"It is {_in_words(came_out)}. Put a guess in place of the dots first: being wrong teaches most.")
    elif _agree(given, came_out, TOLERANCE):
        print(f"You predicted {_in_words(given)}, and so it is.")
    else:
        print(f"You predicted {_in_words(given)}, and it is {_in_words(came_out)}. Good: something to find out.")


def _next_hint(exercise: str, wrong: Any) -> str:
    hints = _exercise(exercise)["hints"]
    tried = _wrong[exercise]
    if wrong not in tried:
        tried.append(wrong)
    level = min(len(tried), len(hints))
    return f"Hint {level} of {len(hints)}: {hints[level - 1]}"


def _is_open(answer: Any) -> bool:
    return answer is NOT_ANSWERED or (isinstance(answer, list) and NOT_ANSWERED in answer)


@cache
def _key() -> dict[str, Exercise]:
    return json.loads(LESSONS.read_text(encoding="utf-8"))


def _exercise(name: str) -> Exercise:
    try:
        return _key()[name]
    except KeyError:
        siblings = [other for other in _key() if other.partition(".")[0] == name.partition(".")[0]]
        known = ", ".join(siblings or _key())
        raise KeyError(f"There is no exercise {name!r}; there are {known}.") from None


def _plain(answer: Any) -> Any:
    """Tensors and arrays as numbers and lists."""
    return answer.tolist() if hasattr(answer, "tolist") else answer


def _agree(given: Any, wanted: Any, tolerance: float) -> bool:
    if isinstance(wanted, str):
        return isinstance(given, str) and given.strip().casefold() == wanted.casefold()
    if wanted is None or isinstance(wanted, bool):
        return given is wanted
    try:
        a, b = np.asarray(given, float), np.asarray(wanted, float)
    except (TypeError, ValueError):
        return False
    return (a.shape == b.shape or a.size == b.size == 1) and np.allclose(a, b, tolerance, tolerance, equal_nan=True)


def _in_words(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _say(text: str) -> None:
    """Show a sentence of ours: as Markdown where there is a notebook, else as text."""
    from IPython import get_ipython
    from IPython.display import display

    plain = text.replace("**", "")
    if get_ipython() is None:
        print(plain)
    else:
        display({"text/markdown": text, "text/plain": plain}, raw=True)
