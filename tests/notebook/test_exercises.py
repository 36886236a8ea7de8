"""Checked answers, hints and predictions, outside a notebook."""

import json

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.notebook import exercises


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet():
    exercises._wrong.clear()


@pytest.mark.parametrize("answer", [6, 6.0, 6.00001, "six", nb.tensor(6.0), nb.tensor([6.0], requires_grad=True)])
def test_a_number_is_right_in_every_form_but_words(answer, capsys):
    nb.check("01.1", answer)
    assert capsys.readouterr().out.startswith("Not yet" if answer == "six" else "Right. The slope of x² is 2x")


def test_each_new_wrong_answer_earns_the_next_of_three_hints(capsys):
    for answer in (1, 2, 3, 4):
        nb.check("01.1", answer)
    levels = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert levels == [f"Not yet. Hint {level} of 3" for level in (1, 2, 3, 3)]


def test_the_same_wrong_answer_again_earns_no_further_hint(capsys):
    nb.check("01.1", 1)
    nb.check("01.1", nb.tensor(1.0))
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def test_a_hint_can_be_had_without_an_answer(capsys):
    nb.hint("01.1")
    nb.hint("01.1")
    assert [line[:11] for line in capsys.readouterr().out.splitlines()] == ["Hint 1 of 3", "Hint 2 of 3"]


@pytest.mark.parametrize("answer", [..., [..., ..., ..., ...], [True, ..., True, False]])
def test_dots_are_no_answer_and_cost_no_hint(answer, capsys):
    nb.check("02.1", answer)
    assert "waits for you" in capsys.readouterr().out
    assert not exercises._wrong


def test_a_list_has_to_have_the_right_length(capsys):
    nb.check("02.4", [2 / 3, 4 / 3])
    nb.check("02.4", nb.tensor([2 / 3, 4 / 3, 2.0]))
    assert [line[:5] for line in capsys.readouterr().out.splitlines()] == ["Not y", "Right"]


def test_an_unknown_exercise_names_those_of_its_lesson():
    with pytest.raises(KeyError, match=r"no exercise '01.9'; there are 01.1, 01.2"):
        nb.check("01.9", 1)


def test_every_exercise_has_three_hints_and_its_own_answer_is_right(capsys):
    for name, entry in json.loads(exercises.LESSONS.read_text(encoding="utf-8")).items():
        assert len(entry["hints"]) == 3
        nb.check(name, entry["answer"])
        assert capsys.readouterr().out == f"Right. {entry['explain']}\n"


def test_a_prediction_stands_beside_what_came_out(capsys):
    nb.reveal(6, nb.tensor(6.0))
    nb.reveal([1, 2], np.array([1.0, 3.0]))
    nb.reveal(..., 3.0)
    nb.reveal("an error", None)
    same, other, none, words = capsys.readouterr().out.splitlines()
    assert same == "You predicted 6, and so it is."
    assert other.startswith("You predicted [1, 2], and it is [1.0, 3.0].")
    assert none.startswith("It is 3.")
    assert words.startswith("You predicted an error, and it is None.")
