"""How the tests run a sample of the op table: on this package, on PyTorch, and by finite differences."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

import nbautograd as nb
from nbautograd.core.backward import grad
from nbautograd.core.op import TABLE
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.ops.samples import Fixed, Make

from .composites import COMPOSITES

SAMPLED = [*(op for op in TABLE.values() if op.samples is not None), *COMPOSITES]


@dataclass
class Library:
    """This package or PyTorch: the same words for both."""

    module: Any
    device: str = "cpu"

    def tensor(self, array: np.ndarray, leaves: list[Any], gradient: bool) -> Any:
        t = self.module.from_numpy(array.copy() if array.flags.c_contiguous else array)
        if self.device != "cpu":
            t = t.to(self.device)
        if gradient and array.dtype.kind in "fc":
            t.requires_grad_()
            leaves.append(t)
        return t

    def value(self, value: Any, leaves: list[Any], gradient: bool) -> Any:
        if isinstance(value, np.ndarray):
            return self.tensor(np.asarray(value), leaves, gradient and not isinstance(value, Fixed))
        if isinstance(value, list | tuple):
            return type(value)(self.value(v, leaves, gradient) for v in value)
        return getattr(self.module, value.name) if isinstance(value, nb.dtype) else value

    def grad(self, *args: Any, **kwargs: Any) -> Any:
        return (grad if self.module is nb else self.module.autograd.grad)(*args, **kwargs)

    def function(self, name: str) -> Any:
        """`torch.name`, `torch.nn.functional.name`, `torch.linalg.name` …, or the method of that name."""
        if not name:
            return None
        if "." in name:
            return functools.reduce(getattr, name.split("."), self.module)
        if self.module is nb:
            found = FUNCTIONS.get(name) or FUNCTIONAL.get(name)
        else:
            found = None if name in FUNCTIONAL and name not in FUNCTIONS else getattr(self.module, name, None)
            found = found or getattr(self.module.nn.functional, name, None)
        for place in ("linalg", "special", "fft"):
            found = found or getattr(getattr(self.module, place, None), name, None)
        found = found or getattr(self.module.Tensor, name, None)
        return _on_a_copy(found) if found and name.endswith("_") and not name.endswith("__") else found


def _on_a_copy(in_place: Any) -> Any:
    return lambda target, *rest, **settings: in_place(target.clone(), *rest, **settings)


OURS = Library(nb)


def name_of(op: Any) -> str:
    """The public function that the samples of `op` are for; empty when they are for `Op.call`."""
    name = getattr(op.samples, "name", None)
    return op.name if name is None else name


def has_gradient(op: Any) -> bool:
    return getattr(op.samples, "gradient", True) and any(op.rules)


def has_second(op: Any) -> bool:
    return has_gradient(op) and getattr(op.samples, "second", True)


def samples_of(op: Any, dtype: Any = np.float64, strided: bool = False) -> list[tuple[Any, ...]]:
    """The samples of `op`; `strided` puts gaps between the elements of every array."""
    found = list(op.samples(Make(dtype)))
    return [tuple(_with_gaps(v) for v in case) for case in found] if strided else found


def _with_gaps(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_with_gaps(v) for v in value)
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    wide = np.zeros((*value.shape[:-1], 2 * value.shape[-1]), value.dtype)
    wide[..., ::2] = value
    return wide[..., ::2].view(type(value))


@dataclass
class Ran:
    """What came of running a sample."""

    outputs: list[Any]
    leaves: list[Any]

    def differentiable(self) -> list[Any]:
        return [o for o in self.outputs if o.requires_grad]


def is_named(op: Any) -> bool:
    """Whether the node of `op` has torch's name."""
    return getattr(op.samples, "named", True)


def is_numeric(op: Any) -> bool:
    """Whether finite differences can tell the gradient of `op`."""
    return getattr(op.samples, "numeric", True)


