"""A trace to JSON and back: what equals its default is left out, what comes in is checked field by field.

A trace may come from a notebook that somebody else saved. So reading follows the schema's own types, stops at a bound,
and ends with a `ValueError` that says where the data is wrong; nothing that passes can send a reader out of range or in
a circle.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal, cast

from nbautograd.trace import model, packed
from nbautograd.trace.model import SCHEMA_VERSION, Op, Summary, Trace, Value

MAX_CHARACTERS = 64 << 20
MAX_ITEMS = 5_000_000
"""How many objects, list elements and dictionary entries a trace may consist of."""
NAN_AND_INFINITIES = ("nan", "inf", "-inf")
COMPLEX = "^[-+.0-9einfa]{1,48}j$"
"""A complex number; the pattern is JavaScript's too."""
ALWAYS = frozenset({"kind", "version"})
"""Fields that are written even when they hold their default: readers choose by them."""

Json = dict[str, Any]
Decoder = Callable[[Any, str, "Budget"], Any]


def dumps(trace: Trace) -> str:
    """The trace as one line of JSON."""
    return one_line(to_dict(trace))


def one_line(data: Json) -> str:
    """One line of JSON."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(text: str | bytes) -> Trace:
    """The trace that `dumps` wrote.

    Raises: ValueError when the text is no trace, or too large for one.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"not a trace: {len(text)} characters are more than {MAX_CHARACTERS}")
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("not a trace: nested too deeply") from None
    return from_dict(data)


def to_dict(trace: Trace) -> Json:
    """The trace as dictionaries, lists and JSON's own scalars; NaN and the infinities become strings."""
    return cast(Json, encode(trace, {}))


def from_dict(data: object) -> Trace:
    """The trace that `to_dict` made, which may have been packed since; see NOTE [Packed].

    Numbers that were NaN or infinite stay the strings "nan", "inf" and "-inf".

    Raises: ValueError that names the field, when the data is not a trace.
    """
    version = cast(Json, data).get("version") if isinstance(data, dict) else None
    if version == packed.FORMAT:
        return from_dict(packed.unpack(cast(Json, data)))
    if version != SCHEMA_VERSION:
        raise ValueError(f"not a trace of version {SCHEMA_VERSION}: version is {_short(version)}")
    trace = cast(Trace, _decoder(Trace)(data, "trace", Budget()))
    _check_references(trace)
    return trace


# --- writing ---


def encode(obj: Any, told: dict[int, Json] | None = None) -> Any:
    """Any part of a trace as JSON's own types; `told` holds the summaries that were met already, which are many."""
    cls = obj.__class__
    if cls is float:
        return obj if math.isfinite(obj) else str(obj)
    if cls is str:
        # Half a surrogate pair is a fine Python string, but no text that a file or a browser takes.
        return obj if obj.isascii() else obj.encode("utf-8", "replace").decode()
    if obj is None or cls is int or cls is bool:
        return obj
    if cls is list:
        return [encode(item, told) for item in obj]
    if cls is dict:
        return {key: encode(item, told) for key, item in obj.items()}
    if cls is Summary and told is not None:
        found = told.get(id(obj))
        if found is None:
            found = told[id(obj)] = _fields(obj, None)
        return found
    return _fields(obj, told)


def _fields(obj: Any, told: dict[int, Json] | None) -> Json:
    out: Json = {}
    for name, default, always in _defaults(obj.__class__):
        value = getattr(obj, name)
        if always or value != default or value.__class__ is not default.__class__:
            out[name] = encode(value, told)
    return out


@cache
def _defaults(cls: type) -> list[tuple[str, Any, bool]]:
    """Each field's name and default, with `MISSING` for a field that has none, and whether it is always written."""
    return [
        (f.name, f.default if f.default_factory is dataclasses.MISSING else f.default_factory(), f.name in ALWAYS)
        for f in dataclasses.fields(cls)
    ]


# --- reading ---


class Budget:
    """Counts down what a trace may hold, so that no input can ask for unbounded work."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_ITEMS

    def take(self, count: int, where: str) -> None:
        self.left -= count
        if self.left < 0:
            raise ValueError(f"{where}: a trace of more than {MAX_ITEMS} items")


def _wrong(where: str, expected: str, value: object) -> ValueError:
    return ValueError(f"{where}: expected {expected}, got {_short(value)}")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return f"an object of {len(cast(Json, value))} fields"
    if isinstance(value, list):
        return f"a list of {len(cast(list[Any], value))}"
    text = repr(value[:40] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + "..."


@cache
def _decoder(hint: Any) -> Decoder:
    """How a value of this type is read: one function per type of the schema, built on first use."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _object(cast(type, hint))
    if hint == model.Number:
        return _number
    if origin is list:
        return _list(args[0])
    if origin is dict:
        return _mapping(args[1])
    if origin is Literal:
        return _choice(args)
    if origin in (typing.Union, types.UnionType):
        return _optional(args) if type(None) in args else _tagged(args)
    return _scalar(hint)


def _scalar(cls: type) -> Decoder:
    def decode(value: Any, where: str, budget: Budget) -> Any:
        if type(value) is not cls:
            raise _wrong(where, cls.__name__, value)
        return value

    return decode


def _number(value: Any, where: str, budget: Budget) -> Any:
    if type(value) in (int, bool) or (type(value) is float and math.isfinite(value)) or value in NAN_AND_INFINITIES:
        return value
    if type(value) is str and re.fullmatch(COMPLEX, value):
        return value
    raise _wrong(where, 'a number, "nan", "inf" or "-inf"', value)


def _choice(options: tuple[str, ...]) -> Decoder:
    def decode(value: Any, where: str, budget: Budget) -> Any:
        if not isinstance(value, str) or value not in options:
            raise _wrong(where, " or ".join(map(repr, options)), value)
        return value

    return decode


