"""A packed trace is small, is read as the trace it was, and is refused where it breaks the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import nbautograd as torch
from nbautograd.notebook.display import bundle
from nbautograd.trace import codec
from nbautograd.trace.model import MIME_TYPE, Trace
from nbautograd.trace.packed import FORMAT, pack, unpack

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))
READ_BY_BOTH = sorted(path.stem for path in GOLDEN.glob("packed/*.json"))


def golden(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["trace"]


def chain(ops: int) -> Trace:
    last = w = torch.tensor(0.5, requires_grad=True)
    with torch.trace("a chain") as trace:
        for i in range(ops):
            last = last * w if i % 2 else last + w
        last.backward()
    return trace


@pytest.mark.parametrize("name", NAMES)
def test_what_was_packed_comes_out_as_it_was(name: str) -> None:
    packed = json.loads(codec.one_line(pack(golden(name))))
    assert unpack(packed) == golden(name)
    assert codec.from_dict(packed) == codec.from_dict(golden(name))


@pytest.mark.parametrize("name", READ_BY_BOTH)
def test_the_packed_traces_that_the_front_end_reads_are_packed_as_today(name: str) -> None:
    assert json.loads((GOLDEN / "packed" / f"{name}.json").read_text("utf-8")) == pack(golden(name))


def test_numbers_that_are_equal_and_texts_that_look_like_references_stay_what_they_are() -> None:
    data = {"a": [1, 1.0, True, "#1", "##"], "b": [[1.0, 2, 3], [1, 2, 3], [True, 2, 3]], "c": [["#0", "x", "y"]] * 3}
    back = unpack(json.loads(json.dumps(pack(data))))
    assert json.dumps(back) == json.dumps(data)


def test_a_chain_of_a_thousand_ops_goes_into_a_notebook_whole() -> None:
    trace = chain(1001)
    shown = bundle(trace)[MIME_TYPE]
    assert shown["version"] == FORMAT
    assert len(codec.one_line(shown)) <= 256 * 1024 < len(codec.dumps(trace)) / 4
    assert codec.from_dict(shown) == trace


@pytest.mark.parametrize("kilobytes", [64, 16, 4])
def test_what_is_too_large_even_packed_is_folded_and_says_so(kilobytes: int) -> None:
    shown = bundle(chain(1001), max_payload_kb=kilobytes)[MIME_TYPE]
    assert len(codec.one_line(shown).encode()) <= kilobytes * 1024
    assert any(fold.what == "ops" for fold in codec.from_dict(shown).folds)


def test_a_small_trace_is_not_packed() -> None:
    assert bundle(chain(3))[MIME_TYPE]["version"] == 1


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"shapes": [], "shared": [], "trace": "#0"},
        {"shapes": [], "shared": ["#0"], "trace": "#0"},
        {"shapes": [["a"]], "shared": [], "trace": [0, 1, 2]},
        {"shapes": [["a"]], "shared": [], "trace": [7, 1]},
        {"shapes": 3, "shared": None, "trace": []},
        {"shapes": [], "shared": [], "trace": "#x"},
        {"shapes": [], "shared": [], "trace": [-1]},
    ],
)
def test_what_breaks_the_rules_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a trace"):
        codec.from_dict({"version": FORMAT, **broken})


def test_entries_that_double_one_another_are_refused_and_not_unfolded() -> None:
    doubling = [[-1, 1, 2, 3], *([-1, f"#{i}", f"#{i}", f"#{i}"] for i in range(60))]
    bomb = {"version": FORMAT, "shapes": [["version", "values"]], "shared": doubling, "trace": [0, 1, "#60"]}
    with pytest.raises(ValueError, match="trace"):
        codec.from_dict(bomb)
