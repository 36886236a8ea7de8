"""torch.save and torch.load: plain data goes round, PyTorch's and safetensors' files are read, no code ever runs."""

from __future__ import annotations

import io
import json
import os
import pathlib
import pickle
import struct
import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import nbautograd as nb


def round_trip(obj: Any, **options: Any) -> Any:
    file = io.BytesIO()
    nb.save(obj, file)
    file.seek(0)
    return nb.load(file, **options)


def same(a: Any, b: Any) -> bool:
    """Whether two objects have the same types, numbers, dtypes and order."""
    if isinstance(a, nb.Tensor):
        return type(a) is type(b) and a.dtype is b.dtype and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


PLAIN = [
    3,
    -(2**80),
    2.5,
    1.0,
    float("inf"),
    float("nan"),
    "text ü",
    None,
    True,
    2j,
    b"bytes",
    [1, [2.0, ("x", None)]],
    (1, 2),
    {1, 2},
    {"a": 1, 2: "b", (1, 2): None, None: 3.5},
    OrderedDict(b=1, a=2),
    nb.Size([2, 3]),
    nb.float16,
    nb.device("cuda:1"),
    np.float32(0.1),
    np.int64(7),
    np.arange(6).reshape(2, 3),
    np.array([1 + 2j]),
]


@pytest.mark.parametrize("obj", PLAIN, ids=repr)
def test_plain_data_comes_back_as_it_was(obj: Any):
    assert same(obj, round_trip(obj))


@pytest.mark.parametrize("dtype", [d for d in nb.core.dtype.ALL if d is not nb.bfloat16], ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 3), (2, 3)], ids=str)
def test_tensors_of_every_dtype_and_shape_come_back(dtype: Any, shape: tuple[int, ...]):
    x = nb.from_numpy(np.arange(6).astype(dtype.numpy)[: max(int(np.prod(shape)), 0)].reshape(shape))
    assert same(x, round_trip(x))


def test_bfloat16_comes_back():
    pytest.importorskip("ml_dtypes")
    x = nb.tensor([1.5, -2.0], dtype=nb.bfloat16)
    assert same(x, round_trip(x))


def test_tensors_that_are_views_or_need_gradients_come_back():
    w = nb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    found = round_trip({"leaf": w, "computed": w.T * 2, "part": w.detach()[:, 1]})
    assert found["leaf"].requires_grad
    assert found["computed"].is_leaf
    assert found["computed"].requires_grad
    assert found["computed"].tolist() == [[2, 6], [4, 8]]
    assert found["part"].tolist() == [2, 4]


def test_one_tensor_in_two_places_is_written_once_and_stays_one():
    x = nb.rand(100)
    file = io.BytesIO()
    nb.save({"a": x, "b": [x]}, file)
    assert len(file.getvalue()) < 2 * x.nbytes
    file.seek(0)
    found = nb.load(file)
    assert found["a"] is found["b"][0]


