"""The pictures of the first lesson."""

from xml.etree import ElementTree

import pytest

import nbautograd as torch
from nbautograd.notebook.figures import errors, slope


def test_the_slope_is_autograds_and_the_secant_is_the_steps():
    figure = slope(torch.sin, 0.0, h=0.5)
    assert figure.sentence == "At x = 0 the slope is 1; over a step of 0.5 it looks like 0.958851."


@pytest.mark.parametrize("figure", [slope(lambda x: x**2, -2.75), errors(lambda x: x**3, 2.0, marked=1e-8)])
def test_a_figure_is_a_picture_and_a_sentence_without_ids(figure):
    bundle = figure._repr_mimebundle_()
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    assert root.find("{http://www.w3.org/2000/svg}title").text == bundle["text/plain"]
    assert not [element for element in root.iter() if {"id", "name"} & set(element.keys())]


def test_a_straight_line_and_a_constant_can_be_drawn():
    assert slope(lambda x: 2 * x, 1.0).sentence == "At x = 1 the slope is 2."
    assert slope(lambda x: 0 * x + 5, 1.0).sentence == "At x = 1 the slope is 0."


def test_the_error_is_least_where_rounding_and_truncation_meet():
    assert "least wrong near h = 1e-08" in errors(lambda x: x**3, 2.0).sentence
