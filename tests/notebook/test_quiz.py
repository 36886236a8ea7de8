"""Quizzes: read, shown in three forms, answered by widget and in code."""

import json

import pytest

from nbautograd.notebook import quiz as quizzes
from nbautograd.notebook.quiz import quiz

QUESTIONS = [
    {"q": "Is 1 < 2?", "choices": ["yes", "<b>no</b>"], "answer": 0, "explain": "1 & 2"},
    {"q": "d(x²)/dx at 3?", "choices": ["3", "6", "9"], "answer": 1, "explain": "2 · 3"},
]


def test_json_text_and_a_list_are_the_same_quiz():
    assert quizzes.read(json.dumps(QUESTIONS)) == quizzes.read(QUESTIONS)


def test_the_quizzes_of_the_lessons_are_as_they_should_be():
    for name in json.loads(quizzes.LESSONS.read_text(encoding="utf-8")):
        assert len(quizzes.read(name)) >= 3


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("[{", "no valid JSON"),
        ('{"q": "?"}', "list of questions"),
        (["?"], "Question 1: is no object"),
        ([{**QUESTIONS[0], "explain": None}], "Question 1: 'explain' should be str, not None"),
        (
            [QUESTIONS[1], {**QUESTIONS[1], "answer": 3}],
            "Question 2: 'answer' should be the position of a choice",
        ),
        ([{**QUESTIONS[0], "choices": [1, 2]}], "'choices' should be texts"),
    ],
)
def test_a_broken_quiz_says_which_question_and_what(broken, says):
    with pytest.raises(ValueError, match=says):
        quizzes.read(broken)


def test_the_text_asks_and_gives_nothing_away(capsys):
    quiz(QUESTIONS)
    text = capsys.readouterr().out
    assert "2. d(x²)/dx at 3?\n   a) 3\n   b) 6" in text
    assert "2 · 3" not in text


def test_answers_in_code_are_marked_and_explained(capsys):
    quiz(QUESTIONS, "1a 2c")
    assert capsys.readouterr().out.splitlines() == ["1. a is right. 1 & 2", "2. c: not yet."]


def test_too_few_answers_are_refused():
    with pytest.raises(ValueError, match="2 answers are wanted"):
        quiz(QUESTIONS, "a")


def test_the_html_folds_answers_away_and_takes_texts_as_text():
    html = quizzes._html(quizzes.read(QUESTIONS))
    assert "<details><summary>Answer</summary>a: 1 &amp; 2</details>" in html
    assert "&lt;b&gt;no&lt;/b&gt;" in html
    assert "<script" not in html
    assert " id=" not in html


def test_the_widget_says_whether_the_choice_is_right():
    _question, choices, verdict = quizzes._ask(1, quizzes.read(QUESTIONS)[1]).children
    choices.value = 0
    assert "Not yet" in verdict.value
    choices.value = 1
    assert verdict.value == "<b>Right.</b> 2 · 3"