def test_a_checkpoint_of_model_and_optimizer_goes_on_where_it_was(tmp_path: pathlib.Path):
    def made() -> Any:
        nb.manual_seed(0)
        model = nb.nn.Sequential(nb.nn.Linear(3, 4), nb.nn.BatchNorm1d(4), nb.nn.Linear(4, 1))
        return model, nb.optim.Adam(model.parameters(), lr=0.1)

    def step(model: Any, optimizer: Any) -> float:
        optimizer.zero_grad()
        loss = (model(nb.arange(12.0).view(4, 3)) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    model, optimizer = made()
    step(model, optimizer)
    path = tmp_path / "checkpoint.pt"
    nb.save({"epoch": 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    expected = [step(model, optimizer) for _ in range(3)]

    model, optimizer = made()
    checkpoint = nb.load(str(path), weights_only=True)
    assert str(model.load_state_dict(checkpoint["model"])) == "<All keys matched successfully>"
    optimizer.load_state_dict(checkpoint["optimizer"])
    assert checkpoint["epoch"] == 1
    assert [step(model, optimizer) for _ in range(3)] == expected


def test_a_whole_module_is_refused_with_what_to_save_instead():
    net = nb.nn.Linear(1, 1)
    with pytest.raises(TypeError, match=r"(?s)Linear.*hint: torch.save\(net.state_dict\(\), path\)"):
        nb.save(net, io.BytesIO())
    with pytest.raises(TypeError, match=r"(?s)at 'model'.*hint: put net.state_dict\(\) in its place"):
        nb.save({"model": net}, io.BytesIO())
    with pytest.raises(TypeError, match=r"hint: torch.save\(linear.state_dict\(\), path\)"):
        nb.save(nb.nn.Linear(1, 1), io.BytesIO())
    with pytest.raises(TypeError, match=r"at 'a\.0'"):
        nb.save({"a": [object()]}, io.BytesIO())
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="contains itself"):
        nb.save(circle, io.BytesIO())


def test_a_file_in_no_known_form_is_refused(tmp_path: pathlib.Path):
    for held in (pickle.dumps([1]), b"hello world", b"\x93NUMPY"):
        with pytest.raises(pickle.UnpicklingError, match="hint"):
            nb.load(io.BytesIO(held))
    with pytest.raises(EOFError):
        nb.load(io.BytesIO(b""))
    with pytest.raises(FileNotFoundError):
        nb.load(tmp_path / "nothing.pt")
    with pytest.raises(RuntimeError, match="Parent directory"):
        nb.save(1, tmp_path / "nowhere" / "x.pt")


def container(header: Any, numbers: bytes = b"") -> io.BytesIO:
    text = json.dumps(header).encode()
    return io.BytesIO(struct.pack("<Q", len(text)) + text + numbers)


@pytest.mark.parametrize(
    "header",
    [
        {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"x": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}},
        {"x": {"shape": [1], "data_offsets": [0, 4]}},
        {"x": 3},
        [1],
        {"__metadata__": {"nbautograd": '{"module": "os"}'}},
    ],
)
def test_a_damaged_safetensors_file_is_refused(header: Any):
    with pytest.raises((ValueError, pickle.UnpicklingError)):
        nb.load(container(header, b"\0" * 4))


def test_map_location_takes_all_of_torchs_forms():
    x = nb.ones(2)
    for where in ("cpu", nb.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage, lambda s, loc: None):
        assert round_trip(x, map_location=where).device == nb.device("cpu")
    if not nb.cuda.is_available():
        with pytest.raises(AssertionError, match="not compiled with CUDA"):
            round_trip(x, map_location="cuda")


def test_a_file_object_is_read_from_where_it_stands():
    file = io.BytesIO()
    for x in (nb.ones(1), nb.zeros(2)):
        nb.save(x, file)
    end = io.BytesIO()
    nb.save(nb.ones(1), end)
    file.seek(len(end.getvalue()))
    assert nb.load(file).tolist() == [0, 0]


def test_safetensors_files_have_the_names_of_the_state_dict(tmp_path: pathlib.Path):
    model = nb.nn.Linear(2, 1)
    nb.save(model.state_dict(), tmp_path / "a.pt")
    nb.serialization.save_file(model.state_dict(), tmp_path / "b.safetensors", {"format": "pt"})
    for path in (tmp_path / "a.pt", tmp_path / "b.safetensors"):
        found = nb.serialization.load_file(path)
        assert sorted(found) == ["bias", "weight"]
        assert nb.equal(found["weight"], model.weight)
    assert same(nb.load(tmp_path / "b.safetensors"), nb.serialization.load_file(tmp_path / "a.pt"))


def test_safe_globals_are_accepted():
    with nb.serialization.safe_globals([OrderedDict]):
        assert nb.serialization.get_safe_globals() == [OrderedDict]
    assert nb.serialization.get_safe_globals() == []


# --- PyTorch's own files ------------------------------------------------------------------------------------------


def from_torch(obj: Any, **options: Any) -> Any:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return file


def test_pytorchs_state_dicts_are_read():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    found = nb.load(from_torch({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}))
    ours = nb.nn.Sequential(nb.nn.Linear(2, 3), nb.nn.BatchNorm1d(3))
    ours.load_state_dict(found["model"])
    nb.optim.AdamW(ours.parameters()).load_state_dict(found["optimizer"])
    for name, value in model.state_dict().items():
        assert np.array_equal(value.numpy(), ours.state_dict()[name].numpy())


def test_pytorchs_tensors_of_every_kind_are_read():
    torch = pytest.importorskip("torch")
    base = torch.arange(6.0)
    saved = {
        "transposed": base.view(2, 3).T,
        "part": base[1:5:2],
        "empty": torch.zeros(0, 3),
        "0-d": torch.tensor(3),
        "complex": torch.ones(2, dtype=torch.complex64),
        "bool": torch.tensor([True, False]),
        "half": torch.ones(2).half(),
        "conjugated": torch.tensor([1 + 2j]).conj(),
        "unsigned": torch.tensor([1, 2]).to(torch.uint16),
        "leaf": torch.ones(1, requires_grad=True),
    }
    found = nb.load(from_torch([saved, torch.nn.Parameter(base), torch.float64, torch.Size([1]), {1, 2}, (None, 2.5)]))
    for name, value in saved.items():
        assert np.array_equal(value.detach().resolve_conj().numpy(), found[0][name].detach().numpy()), name
        assert str(value.dtype) == str(found[0][name].dtype)
    assert found[0]["leaf"].requires_grad
    assert isinstance(found[1], nb.nn.Parameter)
    assert found[2:] == [nb.float64, nb.Size([1]), {1, 2}, (None, 2.5)]


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("/nonexistent/never",)


@pytest.mark.parametrize("obj", [Evil(), {"a": [Evil()]}, pathlib.PurePath("x"), OrderedDict], ids=str)
def test_nothing_in_a_file_is_called(obj: Any):
    with pytest.raises(pickle.UnpicklingError, match="hint"):
        nb.load(from_torch(obj))


def test_a_module_of_pytorch_is_refused_by_name():
    torch = pytest.importorskip("torch")
    with pytest.raises(pickle.UnpicklingError, match=r"(?s)Linear is not allowed.*state_dict"):
        nb.load(from_torch(torch.nn.Linear(1, 1)))
    with pytest.raises(pickle.UnpicklingError, match="bare pickle"):
        nb.load(from_torch({"a": torch.ones(1)}, _use_new_zipfile_serialization=False))


def program(*opcodes: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02" + b"".join(opcodes))
        archive.writestr("x/data/0", b"\0" * 8)
    file.seek(0)
    return file


STORAGE = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x02tQ"


OUTSIDE = [
    (b"K\x01", b"K\x02", b"K\x01"),
    (b"K\0", b"K\x03", b"K\x01"),
    (b"J\xff\xff\xff\xff", b"K\x01", b"K\x01"),
    (b"K\0", b"K\x02", b"J\xff\xff\xff\xff"),
    (b"K\0", b"K\x02", b"K\x7f"),
]


@pytest.mark.parametrize(("offset", "size", "stride"), OUTSIDE)
def test_a_tensor_outside_its_block_is_refused(offset: bytes, size: bytes, stride: bytes):
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n"
    held = program(rebuild, b"(", STORAGE, offset, size, b"\x85", stride, b"\x85", b"\x89", b"}", b"t", b"R", b".")
    with pytest.raises(pickle.UnpicklingError, match="outside its block"):
        nb.load(held)


@pytest.mark.parametrize(
    "opcodes",
    [
        (b"cos\nsystem\n", b"X\x02\0\0\0id", b"\x85", b"R", b"."),
        (b"ccollections\nOrderedDict\n", b"}X\x01\0\0\0aK\x01s", b"b", b"."),
        (b"ccollections\nOrderedDict\n)R", b"}X\x09\0\0\0__class__K\x01s", b"b", b"."),
        (b"(cos\nsystem\nX\x02\0\0\0ido.",),
        (b"(X\x02\0\0\0idios\nsystem\n.",),
        (b"K\x01K\x02K\x03s.",),
    ],
)
def test_other_programs_are_refused(opcodes: tuple[bytes, ...]):
    with pytest.raises(pickle.UnpicklingError):
        nb.load(program(*opcodes))


def test_files_that_give_little_at_a_time_are_read_whole():
    file = io.BytesIO()
    nb.save({"x": nb.arange(100.0), "empty": nb.zeros(0)}, file)

    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.held = io.BytesIO(file.getvalue())

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, *where: int) -> int:
            return self.held.seek(*where)

        def tell(self) -> int:
            return self.held.tell()

        def read(self, size: int = -1) -> bytes:
            return self.held.read(size)

        def readinto(self, memory: Any) -> int:
            return self.held.readinto(memory[:7])

    class OnlyRead:
        def __init__(self) -> None:
            self.read = io.BytesIO(file.getvalue()).read

    for source in (Slow(), OnlyRead()):
        assert nb.load(source)["x"].tolist() == list(range(100))
    with pytest.raises(ValueError, match="it was cut off"):
        nb.load(io.BytesIO(file.getvalue()[:-3]))


@pytest.mark.skipif(nb.cuda.is_available(), reason="there is a GPU")
def test_tensors_of_a_gpu_that_is_not_there_need_map_location():
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n"
    storage = STORAGE.replace(b"\x03\0\0\0cpu", b"\x06\0\0\0cuda:0")
    opcodes = (rebuild, b"(", storage, b"K\0", b"K\x02", b"\x85", b"K\x01", b"\x85", b"\x89", b"}", b"t", b"R", b".")
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        nb.load(program(*opcodes))
    for where in ("cpu", nb.device("cpu"), {"cuda:0": "cpu"}, lambda kept, location: kept):
        assert nb.load(program(*opcodes), map_location=where).tolist() == [0, 0]
