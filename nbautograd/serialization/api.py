"""`save` and `load`, and the two functions of the safetensors package."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core.call import wrap
from nbautograd.core.device import gpu_count
from nbautograd.core.tensor import Tensor

from . import container, pickled
from .tree import Packer, Unpacker

_TREE = "nbautograd"
"""The key of the header's text that says what the numbers belong to."""


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors, state dicts, and dicts and lists of them, numbers and texts, into a file.

    `f` is a path or a file open for writing. The file is a safetensors file, see NOTE [Files].

    Raises: TypeError for objects of classes, such as whole modules: save `model.state_dict()`.
    Example:
        >>> import io
        >>> import nbautograd as torch
        >>> file = io.BytesIO()
        >>> torch.save({"epoch": 3, "w": torch.ones(2)}, file)
        >>> _ = file.seek(0)
        >>> torch.load(file)
        {'epoch': 3, 'w': tensor([1., 1.])}
    """
    packer = Packer()
    tree = json.dumps(packer.pack(obj), separators=(",", ":"), ensure_ascii=False)
    with _opened(f, "wb") as file:
        container.write(file, packer.arrays, {_TREE: tree})


DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, RecursionError, StopIteration, TypeError),
    *(BadZipFile, struct.error, zlib.error),
)
"""What reading stumbles over in a file that nobody would have written."""


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` wrote, any .safetensors file, or a state dict that PyTorch saved.

    `map_location` says where tensors go: a device, a dict from one device to another, or a function of (storage,
    location). Nothing in a file is ever run, whatever `weights_only` says.

    Raises: pickle.UnpicklingError for PyTorch's files with objects of classes in them; RuntimeError for tensors of a
        GPU that is not there.
    """
    with _opened(f, "rb") as file:
        file = file if _seekable(file) else io.BytesIO(file.read())
        begin = file.tell()
        start = file.read(9)
        file.seek(begin)
        place = _placing(map_location)
        if start[:2] != b"PK" and not container.looks_like_one(start):
            raise _unknown(start)
        try:
            return pickled.read(file, place) if start[:2] == b"PK" else _loaded(file, begin, place)
        except DAMAGE as error:
            raise UnpicklingError(f"the file is damaged: {type(error).__name__}: {error}") from error


def _loaded(file: Any, begin: int, place: Callable[[Tensor, str], Tensor]) -> Any:
    """The object in a safetensors file: what `save` was given, or a dict of the tensors."""
    entries, texts, numbers = container.read_header(file)
    found = dict(container.read_arrays(file, entries, begin + numbers))
    if _TREE in texts:
        return Unpacker(found, place).unpack(json.loads(texts[_TREE]))
    return {name: place(wrap(arrays.compact(found[name])), "cpu") for name in entries}


def _unknown(start: bytes) -> Exception:
    """The error for a file of no known kind."""
    if not start:
        return EOFError("Ran out of input: the file is empty")
    if start[:1] == b"\x80":
        return UnpicklingError(
            "Weights only load failed: this is a bare pickle, or a file of PyTorch before 1.6, and nbautograd does not "
            "run pickles.\n  hint: in PyTorch, torch.save(torch.load(path), path) writes the newer form, which is read"
        )
    return UnpicklingError(
        f"this is no file of torch.save, nor a .safetensors file: it begins with {start[:8]!r}\n"
        "  hint: np.load reads .npy and .npz, and torch.from_numpy makes tensors of their arrays"
    )


@contextlib.contextmanager
def _opened(f: Any, mode: str) -> Iterator[Any]:
    if isinstance(f, str | os.PathLike):
        if "w" in mode and not os.path.isdir(os.path.dirname(os.fspath(f)) or "."):
            raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(f))} does not exist.")
        with open(f, mode) as file:
            yield file
        return
    method = "write" if "w" in mode else "read"
    if not hasattr(f, method):
        raise AttributeError(f"'{type(f).__name__}' object has no attribute '{method}': give a path or an open file")
    yield f


def _seekable(file: Any) -> bool:
    return hasattr(file, "seekable") and file.seekable()


# --- where tensors go ---------------------------------------------------------------------------------------------


def _placing(map_location: Any) -> Callable[[Tensor, str], Tensor]:
    """The function that brings a tensor from the location in the file to where it belongs."""

    def place(t: Tensor, location: str) -> Tensor:
        where = _target(t, map_location, location)
        if where.type == "cuda" and not gpu_count() and map_location is None:
            raise RuntimeError(
                "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
                "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map "
                "your storages to the CPU."
            )
        return t.to(where)

    return place


def _target(t: Tensor, map_location: Any, location: str) -> arrays.device:
    if map_location is None:
        return arrays.device(location)
    if isinstance(map_location, Mapping):
        named = {str(key): value for key, value in map_location.items()}
        return arrays.device(named.get(location, location))
    if callable(map_location):
        chosen = map_location(t.untyped_storage(), location)
        return arrays.device(location) if chosen is None else arrays.device(getattr(chosen, "device", chosen))
    return arrays.device(map_location)


# --- the safetensors package's functions --------------------------------------------------------------------------


def save_file(tensors: Mapping[str, Tensor], filename: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write a dict of tensors as `safetensors.torch.save_file` does."""
    found = {name: np.asarray(arrays.place(t._data, arrays.CPU)) for name, t in tensors.items()}
    wrong = next((name for name, data in found.items() if data.dtype == np.complex128), None)
    if wrong is not None:
        raise ValueError(f"'{wrong}' is complex128, which safetensors does not have\n  hint: torch.save takes it")
    with _opened(filename, "wb") as file:
        container.write(file, found, metadata or {})


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """Read a dict of tensors as `safetensors.torch.load_file` does."""
    with _opened(filename, "rb") as file:
        entries, _, begin = container.read_header(file)
        found = dict(container.read_arrays(file, entries, begin))
    return {name: wrap(arrays.compact(found[name])).to(device) for name in entries}


# --- torch's list of allowed classes ------------------------------------------------------------------------------


class _Allowed(threading.local):
    def __init__(self) -> None:
        self.names: list[Any] = []


_allowed = _Allowed()


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Remembered only: `load` makes no objects of classes, so there is nothing to allow."""
    _allowed.names += safe_globals


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was given."""
    return list(_allowed.names)


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` was given."""
    _allowed.names.clear()


class safe_globals:  # noqa: N801  (torch's name)
    """`add_safe_globals` for a `with` block."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.names = safe_globals

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self.names)

    def __exit__(self, *exc: object) -> None:
        _allowed.names = self._before