def run(op: Any, case: tuple[Any, ...], library: Library = OURS, gradient: bool = True) -> Ran:
    """Call what the samples of `op` are for: the public function, or, where there is none, the op itself."""
    function = library.function(name_of(op))
    leaves: list[Any] = []
    settings = case[-1] if isinstance(case[-1], dict) else {}
    inputs = case[:-1] if isinstance(case[-1], dict) else case
    args = [library.value(a, leaves, gradient) for a in inputs]
    kwargs = {k: library.value(v, leaves, gradient) for k, v in settings.items()}
    if function is None:  # the op itself, whose settings are arrays
        kwargs = {k: _as_arrays(v) for k, v in kwargs.items()}
    return Ran(_flat((function or op.call)(*args, **kwargs)), leaves)


def _as_arrays(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_as_arrays(v) for v in value)
    return value._data if isinstance(value, nb.Tensor) else value


def _flat(result: Any) -> list[Any]:
    if isinstance(result, list | tuple):
        return [t for r in result for t in _flat(r)]
    return [result]


def array(t: Any) -> np.ndarray:
    """The numbers of either library's tensor."""
    return np.asarray(t.detach().numpy(force=True))


def cotangents(outputs: list[Any], seed: int = 1) -> list[np.ndarray]:
    """A fixed gradient for every output."""
    random = np.random.default_rng(seed)
    found = []
    for o in outputs:
        data = array(o)
        g = random.uniform(0.5, 1.5, data.shape)
        found.append(
            np.asarray(g + 1j * random.uniform(-1, 1, data.shape) if data.dtype.kind == "c" else g, data.dtype)
        )
    return found


def gradients(ran: Ran, library: Library = OURS, create_graph: bool = False) -> tuple[list[Any], list[Any]]:
    """The gradients of the leaves (None where there is none), and the tensors they were started from."""
    outputs = ran.differentiable()
    starts: list[Any] = []
    for g in cotangents(outputs):
        library.tensor(g, starts, True)
    return list(library.grad(outputs, ran.leaves, starts, create_graph=create_graph, allow_unused=True)), starts


def second(ran: Ran, library: Library = OURS) -> list[np.ndarray | None]:
    """The gradients, by leaf and by starting gradient, of a fixed combination of the gradients."""
    firsts, starts = gradients(ran, library, create_graph=True)
    live = [f for f in firsts if f is not None and f.requires_grad]
    if not live:
        return [None] * (len(ran.leaves) + len(starts))
    weights = [library.tensor(w, [], False) for w in cotangents(live, seed=2)]
    found = library.grad(live, [*ran.leaves, *starts], weights, allow_unused=True)
    return [None if f is None else array(f) for f in found]


def slope(f: Any, arrays: list[np.ndarray], step: float = 1e-6, seed: int = 3) -> tuple[float, list[np.ndarray]]:
    """The derivative of `f` along a fixed direction, by central differences, and that direction."""
    random = np.random.default_rng(seed)
    direction = [random.uniform(-1, 1, a.shape) for a in arrays]

    def at(offset: float) -> float:
        return f([np.asarray(a + offset * d) for a, d in zip(arrays, direction, strict=True)])

    return (at(step) - at(-step)) / (2 * step), direction


def with_arrays(case: tuple[Any, ...], arrays: list[np.ndarray]) -> tuple[Any, ...]:
    """`case` with its float arrays, in order, replaced by `arrays`."""
    fresh = iter(arrays)

    def replaced(value: Any) -> Any:
        if isinstance(value, np.ndarray) and float_arrays(value):
            return next(fresh)
        if isinstance(value, list | tuple):
            return type(value)(replaced(v) for v in value)
        return {k: replaced(v) for k, v in value.items()} if isinstance(value, dict) else value

    return tuple(replaced(v) for v in case)


def float_arrays(value: Any) -> list[np.ndarray]:
    """The float arrays of a case that are differentiated, in order."""
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind == "f" and not isinstance(value, Fixed) else []
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [a for v in values for a in float_arrays(v)]


def combined(outputs: list[Any], weights: list[np.ndarray]) -> float:
    """The sum of the outputs' elements, each times its weight."""
    return float(sum((array(o) * w).sum() for o, w in zip(outputs, weights, strict=True)))
