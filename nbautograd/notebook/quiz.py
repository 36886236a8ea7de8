"""Quizzes in the form that teachers already write: a list of `{q, choices, answer, explain}`.

With a kernel, widgets ask and answer. In a saved notebook, plain HTML holds the answers folded away. And anywhere,
`quiz(questions, "ba")` marks the answers b and a.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, TypedDict, cast

LESSONS = Path(__file__).parent / "quizzes.json"
FIELDS: dict[str, type] = {"q": str, "choices": list, "answer": int, "explain": str}


class Question(TypedDict):
    """A question, what to choose from, the position of the right choice (from 0), and why it is right."""

    q: str
    choices: list[str]
    answer: int
    explain: str


def quiz(questions: str | Sequence[Question], answers: str | None = None) -> None:
    """Ask the questions of a quiz, or mark `answers` to them: `quiz("01")` is a lesson's, others come as JSON text.

    Raises: ValueError that says which question, or answer, is not as it should be.

    Example:
        >>> import nbautograd as nb
        >>> questions = '[{"q": "d(x³)/dx at 2?", "choices": ["8", "12"], "answer": 1, "explain": "3·2² = 12."}]'
        >>> nb.quiz(questions)
        1. d(x³)/dx at 2?
           a) 8
           b) 12
        >>> nb.quiz(questions, "b")
        1. b is right. 3·2² = 12.
    """
    asked = read(questions)
    if answers is not None:
        print(_marked(asked, answers))
        return
    from IPython import get_ipython
    from IPython.display import display

    forms = {"text/plain": _text(asked), "text/html": _html(asked)}
    if get_ipython() is None:
        print(forms["text/plain"])
    else:
        display({**_widget(asked)._repr_mimebundle_(), **forms}, raw=True)


def read(questions: str | Sequence[Question]) -> list[Question]:
    """The questions of a lesson's quiz, of JSON text, or of the list that it holds, each looked at."""
    items = _loaded(questions) if isinstance(questions, str) else list(questions)
    if not isinstance(items, list):
        raise ValueError("A quiz is a list of questions: [{…}, {…}]")
    for number, item in enumerate(items, 1):
        if fault := _fault(item):
            raise ValueError(f"Question {number}: {fault}")
    return cast(list[Question], items)


def _loaded(text: str) -> Any:
    lessons = json.loads(LESSONS.read_text(encoding="utf-8"))
    try:
        return lessons[text] if text in lessons else json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no lesson's quiz ({', '.join(lessons)}), and no valid JSON: {error}") from None


def _fault(item: Any) -> str | None:
    if not isinstance(item, dict):
        return "is no object with q, choices, answer and explain"
    for field, kind in FIELDS.items():
        if not isinstance(item.get(field), kind):
            return f"{field!r} should be {kind.__name__}, not {item.get(field)!r}"
    if not all(isinstance(choice, str) for choice in item["choices"]):
        return "'choices' should be texts"
    if not 0 <= item["answer"] < len(item["choices"]):
        return f"'answer' should be the position of a choice, 0 to {len(item['choices']) - 1}, not {item['answer']}"
    return None


def _marked(questions: list[Question], answers: str) -> str:
    given = [letter for letter in answers.casefold() if letter.isalpha()]
    if len(given) != len(questions):
        raise ValueError(f'{len(questions)} answers are wanted, such as quiz(…, "{"b" * len(questions)}")')
    lines: list[str] = []
    for number, (item, letter) in enumerate(zip(questions, given, strict=True), 1):
        right = letter == _letter(item["answer"])
        lines.append(f"{number}. {letter} is right. {item['explain']}" if right else f"{number}. {letter}: not yet.")
    return "\n".join(lines)


def _letter(position: int) -> str:
    return chr(ord("a") + position)


def _text(questions: list[Question]) -> str:
    lines: list[str] = []
    for number, item in enumerate(questions, 1):
        lines.append(f"{number}. {item['q']}")
        lines += [f"   {_letter(i)}) {choice}" for i, choice in enumerate(item["choices"])]
    return "\n".join(lines)


def _html(questions: list[Question]) -> str:
    """A list that folds its answers away without any script."""
    items: list[str] = []
    for item in questions:
        choices = "".join(f"<li>{escape(choice)}</li>" for choice in item["choices"])
        answer = f"{_letter(item['answer'])}: {escape(item['explain'])}"
        items.append(
            f'<li>{escape(item["q"])}<ol type="a">{choices}</ol>'
            f"<details><summary>Answer</summary>{answer}</details></li>"
        )
    return f"<ol>{''.join(items)}</ol>"


def _widget(questions: list[Question]) -> Any:
    import ipywidgets

    return ipywidgets.VBox([_ask(number, item) for number, item in enumerate(questions, 1)])


def _ask(number: int, item: Question) -> Any:
    """One question; the verdict comes with the choice."""
    import ipywidgets

    def answered(change: Any) -> None:
        right = change["new"] == item["answer"]
        verdict.value = f"<b>Right.</b> {escape(item['explain'])}" if right else "<b>Not yet.</b> Try another one."

    question = ipywidgets.HTML(f"<b>{number}.</b> {escape(item['q'])}")
    options = [(f"{_letter(i)}) {choice}", i) for i, choice in enumerate(item["choices"])]
    choices = ipywidgets.RadioButtons(options=options, value=None, layout={"width": "max-content"})
    verdict = ipywidgets.HTML()
    choices.observe(answered, "value")
    return ipywidgets.VBox([question, choices, verdict])
