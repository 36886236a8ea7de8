"""A trace survives the way to JSON and back; what is no trace is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from nbautograd.trace import codec, schema
from nbautograd.trace.model import Cell, Flow, Free, Op, Pass, Scope, Seed, Source, Span, Summary, Trace, Value

NAN, INF = float("nan"), float("inf")


def small_trace() -> Trace:
    number = Summary([], "float32", data=[2.0])
    flow = Flow(0, 1, 0, number, number, number, arrivals=2)
    return Trace(
        Cell("c1", "In [1]", run=2),
        sources=[Source("In [1]", "y = x * x\ny.backward()")],
        values=[
            Value(0, "leaf", [], "float32", requires_grad=True, name="x", data=number, grad=number),
            Value(1, "op", [], "float32", requires_grad=True, op=0, data=number),
        ],
        ops=[Op(0, "mul", "MulBackward0", [0, 0], [1], span=Span(0, 1, 4, 1, 9), scope=0, local=["y", None])],
        scopes=[Scope(0, "step", "for x in xs:", index=0)],
        passes=[Pass(0, "backward", [1], [Seed(1, number), flow, Free([0])])],
    )


def as_json() -> dict[str, Any]:
    return json.loads(codec.dumps(small_trace()))


def test_a_trace_survives_the_way_to_json_and_back() -> None:
    assert codec.loads(codec.dumps(small_trace())) == small_trace()


def test_what_equals_its_default_is_left_out() -> None:
    written = as_json()
    assert "error" not in written
    assert "device" not in written["values"][0]
    assert written["version"] == 1
    assert written["passes"][0]["events"][0]["kind"] == "seed"


def test_not_a_number_and_the_infinities_become_strings() -> None:
    trace = small_trace()
    trace.values[0].data = Summary([3], "float32", data=[NAN, INF, -INF], max=NAN)
    text = codec.dumps(trace)
    data = codec.loads(text).values[0].data
    assert "NaN" not in text
    assert data is not None
    assert data.data == ["nan", "inf", "-inf"]
    assert data.max == "nan"


def test_what_is_written_obeys_the_json_schema() -> None:
    jsonschema.validate(as_json(), schema.json_schema())


def test_the_generated_files_are_up_to_date() -> None:
    hint = "run: python -m nbautograd.trace.schema"
    assert json.loads(schema.JSON_FILE.read_text("utf-8")) == schema.json_schema(), hint
    if schema.TYPESCRIPT_FILE.parent.exists():
        assert schema.TYPESCRIPT_FILE.read_text("utf-8") == schema.typescript(), hint


def test_typescript_says_what_may_be_missing_and_what_may_be_null() -> None:
    text = schema.typescript()
    assert "  grad?: Summary;" in text
    assert "  node: string | null;" in text
    assert "  local?: (string | null)[];" in text
    assert "  events?: (Seed | Flow | Accumulate | Free)[];" in text
    assert "  kind: 'flow';" in text
    assert '/** Default: "cpu". */' in text


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, "not a trace of version 1: version is 2"),
        (["cell"], None, r"trace.cell: expected an object \(Cell\), got None"),
        (["values"], {}, "trace.values: expected a list, got an object of 0 fields"),
        (
            ["values", 0, "kind"],
            "leaves",
            r"trace.values\[0\].kind: expected 'leaf' or 'constant' or 'op', got 'leaves'",
        ),
        (["values", 0, "shape"], [1.5], r"trace.values\[0\].shape\[0\]: expected int, got 1.5"),
        (["values", 0, "shape"], [True], "expected int, got True"),
        (["values", 0, "data", "data"], ["NaN"], 'expected a number, "nan", "inf" or "-inf", got \'NaN\''),
        (["values", 1, "id"], 0, r"trace.values\[1\].id: expected 1, got 0"),
        (["values", 1, "op"], 7, r"trace.values\[1\].op: 7 is not one of 1"),
        (["ops", 0, "inputs"], [0, -1], r"trace.ops\[0\].inputs: -1 is not one of 2"),
        (["ops", 0, "inputs"], [0, 1], "value 1 comes from the later op 0"),
        (["ops", 0, "span", "source"], 3, "a span's source: 3 is not one of 1"),
        (["scopes", 0, "parent"], 0, r"trace.scopes\[0\].parent: 0 comes later"),
        (["passes", 0, "events", 0, "kind"], "sow", "expected 'seed' or 'flow' or 'accumulate' or 'free', got 'sow'"),
        (["passes", 0, "events", 1, "input"], 2, "a flow along input 2 of op 0"),
        (["passes", 0, "events", 1, "target"], 9, "9 is not one of 2"),
    ],
)
def test_malformed_data_is_refused_by_the_name_of_its_field(path: list[str | int], value: object, message: str) -> None:
    data: Any = as_json()
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        codec.from_dict(data)


def test_a_missing_field_is_named() -> None:
    data = as_json()
    del data["ops"][0]["name"]
    with pytest.raises(ValueError, match=r"trace.ops\[0\]: Op without 'name'"):
        codec.from_dict(data)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "3", '{"version": 1}', "[" * 100_000, '{"version": 1, "cell": NaN}']
)
def test_text_that_is_no_trace_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"trace|Expecting value"):
        codec.loads(text)


def test_a_trace_of_endless_size_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_ITEMS", 1_000)
    trace = small_trace()
    trace.values[0].data = Summary([2_000], "float32", data=[0.0] * 2_000)
    with pytest.raises(ValueError, match="a trace of more than 1000 items"):
        codec.from_dict(codec.to_dict(trace))


def test_fields_that_the_schema_does_not_know_are_passed_over() -> None:
    assert codec.from_dict(as_json() | {"__proto__": {"polluted": True}}) == small_trace()
