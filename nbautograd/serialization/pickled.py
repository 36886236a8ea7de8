"""PyTorch's own .pt files, read without running what is in them.

NOTE [Pickles]
A pickle is a program for a small stack machine, and Python's reader lets it call any function. This one knows only the
opcodes that build numbers, texts and containers. What a file wants to call stays a mere name, unless `BUILDERS` has
it: then a function of this module makes a tensor, a shape, a dict. Everything else is refused by its name.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.call import wrap
from nbautograd.core.tensor import Tensor
from nbautograd.nn.parameter import Parameter


class Name(NamedTuple):
    """What a file calls a function or class; nothing is looked up."""

    module: str
    name: str


class Storage(NamedTuple):
    """A block of numbers of the file, as one row."""

    data: Any
    location: str


_STORAGES = {f"{d.tensor_type}Storage": d for d in dtypes.ALL}
_DTYPES = {d.name: d for d in dtypes.ALL}
_MARK = object()
_PLAIN = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
_ROOM = 10**8
"""So many elements may a tensor have that repeats the numbers of a smaller block, as `expand` does."""


def read(file: Any, place: Callable[[Tensor, str], Tensor]) -> Any:
    """What PyTorch saved into the zip archive `file`; `place(tensor, location)` brings tensors where they belong.

    Raises: pickle.UnpicklingError for a file that would make anything but tensors and plain data.
    """
    with zipfile.ZipFile(file) as archive:
        if any(info.flag_bits & 1 or info.compress_type not in _PLAIN for info in archive.infolist()):
            raise UnpicklingError("the file is damaged: it says that it is encrypted, or packed in an unknown way")
        names = archive.namelist()
        program = next((name for name in names if name == "data.pkl" or name.endswith("/data.pkl")), None)
        if program is None:
            raise UnpicklingError("this zip archive is no file of torch.save: there is no data.pkl in it")
        root = program.removesuffix("data.pkl")
        if f"{root}constants.pkl" in names:
            raise UnpicklingError(
                "this is a TorchScript program, which nbautograd does not run\n"
                "  hint: in PyTorch, torch.save(torch.jit.load(path).state_dict(), …)"
            )
        return _Machine(archive, root, place).run(archive.read(program))


class _Machine:
    """The stack machine of a pickle, as far as tensors and plain data need it."""

    def __init__(self, archive: zipfile.ZipFile, root: str, place: Callable[[Tensor, str], Tensor]) -> None:
        self.archive, self.root, self.place = archive, root, place
        order = f"{root}byteorder"
        self.swapped = order in archive.namelist() and archive.read(order).strip() == b"big"
        self.storages: dict[str, Storage] = {}
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, program: bytes) -> Any:
        try:
            result = self.stepwise(program)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise UnpicklingError(f"the file is damaged: {error}") from None
        _check_plain(result)
        return result

    def stepwise(self, program: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name == "STOP":
                return self.stack.pop()
            step = _STEPS.get(opcode.name)
            if step is None:
                raise UnpicklingError(f"Weights only load failed: it has the pickle opcode {opcode.name}. {_WHY}")
            step(self, argument)
        raise UnpicklingError("the file ends too early")

    def since_mark(self) -> list[Any]:
        start = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[start + 1 :]
        del self.stack[start:]
        return items

    def global_(self, name: Name) -> None:
        if name.module == "__builtin__":
            name = Name("builtins", name.name)
        self.stack.append(_DTYPES.get(name.name, name) if name.module == "torch" else name)

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        build = BUILDERS.get(function) if isinstance(function, Name) else None
        if build is None:
            raise _unsupported(function)
        self.stack.append(build(self, *arguments))

    def build(self) -> None:
        """Give an object its attributes: of a state dict the versions of the modules, of nothing else anything."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], OrderedDict) and isinstance(state, dict) and set(state) <= {"_metadata"}:
            vars(self.stack[-1]).update(state)
        else:
            raise UnpicklingError(f"Weights only load failed: it sets attributes of {type(self.stack[-1])}. {_WHY}")

    def persistent(self) -> None:
        """A block of numbers, which lies in a file of its own in the archive."""
        kind, storage_type, key, location, count = self.stack.pop()
        if kind != "storage" or not isinstance(storage_type, Name):
            raise UnpicklingError(f"Weights only load failed: a block of the unknown kind {kind!r}")
        if key not in self.storages:
            name = storage_type.name
            dtype = dtypes.uint8 if name == "UntypedStorage" else _STORAGES.get(name)
            if dtype is None:
                raise UnpicklingError(f"{name} holds a dtype that nbautograd does not have")
            data = np.frombuffer(self.archive.read(f"{self.root}data/{key}"), dtype.numpy)
            if len(data) < count:
                raise UnpicklingError(f"block {key} is too short: the file was cut off")
            self.storages[key] = Storage(data.byteswap() if self.swapped else data, location)
        self.stack.append(self.storages[key])


_WHY = (
    "nbautograd makes tensors and plain data of a file, and calls nothing in it.\n"
    "  hint: in PyTorch, save the state dict: torch.save(model.state_dict(), path)"
)


def _unsupported(what: Any) -> UnpicklingError:
    name = ".".join(what) if isinstance(what, Name) else repr(type(what))
    return UnpicklingError(f"Weights only load failed. Unsupported global: GLOBAL {name} is not allowed. {_WHY}")


