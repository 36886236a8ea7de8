"""The safetensors format: a length, a JSON header with names, dtypes, shapes and places, then the numbers."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nbautograd.core import dtype as dtypes

CODES = {
    "F64": dtypes.float64, "F32": dtypes.float32, "F16": dtypes.float16, "BF16": dtypes.bfloat16,
    "I64": dtypes.int64, "I32": dtypes.int32, "I16": dtypes.int16, "I8": dtypes.int8,
    "U64": dtypes.uint64, "U32": dtypes.uint32, "U16": dtypes.uint16, "U8": dtypes.uint8,
    "BOOL": dtypes.bool, "C64": dtypes.complex64,
}  # fmt: skip
_CODE_OF = {d: code for code, d in CODES.items()}
_LENGTH = struct.Struct("<Q")
_METADATA = "__metadata__"


class Entry(NamedTuple):
    """Where one tensor lies in a file."""

    dtype: dtypes.dtype
    shape: tuple[int, ...]
    start: int
    end: int


def write(file: Any, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Put the arrays, by name, and texts, by key, into `file`."""
    header: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    end = 0
    for name, data in arrays.items():
        start, end = end, end + data.nbytes
        code = _CODE_OF[dtypes.of_numpy(data.dtype)]
        header[name] = {"dtype": code, "shape": list(data.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(_LENGTH.pack(len(text)) + text)
    for data in arrays.values():
        file.write(np.ascontiguousarray(data).reshape(-1).view(np.uint8).data)


def looks_like_one(start: bytes) -> bool:
    """Whether a file that starts so is a safetensors file."""
    return len(start) > 8 and start[8:9] == b"{" and _LENGTH.unpack(start[:8])[0] < 2**40


def read_header(file: Any) -> tuple[dict[str, Entry], dict[str, str], int]:
    """The entries, the texts, and where the numbers begin.

    Raises: ValueError for a file whose header is damaged.
    """
    start = file.read(8)
    if not looks_like_one(start + b"{"):
        raise ValueError("Error while deserializing header: header too small or too large")
    length = _LENGTH.unpack(start)[0]
    if length > size_from_here(file):
        raise ValueError("Error while deserializing header: the file ends inside it")
    text = file.read(length)
    try:
        header = json.loads(text)
        metadata = header.pop(_METADATA, {})
        return {name: _entry(name, fields) for name, fields in header.items()}, metadata, 8 + length
    except (AttributeError, KeyError, RecursionError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"Error while deserializing header: {error}") from None


def size_from_here(file: Any) -> int:
    """How many bytes of `file` are still to be read."""
    here = file.tell()
    size = file.seek(0, 2) - here
    file.seek(here)
    return size


def _entry(name: str, fields: Any) -> Entry:
    code, shape, (start, end) = fields["dtype"], tuple(fields["shape"]), fields["data_offsets"]
    if code not in CODES:
        raise ValueError(f"'{name}' holds {code}, which is no dtype of nbautograd")
    if any(type(n) is not int or n < 0 for n in (*shape, start, end)):
        raise ValueError(f"Error while deserializing header: '{name}' has negative sizes or places")
    count = 1
    for n in shape:
        count *= n
    if end - start != count * CODES[code].itemsize:
        raise ValueError(f"Error while deserializing header: '{name}' has another length than its shape {shape} says")
    return Entry(CODES[code], shape, start, end)


def read_arrays(file: Any, entries: Mapping[str, Entry], begin: int) -> Iterator[tuple[str, Any]]:
    """The arrays, in the order in which they lie in the file.

    Raises: ValueError when the file ends too early.
    """
    file.seek(begin)
    size = size_from_here(file)
    for name, entry in sorted(entries.items(), key=lambda item: item[1].start):
        if entry.end > size:  # before memory is asked for
            raise ValueError(f"the file ends inside '{name}': it was cut off")
        data = np.empty(entry.shape, entry.dtype.numpy)
        file.seek(begin + entry.start)
        if _fill(file, data.reshape(-1).view(np.uint8).data) < data.nbytes:
            raise ValueError(f"the file ends inside '{name}': it was cut off")
        yield name, data


def _fill(file: Any, memory: memoryview) -> int:
    """Read into `memory` until it is full or the file ends; the number of bytes read."""
    done = 0
    while done < len(memory):
        if hasattr(file, "readinto"):
            count = file.readinto(memory[done:])
        else:
            held = file.read(len(memory) - done)
            count = len(held)
            memory[done : done + count] = held
        if not count:
            break
        done += count
    return done
