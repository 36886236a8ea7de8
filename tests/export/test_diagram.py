"""Diagram and layout in Python: what the golden files say, from traces made anew."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from nbautograd.export.graph.diagram import diagram, layout_input
from nbautograd.export.graph.format import brief, number
from nbautograd.export.graph.layout import layout
from nbautograd.export.graph.shapes import Box, Edge
from nbautograd.trace import codec
from nbautograd.trace.model import Summary

from . import traces


def same(got: Any, golden: Any) -> bool:
    """Whether two traces are equal but for the last digits, in which processors differ."""
    if isinstance(golden, float) and isinstance(got, float):
        return got == golden or math.isclose(got, golden, rel_tol=1e-4, abs_tol=1e-6)
    if isinstance(golden, list) and isinstance(got, list):
        return len(got) == len(golden) and all(map(same, got, golden))
    if isinstance(golden, dict) and isinstance(got, dict):
        return got.keys() == golden.keys() and all(same(got[key], golden[key]) for key in golden)
    return got == golden


@pytest.mark.parametrize("name", traces.GOLDEN)
def test_the_golden_file_is_up_to_date(name: str) -> None:
    make, foldings = traces.GOLDEN[name]
    golden = json.loads((traces.GOLDEN_FILES / f"{name}.json").read_text("utf-8"))
    trace = codec.from_dict(golden["trace"])
    assert same(codec.to_dict(make()), golden["trace"]), "run: python -m tests.export.traces"
    assert [traces.draw(trace, folding) for folding in foldings] == golden["pictures"]


def test_a_chain_of_10_000_folds_into_few_boxes() -> None:
    picture = diagram(traces.chain(10_000))
    assert len(picture.nodes) < 100
    assert picture.hidden > 9_000


def test_a_stack_of_modules_is_folded_where_it_would_be_long() -> None:
    assert not diagram(traces.residual_mlp(4)).collapsed
    picture = diagram(traces.residual_mlp(8))
    assert sum(node.kind == "group" for node in picture.nodes) == 8


def test_a_chain_of_10_000_is_placed_without_recursion() -> None:
    boxes = [Box(str(i), 80, 40) for i in range(10_000)]
    edges = [Edge(str(i), str(i + 1), 0) for i in range(9_999)]
    assert len(layout(boxes, edges).boxes) == 10_000


def test_an_edge_against_the_tape_is_refused() -> None:
    with pytest.raises(ValueError, match="does not follow tape order"):
        layout([Box("a", 1, 1), Box("b", 1, 1)], [Edge("b", "a", 0)])


def test_a_shared_leaf_gets_chips() -> None:
    boxes, edges = layout_input(diagram(traces.rnn(), "none"))
    chips = [box.key for box in layout(boxes, edges).boxes if box.chip_of == "v1"]
    assert len(chips) == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-3.0, "-3"),
        (10.0, "10"),
        (1 / 3, "0.3333"),
        (1.0625, "1.063"),
        (-1.0625, "-1.063"),
        (123456.7, "123500"),
        (99999.6, "100000"),
        (1e6, "1e6"),
        (1125000.0, "1.13e6"),
        (9.999e9, "1e10"),
        (-1.5e-7, "-1.5e-7"),
        (1e-30, "1e-30"),
        (True, "true"),
        ("nan", "nan"),
        (math.inf, "inf"),
        (None, "–"),
    ],
)
def test_a_number_is_written_as_the_front_end_writes_it(value: float | str | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Summary([], "float32", data=[2.5]), "2.5"),
        (Summary([2, 2], "float32", data=[1, 2, 3, 4]), "[[1, 2], [3, 4]]"),
        (Summary([3], "float32", data=[1234.5, 2345.6, 3456.7]), "[1235, 2346, 3457]"),
        (Summary([9], "float32", data=[0.123] * 9), "(9,)"),
        (Summary([64, 10], "float32"), "(64, 10)"),
        (Summary([0], "float32", data=[]), "[]"),
        (None, "None"),
    ],
)
def test_a_tensor_is_whole_where_it_fits_and_else_its_shape(tensor: Summary | None, text: str) -> None:
    assert brief(tensor) == text
