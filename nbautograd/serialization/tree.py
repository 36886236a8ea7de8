"""Plain data as JSON with the tensors taken out: lists, dicts, numbers, texts, and what torch adds to them."""

from __future__ import annotations

import base64
import math
from collections import OrderedDict
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import errors
from nbautograd.core.call import wrap
from nbautograd.core.tensor import Tensor
from nbautograd.nn.parameter import Parameter, is_lazy


class Packer:
    """Takes an object apart: `pack` returns its JSON form, and `arrays` gathers the numbers by name."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._inside: list[int] = []

    def pack(self, obj: Any, path: str = "") -> Any:
        """The JSON form of `obj`; `path` says where in the whole it stands.

        Raises: TypeError for what is no plain data, with what to save instead.
        """
        if obj is None or isinstance(obj, bool | str) or type(obj) is int:
            return obj
        if type(obj) is float:
            return obj if math.isfinite(obj) else {"float": repr(obj)}
        if isinstance(obj, Tensor):
            return {"tensor": self._tensor(obj, path)}
        if isinstance(obj, list | tuple | dict | set | frozenset):
            return self._container(obj, path)
        return self._other(obj, path)

    def _tensor(self, t: Tensor, path: str) -> dict[str, Any]:
        if is_lazy(t):
            raise TypeError(f"'{path}' has no shape yet\n  hint: run the model once before saving it")
        known: dict[str, Any] = {"name": self._place(t, np.asarray(arrays.place(t._data, arrays.CPU)), path)}
        facts = {
            "requires_grad": t.requires_grad,
            "parameter": isinstance(t, Parameter),
            "complex": t._data.dtype == np.complex128,
        }
        if t.is_cuda:
            known["device"] = str(t.device)
        return known | {fact: True for fact, holds in facts.items() if holds}

    def _place(self, owner: Any, data: Any, path: str) -> str:
        """The name of the numbers of `owner`: the same one if it was met before."""
        if id(owner) in self._names:
            return self._names[id(owner)]
        name, again = path or "value", 2
        while name in self.arrays:
            name, again = f"{path}#{again}", again + 1
        if data.dtype == np.complex128:  # safetensors has no such dtype: pairs of numbers
            data = np.ascontiguousarray(data.reshape(*data.shape, 1)).view(np.float64)
        self.arrays[name] = data
        self._names[id(owner)] = name
        self._kept.append(owner)  # so that no other object gets its id
        return name

    def _container(self, obj: Any, path: str) -> Any:
        if id(obj) in self._inside:
            raise ValueError(f"'{path}' contains itself, which cannot be saved")
        self._inside.append(id(obj))
        try:
            return self._mapping(obj, path) if isinstance(obj, dict) else self._sequence(obj, path)
        finally:
            self._inside.pop()

    def _sequence(self, obj: Any, path: str) -> Any:
        if isinstance(obj, arrays.Size):
            return {"size": list(obj)}
        items = [self.pack(item, f"{path}.{i}" if path else str(i)) for i, item in enumerate(obj)]
        kind = next(kind for kind in (list, tuple, set, frozenset) if isinstance(obj, kind))
        return items if kind is list else {kind.__name__: items}

    def _mapping(self, obj: dict[Any, Any], path: str) -> Any:
        pairs = [[self.pack(k), self.pack(v, f"{path}.{k}" if path else str(k))] for k, v in obj.items()]
        if not isinstance(obj, OrderedDict):
            return {"dict": pairs}
        metadata = getattr(obj, "_metadata", None)
        return {"ordered": pairs} if metadata is None else {"ordered": pairs, "metadata": self.pack(dict(metadata))}

    def _other(self, obj: Any, path: str) -> Any:
        if isinstance(obj, np.ndarray) and obj.dtype.kind in "biufc":
            return {"array": self._place(obj, obj, path), "complex": obj.dtype == np.complex128}
        if isinstance(obj, np.generic) and obj.dtype.kind in "biufc":
            return {"scalar": [obj.dtype.name, self.pack(obj.item())]}
        if isinstance(obj, dtypes.dtype):
            return {"dtype": obj.name}
        if isinstance(obj, arrays.device):
            return {"device": str(obj)}
        if isinstance(obj, complex):
            return {"complex": [self.pack(obj.real), self.pack(obj.imag)]}
        if isinstance(obj, bytes | bytearray):
            return {"bytes": base64.b64encode(obj).decode()}
        raise _refusal(obj, path)


def _refusal(obj: Any, path: str) -> TypeError:
    """Why an object is not saved, and what to save instead."""
    kind = type(obj).__name__
    where = f" (at '{path}')" if path else ""
    if hasattr(obj, "state_dict"):
        state = f"{errors.variable_name(obj) or kind.lower()}.state_dict()"
        instead = f"put {state} in its place" if path else f"torch.save({state}, path)"
        hint = f"{instead}, and later load_state_dict() what torch.load(path) gives into a new one"
    else:
        hint = "put what it holds into dicts, lists, numbers, texts and tensors, as vars(it) often does"
    return TypeError(
        f"nbautograd saves tensors and plain data, not objects of classes: {kind}{where}.\n"
        "  A file with a class's object runs code when it is loaded, and breaks when the class changes.\n"
        f"  hint: {hint}"
    )


class Unpacker:
    """Puts an object together again from its JSON form and the numbers by name."""

    def __init__(self, found: dict[str, Any], place: Any) -> None:
        self._arrays = found
        self._place = place
        self._made: dict[tuple[str, bool], Any] = {}

    def unpack(self, form: Any) -> Any:
        """The object.

        Raises: ValueError for a form that `pack` does not write.
        """
        if isinstance(form, list):
            return [self.unpack(item) for item in form]
        if not isinstance(form, dict):
            return form
        kind, held = next(iter(form.items()), ("", None))
        make = getattr(self, f"_make_{kind}", None)
        if make is None:
            raise ValueError(f"the file speaks of {kind!r}, which this version of nbautograd does not know")
        return make(held, form)

    def _make_tensor(self, facts: dict[str, Any], form: Any) -> Tensor:
        key = facts["name"], facts.get("requires_grad", False)
        if key not in self._made:
            data = self._numbers(facts["name"], facts.get("complex", False))
            t = self._place(wrap(arrays.compact(data)), facts.get("device", "cpu"))
            if facts.get("parameter"):
                t = Parameter(t, facts.get("requires_grad", False))
            elif facts.get("requires_grad"):
                t.requires_grad_()
            self._made[key] = t
        return self._made[key]

    def _numbers(self, name: str, is_complex: bool) -> Any:
        data = self._arrays[name]
        return data.view(np.complex128)[..., 0] if is_complex else data

    def _make_array(self, name: str, form: Any) -> Any:
        return self._numbers(name, form.get("complex", False))

    def _make_float(self, text: str, form: Any) -> float:
        return float(text)

    def _make_tuple(self, items: Any, form: Any) -> Any:
        return tuple(self.unpack(items))

    def _make_set(self, items: Any, form: Any) -> Any:
        return set(self.unpack(items))

    def _make_frozenset(self, items: Any, form: Any) -> Any:
        return frozenset(self.unpack(items))

    def _make_dict(self, pairs: Any, form: Any) -> Any:
        return {self.unpack(k): self.unpack(v) for k, v in pairs}

    def _make_ordered(self, pairs: Any, form: Any) -> Any:
        found: Any = OrderedDict((self.unpack(k), self.unpack(v)) for k, v in pairs)
        if "metadata" in form:
            found._metadata = OrderedDict(self.unpack(form["metadata"]))
        return found

    def _make_size(self, items: Any, form: Any) -> Any:
        return arrays.Size(items)

    def _make_scalar(self, held: Any, form: Any) -> Any:
        dtype = np.dtype(held[0])
        if dtype.kind not in "biufcSUMm":
            raise ValueError(f"the file speaks of a scalar of the dtype {dtype}, which is no number")
        return dtype.type(self.unpack(held[1]))

    def _make_dtype(self, name: str, form: Any) -> Any:
        return next(d for d in dtypes.ALL if d.name == name)

    def _make_device(self, text: str, form: Any) -> Any:
        return arrays.device(text)

    def _make_complex(self, parts: Any, form: Any) -> complex:
        return complex(*self.unpack(parts))

    def _make_bytes(self, text: str, form: Any) -> bytes:
        return base64.b64decode(text, validate=True)
