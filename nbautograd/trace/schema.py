"""The schema for others: JSON schema and TypeScript types, written by `python -m nbautograd.trace.schema`.

Both are made from the dataclasses: their docstrings, and the strings under their fields, become descriptions and doc
comments.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import json
import textwrap
import types
import typing
from pathlib import Path
from typing import Any, Literal, cast

from nbautograd.trace import model
from nbautograd.trace.codec import ALWAYS, COMPLEX, NAN_AND_INFINITIES
from nbautograd.trace.model import MIME_TYPE, SCHEMA_VERSION, Number, Trace

HERE = Path(__file__).parent
JSON_FILE = HERE / "schema.json"
TYPESCRIPT_FILE = HERE.parents[1] / "labextension" / "src" / "graph" / "schema.ts"
SCALARS = {
    str: ("string", "string"),
    int: ("integer", "number"),
    float: ("number", "number"),
    bool: ("boolean", "boolean"),
}
"""Per Python type, its name in JSON schema and in TypeScript."""


def classes() -> list[type]:
    """The schema's dataclasses, in the order in which they are written."""
    return [cls for cls in vars(model).values() if dataclasses.is_dataclass(cls) and isinstance(cls, type)]


def field_docs(cls: type) -> dict[str, str]:
    """The string under each field of a class."""
    body = cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]).body
    docs: dict[str, str] = {}
    for field, after in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            docs[cast(ast.Name, field.target).id] = inspect.cleandoc(str(after.value.value))
    return docs


def default_of(field: dataclasses.Field[Any]) -> Any:
    """The field's default as it stands when the field is left out; `MISSING` where it may not be."""
    if field.name in ALWAYS:
        return dataclasses.MISSING
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    origin = typing.get_origin(hint)
    return (typing.Union if origin is types.UnionType else origin), typing.get_args(hint)


# --- JSON schema ---


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a trace."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": MIME_TYPE,
        "$ref": f"#/$defs/{Trace.__name__}",
        "$defs": {cls.__name__: _json_class(cls) for cls in classes()},
    }


def _json_class(cls: type) -> dict[str, Any]:
    docs, hints = field_docs(cls), typing.get_type_hints(cls)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in dataclasses.fields(cls):
        default = default_of(field)
        properties[field.name] = _json_type(hints[field.name])
        if field.name in docs:
            properties[field.name]["description"] = docs[field.name]
        if default is dataclasses.MISSING:
            required.append(field.name)
        else:
            properties[field.name]["default"] = default
    if cls is Trace:
        properties["version"] = {"const": SCHEMA_VERSION}
    return {"description": inspect.getdoc(cls), "type": "object", "properties": properties, "required": required}


def _json_type(hint: Any) -> dict[str, Any]:
    origin, args = _parts(hint)
    if hint == Number:
        texts = [{"enum": list(NAN_AND_INFINITIES)}, {"type": "string", "pattern": COMPLEX}]
        return {"anyOf": [{"type": ["number", "boolean"]}, *texts]}
    if dataclasses.is_dataclass(hint):
        return {"$ref": f"#/$defs/{cast(type, hint).__name__}"}
    if origin is list:
        return {"type": "array", "items": _json_type(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _json_type(args[1])}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is typing.Union:
        number = [Number] if set(typing.get_args(Number)) <= set(args) else []
        rest = [arg for arg in args if not (number and arg in typing.get_args(Number))]
        return {"anyOf": [_json_type(arg) for arg in [*number, *rest]]}
    return {"type": "null" if hint is type(None) else SCALARS[hint][0]}


# --- TypeScript ---


def typescript() -> str:
    """The same as TypeScript interfaces; a field with a default is optional, because the codec leaves defaults out."""
    blocks = [
        "// The trace as the front end reads it. Written by `python -m nbautograd.trace.schema`; do not edit.",
        f"export const SCHEMA_VERSION = {SCHEMA_VERSION};\nexport const MIME_TYPE = {json.dumps(MIME_TYPE)};",
        "/** A number as JSON can hold it. */\n"
        "export type Num = number | boolean | 'nan' | 'inf' | '-inf' | `${string}j`;",
        *map(_ts_class, classes()),
    ]
    return "\n\n".join(blocks) + "\n"


def _ts_class(cls: type) -> str:
    docs, hints = field_docs(cls), typing.get_type_hints(cls)
    lines = [_ts_comment(inspect.getdoc(cls) or "", ""), f"export interface {cls.__name__} {{"]
    for field in dataclasses.fields(cls):
        default = default_of(field)
        optional = default is not dataclasses.MISSING
        doc = docs.get(field.name, "")
        if optional and default not in (None, [], {}, False, 0):
            doc = f"{doc} Default: {json.dumps(default)}.".strip()
        if doc:
            lines.append(_ts_comment(doc, "  "))
        # The codec leaves None out where it is the default.
        kind = _ts_type(hints[field.name]).removesuffix(" | null" if optional else "")
        lines.append(f"  {field.name}{'?' if optional else ''}: {kind};")
    return "\n".join([*lines, "}"])


def _ts_comment(text: str, indent: str) -> str:
    body = " ".join(text.split()).replace("*/", "* /")
    if len(indent + body) <= 110:
        return f"{indent}/** {body} */"
    wrapped = textwrap.wrap(body, 110 - len(indent))
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}" for line in wrapped), f"{indent} */"])


def _ts_type(hint: Any) -> str:
    origin, args = _parts(hint)
    if dataclasses.is_dataclass(hint):
        return cast(type, hint).__name__
    if origin is list:
        item = _ts_type(args[0])
        return f"({item})[]" if " | " in item else f"{item}[]"
    if origin is dict:
        return f"Record<string, {_ts_type(args[1])}>"
    if origin is Literal:
        return " | ".join(f"'{arg}'" for arg in args)
    if hint == Number:
        return "Num"
    if origin is typing.Union:
        if set(typing.get_args(Number)) <= set(args):
            args = (Number, *(arg for arg in args if arg not in typing.get_args(Number)))
        return " | ".join(map(_ts_type, args))
    return "null" if hint is type(None) else SCALARS[hint][1]


def main() -> None:
    """Write both files."""
    JSON_FILE.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    TYPESCRIPT_FILE.write_text(typescript(), encoding="utf-8")


if __name__ == "__main__":
    main()