def _check_plain(obj: Any) -> None:
    """Refuse names of functions and classes that stand in the result for themselves."""
    seen: set[int] = set()
    found: list[Any] = [obj]
    while found:
        obj = found.pop()
        if isinstance(obj, Name | Storage):
            raise _unsupported(obj)
        if isinstance(obj, dict | list | tuple | set) and id(obj) not in seen:  # a list may contain itself
            seen.add(id(obj))
            found.extend([*obj, *obj.values()] if isinstance(obj, dict) else obj)


def _tensor(
    machine: _Machine, storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool, *more: Any
) -> Tensor:
    """The part of a block that a tensor shows, in memory of its own."""
    data = storage.data
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and (min(offset, *size, *stride, 0) < 0 or last >= len(data)):
        raise UnpicklingError("Weights only load failed: a tensor lies outside its block of numbers")
    if math.prod(size) > max(len(data), _ROOM):
        raise UnpicklingError("Weights only load failed: a tensor is far larger than its block of numbers")
    start = data[offset:] if 0 not in size else data[:0]
    steps = tuple(step * data.itemsize for step in stride)
    numbers = np.lib.stride_tricks.as_strided(start, tuple(size), steps).copy()
    marks = more[1] if len(more) > 1 and more[1] else {}
    numbers = numbers.conj() if marks.get("conj") else numbers  # PyTorch conjugates when somebody looks
    numbers = -numbers if marks.get("neg") else numbers
    t = machine.place(wrap(arrays.compact(numbers)), storage.location)
    return t.requires_grad_() if requires_grad else t


def _typed(machine: _Machine, storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any,
           dtype: Any, *more: Any) -> Tensor:  # fmt: skip
    """As `_tensor`, of a block of bytes."""
    typed = Storage(
        storage.data[: len(storage.data) // dtype.itemsize * dtype.itemsize].view(dtype.numpy), storage.location
    )
    return _tensor(machine, typed, offset, size, stride, requires_grad)


def _parameter(machine: _Machine, data: Any, requires_grad: bool, *more: Any) -> Tensor:
    return Parameter(data.detach(), requires_grad)


def _encoded(machine: _Machine, text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise UnpicklingError(f"Weights only load failed: text in the encoding {encoding!r}")
    return text.encode("latin1")


BUILDERS: dict[Name, Callable[..., Any]] = {
    Name("torch._utils", "_rebuild_tensor"): lambda machine, *known: _tensor(machine, *known, False),
    Name("torch._utils", "_rebuild_tensor_v2"): _tensor,
    Name("torch._utils", "_rebuild_tensor_v3"): _typed,
    Name("torch._utils", "_rebuild_parameter"): _parameter,
    Name("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    Name("collections", "OrderedDict"): lambda machine, pairs=(): OrderedDict(pairs),
    Name("torch", "Size"): lambda machine, items=(): arrays.Size(items),
    Name("torch", "device"): lambda machine, *kind: arrays.device(*kind),
    Name("builtins", "set"): lambda machine, items=(): set(items),
    Name("builtins", "complex"): lambda machine, *parts: complex(*parts),
    Name("builtins", "bytearray"): lambda machine, held=b"": bytearray(held),
    Name("_codecs", "encode"): _encoded,
}
"""All that a file can have made, by the names that PyTorch writes."""


def _push(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, argument: machine.stack.append(make())


def _literal(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


def _pack(count: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, argument: Any) -> None:
        items = tuple(machine.stack[-count:])
        del machine.stack[-count:]
        machine.stack.append(items)

    return step


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict):
        raise UnpicklingError(f"Weights only load failed: it puts items into {type(target)}. {_WHY}")
    target.update(zip(items[::2], items[1::2], strict=True))


def _append(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list | set):
        raise UnpicklingError(f"Weights only load failed: it appends to {type(target)}. {_WHY}")
    target.update(items) if isinstance(target, set) else target.extend(items)


def _pair(machine: _Machine, argument: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set_items(machine, [key, value])


def _stack_global(machine: _Machine, argument: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.global_(Name(module, name))


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, argument: None),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
         "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        _literal,
    ),
    "NONE": _push(lambda: None),
    "NEWTRUE": _push(lambda: True),
    "NEWFALSE": _push(lambda: False),
    "MARK": _push(lambda: _MARK),
    "EMPTY_DICT": _push(dict),
    "EMPTY_LIST": _push(list),
    "EMPTY_TUPLE": _push(tuple),
    "EMPTY_SET": _push(set),
    "TUPLE": lambda machine, argument: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": _pack(1),
    "TUPLE2": _pack(2),
    "TUPLE3": _pack(3),
    "APPEND": lambda machine, argument: _append(machine, [machine.stack.pop()]),
    "APPENDS": lambda machine, argument: _append(machine, machine.since_mark()),
    "ADDITEMS": lambda machine, argument: _append(machine, machine.since_mark()),
    "SETITEM": _pair,
    "SETITEMS": lambda machine, argument: _set_items(machine, machine.since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda machine, slot: machine.memo.update({slot: machine.stack[-1]})),
    "MEMOIZE": lambda machine, argument: machine.memo.update({len(machine.memo): machine.stack[-1]}),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, slot: machine.stack.append(machine.memo[slot])),
    "GLOBAL": lambda machine, argument: machine.global_(Name(*argument.split(" "))),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda machine, argument: machine.reduce(),
    "NEWOBJ": lambda machine, argument: machine.reduce(),
    "BUILD": lambda machine, argument: machine.build(),
    "BINPERSID": lambda machine, argument: machine.persistent(),
}  # fmt: skip
