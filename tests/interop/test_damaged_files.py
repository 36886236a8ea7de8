"""Files that were damaged, or made to harm: nothing in them runs, and what cannot be read is refused in plain words.

`NBAUTOGRAD_FLIPS` says how many single bits are turned over in each kind of file.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import sys
import zipfile
from collections import OrderedDict
from typing import Any

import pytest

import nbautograd as nb

FLIPS = int(os.environ.get("NBAUTOGRAD_FLIPS", "400"))
REFUSALS = (pickle.UnpicklingError, ValueError, RuntimeError, EOFError)
HARM = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.", "shutil.", "os.mkdir", "os.remove")

_watching = False
_ran: list[str] = []


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _watching and event.startswith(HARM):
        _ran.append(event)


sys.addaudithook(_audit)


def attempt(held: bytes) -> bool:
    """Read a file; whether it could be read. Nothing in it may run, and a refusal says something."""
    global _watching
    said = None
    _ran.clear()
    _watching = True
    try:
        nb.load(io.BytesIO(held))
    except REFUSALS as error:
        said = str(error)
    finally:
        _watching = False
    assert not _ran
    assert said is None or len(said) > 10
    return said is None


def ours() -> bytes:
    file = io.BytesIO()
    net = nb.nn.Linear(3, 2)
    nb.save({"model": net.state_dict(), "more": [(1, 2.5), {"a"}, b"bytes", 1j, float("nan"), nb.float32]}, file)
    return file.getvalue()


def pytorchs(compression: int = zipfile.ZIP_STORED) -> bytes:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({"model": torch.nn.Linear(3, 2).state_dict(), "more": [1, "text", (2.5, None)]}, file)
    packed = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return packed.getvalue()


FILES = {"ours": ours, "PyTorch's": pytorchs, "PyTorch's, packed": lambda: pytorchs(zipfile.ZIP_DEFLATED)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_a_file_with_a_flipped_bit_is_read_or_refused(make: Any) -> None:
    good, chance = make(), random.Random(0)
    assert attempt(good)
    read = 0
    for _ in range(FLIPS):
        held = bytearray(good)
        held[chance.randrange(len(held))] ^= 1 << chance.randrange(8)
        read += attempt(bytes(held))
    assert read < FLIPS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_a_file_that_was_cut_off_is_refused(make: Any) -> None:
    good = make()
    for length in range(0, len(good), max(1, len(good) // 60)):
        assert not attempt(good[:length]), length


def container(header: Any, numbers: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def tree(text: str) -> bytes:
    return container({"__metadata__": {"nbautograd": text}})


HARMFUL = {
    "a header longer than the file": container(b"{}", length=2**39),
    "a tensor of a petabyte": container({"x": {"dtype": "F64", "shape": [2**47], "data_offsets": [0, 2**50]}}),
    "a header nested deeply": container(b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "a tree nested deeply": tree("[" * 200_000 + "]" * 200_000),
    "a tree of tuples nested deeply": tree('{"tuple":[' * 50_000 + "]}" * 50_000),
    "a name that is not there": tree('{"tensor":{"name":"x"}}'),
    "a dtype that is not there": tree('{"dtype":"object"}'),
    "a scalar of objects": tree('{"scalar":["O",1]}'),
    "a method of the reader": tree('{"_numbers__":1}'),
    "facts of the wrong kind": tree('{"tensor":7}'),
    "bytes that are none": tree('{"bytes":"%%%"}'),
}


@pytest.mark.parametrize("held", HARMFUL.values(), ids=HARMFUL)
def test_a_container_made_to_harm_is_refused(held: bytes) -> None:
    assert not attempt(held)


def program(*opcodes: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02" + b"".join(opcodes))
        archive.writestr("x/data/0", b"\0" * 8)
    return file.getvalue()


def tensor(size: bytes, stride: bytes) -> bytes:
    """A pickled tensor of one dimension over a block of two numbers."""
    block = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ"
    rest = b"K\x00" + size + b"\x85" + stride + b"\x85\x89ccollections\nOrderedDict\n)RtR."
    return program(b"ctorch._utils\n_rebuild_tensor_v2\n(" + block + rest)


PICKLES = {
    "a call": program(b"cos\nsystem\n(X\x04\x00\x00\x00truetR."),
    "a call by its instance": program(b"(X\x04\x00\x00\x00trueios\nsystem\n."),
    "an import by name": program(b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93X\x04\x00\x00\x00true\x85R."),
    "a new object": program(b"cos\nsystem\n)\x81."),
    "attributes": program(b"}X\x01\x00\x00\x00ab."),
    "an extension": program(b"\x82\x01."),
    "nesting": program(b"]" * 100_000, b"a" * 99_999, b"."),
    "a tensor outside its block": tensor(b"K\x05", b"K\x01"),
    "a tensor far larger than its block": tensor(b"\x8a\x06\xff\xff\xff\xff\xff\x00", b"K\x00"),
    "no mark": program(b"t."),
    "an empty stack": program(b"."),
    "no end": program(b"N"),
}


@pytest.mark.parametrize("held", [held for name, held in PICKLES.items() if name != "nesting"])
def test_a_pickle_made_to_harm_is_refused(held: bytes) -> None:
    assert not attempt(held)


def test_plain_data_nested_deeply_and_a_list_in_itself_are_data() -> None:
    assert attempt(PICKLES["nesting"])
    assert attempt(program(b"]q\x00h\x00a."))


def test_a_tensor_in_a_small_program_is_read() -> None:
    found = nb.load(io.BytesIO(tensor(b"K\x02", b"K\x01")))
    assert found.tolist() == [0.0, 0.0]
    assert nb.load(io.BytesIO(tensor(b"K\x05", b"K\x00"))).shape == (5,)
    assert isinstance(nb.load(io.BytesIO(program(b"ccollections\nOrderedDict\n)R."))), OrderedDict)


def test_npz_files_are_named_and_numpys_reader_runs_no_pickles() -> None:
    numpy = pytest.importorskip("numpy")
    file = io.BytesIO()
    numpy.savez(file, x=numpy.ones(3))
    assert not attempt(file.getvalue())