def _list(item: Any) -> Decoder:
    decode_item = _decoder(item)

    def decode(value: Any, where: str, budget: Budget) -> Any:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        items = cast(list[Any], value)
        budget.take(len(items), where)
        return [decode_item(each, f"{where}[{i}]", budget) for i, each in enumerate(items)]

    return decode


def _mapping(item: Any) -> Decoder:
    decode_item = _decoder(item)

    def decode(value: Any, where: str, budget: Budget) -> Any:
        if not isinstance(value, dict):
            raise _wrong(where, "an object", value)
        entries = cast(Json, value)
        budget.take(len(entries), where)
        return {str(key): decode_item(each, f"{where}[{_short(key)}]", budget) for key, each in entries.items()}

    return decode


def _optional(args: tuple[Any, ...]) -> Decoder:
    inner = _decoder(typing.Union[tuple(arg for arg in args if arg is not type(None))])  # noqa: UP007

    def decode(value: Any, where: str, budget: Budget) -> Any:
        return None if value is None else inner(value, where, budget)

    return decode


def _tagged(classes: tuple[Any, ...]) -> Decoder:
    """One of several dataclasses, told apart by their `kind`."""
    decoders = {typing.get_args(typing.get_type_hints(cls)["kind"])[0]: _decoder(cls) for cls in classes}

    def decode(value: Any, where: str, budget: Budget) -> Any:
        kind = cast(Json, value).get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in decoders:
            raise _wrong(f"{where}.kind", " or ".join(map(repr, decoders)), kind)
        return decoders[kind](value, where, budget)

    return decode


def _object(cls: type) -> Decoder:
    hints = typing.get_type_hints(cls)
    decoders = {name: _decoder(hint) for name, hint in hints.items()}
    required = [name for name, default, _ in _defaults(cls) if default is dataclasses.MISSING]

    def decode(value: Any, where: str, budget: Budget) -> Any:
        if not isinstance(value, dict):
            raise _wrong(where, f"an object ({cls.__name__})", value)
        given = cast(Json, value)
        for name in required:
            if name not in given:
                raise ValueError(f"{where}: {cls.__name__} without {name!r}")
        budget.take(len(given), where)
        return cls(
            **{
                name: decoders[name](item, f"{where}.{name}", budget)
                for name, item in given.items()
                if name in decoders
            }
        )

    return decode


# --- references ---


def _check_references(trace: Trace) -> None:
    """Every id is a position that exists, and no op reads what a later op puts out: the graph has no circle."""
    for name in ("values", "ops", "scopes", "passes"):
        for position, item in enumerate(cast(list[Any], getattr(trace, name))):
            if item.id != position:
                raise ValueError(f"trace.{name}[{position}].id: expected {position}, got {item.id}")
    _check_events(trace)
    for where, ids, count in _references(trace):
        for i in ids:
            if i is not None and not 0 <= i < count:
                raise ValueError(f"{where}: {i} is not one of {count}")
    for op in trace.ops:
        for i in op.inputs:
            maker = trace.values[i].op
            if maker is not None and maker >= op.id:
                raise ValueError(f"trace.ops[{op.id}].inputs: value {i} comes from the later op {maker}")
    for scope in trace.scopes:
        if scope.parent is not None and scope.parent >= scope.id:
            raise ValueError(f"trace.scopes[{scope.id}].parent: {scope.parent} comes later")


def _check_events(trace: Trace) -> None:
    for run in trace.passes:
        for event in run.events:
            if event.kind == "flow" and not (
                0 <= event.op < len(trace.ops) and 0 <= event.input < len(trace.ops[event.op].inputs)
            ):
                raise ValueError(f"trace.passes[{run.id}]: a flow along input {event.input} of op {event.op}")


def _references(trace: Trace) -> Iterator[tuple[str, list[int | None] | list[int], int]]:
    values, ops, scopes = len(trace.values), len(trace.ops), len(trace.scopes)
    spanned: list[Any] = [*trace.ops, *trace.scopes, *trace.passes, *trace.updates, *trace.findings]
    yield "a span's source", [item.span.source for item in spanned if item.span], len(trace.sources)
    yield "trace.updates.cleared", [u.cleared.source for u in trace.updates if u.cleared], len(trace.sources)
    for op in trace.ops:
        yield from _of_op(op, values, scopes)
    for value in trace.values:
        yield from _of_value(value, values, ops)
    yield "trace.scopes.parent", [scope.parent for scope in trace.scopes], scopes
    yield "trace.ledgers.value", [ledger.value for ledger in trace.ledgers], values
    yield "trace.updates.value", [update.value for update in trace.updates], values
    for finding in trace.findings:
        yield f"finding {finding.code}.values", finding.values, values
        yield f"finding {finding.code}.ops", finding.ops, ops
    for run in trace.passes:
        yield f"trace.passes[{run.id}].roots", run.roots, values
        for event in run.events:
            if event.kind == "free":
                yield f"trace.passes[{run.id}].ops", event.ops, ops
            else:
                yield f"trace.passes[{run.id}].value", [event.target if event.kind == "flow" else event.value], values


def _of_op(op: Op, values: int, scopes: int) -> Iterator[tuple[str, list[int | None] | list[int], int]]:
    yield f"trace.ops[{op.id}].inputs", op.inputs, values
    yield f"trace.ops[{op.id}].outputs", op.outputs, values
    yield f"trace.ops[{op.id}].scope", [op.scope], scopes


def _of_value(value: Value, values: int, ops: int) -> Iterator[tuple[str, list[int | None] | list[int], int]]:
    yield f"trace.values[{value.id}].op", [value.op], ops
    yield f"trace.values[{value.id}].base", [value.base], values
