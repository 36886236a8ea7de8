"""Random tensors, and the generators they come from."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Generator as Yields
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create import finish, numpy_dtype, size_of
from nbautograd.ops.samples import Make, through


class Generator:
    """A source of random numbers with a state of its own.

    Example:
        >>> import nbautograd as torch
        >>> g = torch.Generator().manual_seed(0)
        >>> torch.equal(torch.rand(3, generator=g), torch.rand(3, generator=g.manual_seed(0)))
        True
    """

    _STATE = struct.Struct("<Q4QII")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = arrays.device(device)
        self._made: np.random.Generator | None = None

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator inside, made at first use: importing `numpy.random` takes a while."""
        if self._made is None:
            self.seed()
            assert self._made is not None
        return self._made

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`."""
        self._seed = int(seed) % 2**64
        self._made = np.random.Generator(np.random.SFC64(self._seed))
        return self

    def seed(self) -> int:
        """Start again from a seed that nobody chose, and return it."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the generator started from."""
        return self._seed if self._made else self.seed()

    def get_state(self) -> Tensor:
        """The state as a tensor of bytes, for `set_state`."""
        state: Any = self.numpy.bit_generator.state
        packed = self._STATE.pack(self._seed, *state["state"]["state"].tolist(), state["has_uint32"], state["uinteger"])
        return wrap(np.frombuffer(packed, np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that `get_state` returned.

        Raises: RuntimeError for what is no such state.
        """
        packed = new_state._data.tobytes()
        if new_state._data.dtype != np.uint8 or len(packed) != self._STATE.size:
            raise RuntimeError("RNG state is wrong size")
        seed, *words, has_uint32, uinteger = self._STATE.unpack(packed)
        self.manual_seed(seed)
        self.numpy.bit_generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": np.array(words, np.uint64)},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }
        return self


default_generator = Generator()
"""Where random numbers come from when no `generator=` is given."""


def numbers_of(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator inside `generator`, or inside the default one."""
    return (default_generator if generator is None else generator).numpy


@public(method=False)
def manual_seed(seed: int) -> Generator:
    """Start the default generator again from `seed`: the same program then draws the same numbers."""
    return default_generator.manual_seed(seed)


@public(method=False)
def seed() -> int:
    """Start the default generator again from a seed that nobody chose."""
    return default_generator.seed()


@public(method=False)
def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


@public(method=False)
def get_rng_state() -> Tensor:
    """The state of the default generator."""
    return default_generator.get_state()


@public(method=False)
def set_rng_state(new_state: Tensor) -> None:
    """Go on from a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Yields[None]:
    """Numbers drawn inside the block leave the default generator as it was."""
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)


FUNCTIONS["Generator"] = Generator
FUNCTIONS["default_generator"] = default_generator  # type: ignore[assignment]


# --- numbers ------------------------------------------------------------------------------------------------------


def uniforms(shape: Any, dtype: Any, generator: Generator | None = None) -> Any:
    """Numbers from 0 up to but not including 1, drawn in the precision they are wanted in."""
    working = np.float64 if dtype in (np.float64, np.complex128) else np.float32
    return numbers_of(generator).random(shape, working).astype(dtype, copy=False)


def normals(shape: Any, dtype: Any, generator: Generator | None = None) -> Any:
    """Numbers with mean 0 and variance 1; complex ones have half of it in each part."""
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        return ((normals(shape, part, generator) + 1j * normals(shape, part, generator)) * 0.5**0.5).astype(dtype)
    working = np.float64 if dtype == np.float64 else np.float32
    return numbers_of(generator).standard_normal(shape, working).astype(dtype, copy=False)


def _floating(dtype: Any, problem: str) -> Any:
    found = numpy_dtype(dtype)
    if found.kind not in "fc":
        raise NotImplementedError(f"\"{problem}\" not implemented for '{dtypes.of_numpy(found).tensor_type}'")
    return found


def _made(name: str, draw: Any, size: Any, named: dict[str, Any], problem: str) -> Tensor:
    if "size" in named:
        size = (*size, named.pop("size"))
    generator, out = named.pop("generator", None), named.pop("out", None)
    dtype = _floating(named.pop("dtype", None), problem)
    data = draw(size_of(name, size or ((),)), dtype, generator)
    device, requires_grad = named.pop("device", None), named.pop("requires_grad", False)
    unknown = next((word for word in named if word not in ("layout", "pin_memory")), None)
    if unknown:
        raise TypeError(f"{name}() got an unexpected keyword argument '{unknown}'")
    if out is not None:
        inplace.write(out, data)
        return out
    return finish(data, device, requires_grad)


@public(method=False)
def rand(*size: Any, **named: Any) -> Tensor:
    """Random numbers from 0 up to but not including 1, all equally likely."""
    return _made("rand", uniforms, size, named, "check_uniform_bounds")


@public(method=False)
def randn(*size: Any, **named: Any) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and variance 1."""
    return _made("randn", normals, size, named, "normal_kernel_cpu")


@public(method=False)
def randint(
    *args: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """Random integers: `randint(high, size)` or `randint(low, high, size)`; `high` is not included."""
    given = list(args)
    size = named.pop("size", None) or given.pop()
    low, high = named.pop("low", None), named.pop("high", None)
    if high is None:
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    data = _integers(
        low, high, size_of("randint", (size,)), np.dtype(np.int64) if dtype is None else numpy_dtype(dtype), generator
    )
    return finish(data, device, requires_grad)


def _integers(low: Any, high: Any, shape: Any, dtype: Any, generator: Generator | None) -> Any:
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return numbers_of(generator).integers(int(low), int(high), shape).astype(dtype, copy=False)


@public(method=False)
def randperm(
    n: int, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The integers from 0 to n − 1 in random order."""
    data = numbers_of(generator).permutation(n).astype(np.int64 if dtype is None else numpy_dtype(dtype), copy=False)
    return finish(data, device, requires_grad)


def _like(
    draw: Any, input: Tensor, dtype: Any, device: Any, requires_grad: bool, generator: Any, problem: str
) -> Tensor:
    data = draw(input._data.shape, _floating(input.dtype if dtype is None else dtype, problem), generator)
    return finish(data, device or (input.device if input.is_cuda else None), requires_grad)


@public(method=False)
def rand_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
    memory_format: Any = None,
) -> Tensor:
    """Like `rand`, with the shape, dtype and device of `input`."""
    return _like(uniforms, input, dtype, device, requires_grad, generator, "check_uniform_bounds")


@public(method=False)
def randn_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
    memory_format: Any = None,
) -> Tensor:
    """Like `randn`, with the shape, dtype and device of `input`."""
    return _like(normals, input, dtype, device, requires_grad, generator, "normal_kernel_cpu")


@public(method=False)
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Like `randint`, with the shape, dtype and device of `input`."""
    low, high = (0, low) if high is None else (low, high)
    data = _integers(low, high, input._data.shape, input._data.dtype if dtype is None else numpy_dtype(dtype), None)
    return finish(data, device or (input.device if input.is_cuda else None), requires_grad)


# --- from tensors of parameters -----------------------------------------------------------------------------------


_SHAPES = ((), (1,), (3,), (0,), (2, 3), (3, 2), (2, 0), (1, 1), (2, 3, 2), (1, 2, 1))


def _drawn(make: Make) -> Any:
    for shape in _SHAPES:
        yield make(*shape), {"sample": make.fixed(*shape)}


def _drawn_from_two(make: Make) -> Any:
    for shape in _SHAPES:
        yield make(*shape), make(*shape), {"sample": make.fixed(*shape)}


class Bernoulli(Op):
    """Ones with the probabilities in `x`, zeros otherwise; what was drawn has no slope: its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = through("", _drawn, numeric=False)

    def forward(x, *, sample):
        return xp.asarray(sample)

    def dx(g):
        return xp.zeros_like(g)


class NormalInPlace(Bernoulli):
    """Normal numbers in place of `x`."""

    node_name = "NormalBackward0"


class UniformInPlace(Bernoulli):
    """Uniform numbers in place of `x`."""

    node_name = "UniformBackward0"


class Normal(Op):
    """Normal numbers with means and deviations from tensors; for gradients write `mean + std * randn_like(std)`."""

    node_name = "NormalBackward3"
    elementwise = True
    tex = {"mean": "0", "std": "0"}
    samples = through("", _drawn_from_two, numeric=False)

    def forward(mean, std, *, sample):
        return xp.asarray(sample)

    def dmean(g):
        return xp.zeros_like(g)

    def dstd(g):
        return xp.zeros_like(g)


def _host(x: Any) -> Any:
    """`x` as a NumPy array: random numbers are drawn on the CPU, so that every device gives the same ones."""
    return np.asarray(arrays.place(x._data, arrays.CPU)) if isinstance(x, Tensor) else x


def _placed(data: Any, like: Tensor) -> Any:
    return arrays.place(data, like.device) if like.is_cuda else data


@public()
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None) -> Tensor:
    """Ones with the probabilities in `input` (or `p` everywhere), zeros otherwise.

    Raises: RuntimeError for probabilities outside 0 to 1.
    """
    chances = _host(input) if p is None else p
    if p is None and chances.size and not ((chances >= 0) & (chances <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    sample = numbers_of(generator).random(input._data.shape) < chances
    return Bernoulli.call(input, sample=_placed(np.asarray(sample).astype(input._data.dtype), input))


@public(method=False)
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers: with `size`, of one mean and deviation; without, of those in tensors.

    Raises: RuntimeError for a negative deviation.
    """
    spread = _host(std)
    if np.any(np.asarray(spread) < 0):
        raise RuntimeError(f"normal expects std >= 0.0, but found std {np.min(spread):g}")
    if size is not None or not (isinstance(mean, Tensor) or isinstance(std, Tensor)):
        found = _floating(dtype, "normal_kernel_cpu")
        data = normals(size_of("normal", (size or (),)), found, generator) * found.type(std) + found.type(mean)
        result = finish(data, device, requires_grad)
        return result if out is None else out.copy_(result)
    first = mean if isinstance(mean, Tensor) else std
    shape = np.broadcast_shapes(np.shape(_host(mean)), np.shape(spread))
    sample = normals(shape, first._data.dtype, generator) * spread + _host(mean)
    return Normal.call(mean, std, sample=_placed(sample.astype(first._data.dtype), first))


@public()
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with the weights in each row of `input`.

    Raises: RuntimeError for weights that are negative, infinite or all zero, and for more draws than there are indices.
    """
    weights = np.atleast_2d(_host(input)).astype(np.float64)
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (weights.sum(-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    found = _draw_rows(weights, num_samples, replacement, numbers_of(generator))
    return wrap(_placed(found if input._data.ndim > 1 else found[0], input))


def _draw_rows(weights: Any, count: int, replacement: bool, random: np.random.Generator) -> Any:
    """Per row: with replacement by inverting the sums, without it by the largest of exponential races."""
    if replacement or count == 1:
        sums = weights.cumsum(-1)
        marks = random.random((len(weights), count)) * sums[:, -1:]
        return np.stack([np.searchsorted(row, mark, "right") for row, mark in zip(sums, marks, strict=True)]).astype(
            np.int64
        )
    races = weights / random.standard_exponential(weights.shape)
    return np.argsort(-races, -1, kind="stable")[:, :count].astype(np.int64)


@public(method=False)
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Counts with the rates in `input`."""
    sample = numbers_of(generator).poisson(_host(input)).astype(input._data.dtype)
    return Bernoulli.call(input, sample=_placed(sample, input))


# --- in place -----------------------------------------------------------------------------------------------------


def _refill(self: Tensor, sample: Any, op: type[Op] = UniformInPlace) -> Tensor:
    return inplace.apply(op, self, sample=_placed(np.asarray(sample).astype(self._data.dtype, copy=False), self))


@public(top=False)
def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from `from_` to `to`, all equally likely."""
    if to < from_:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    dtype = _floating(self.dtype, "check_uniform_bounds")
    return _refill(self, uniforms(self._data.shape, dtype, generator) * dtype.type(to - from_) + dtype.type(from_))


@public(top=False)
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with normal numbers."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    dtype = _floating(self.dtype, "normal_kernel_cpu")
    return _refill(
        self, normals(self._data.shape, dtype, generator) * dtype.type(std) + dtype.type(mean), NormalInPlace
    )


@public(top=False)
def random_(self: Tensor, from_: int = 0, to: int | None = None, *, generator: Any = None) -> Tensor:
    """Fill with integers from `from_` up to but not including `to`."""
    dtype = self._data.dtype
    largest = {"f": 2 ** (np.finfo(dtype).nmant + 1) if dtype.kind == "f" else 0, "b": 1}.get(dtype.kind) or np.iinfo(
        dtype
    ).max
    return _refill(
        self, _integers(from_, min(largest + 1, 2**63 - 1) if to is None else to, self._data.shape, dtype, generator)
    )


@public(top=False)
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from the exponential distribution."""
    return _refill(self, numbers_of(generator).standard_exponential(self._data.shape) / lambd)


@public(top=False)
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with ones with probability `p`, zeros otherwise."""
    return _refill(self, numbers_of(generator).random(self._data.shape) < _host(p))


@public(top=False)
def geometric_(self: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fill with the number of trials up to the first success."""
    return _refill(self, numbers_of(generator).geometric(p, self._data.shape))


@public(top=False)
def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from the Cauchy distribution."""
    return _refill(self, numbers_of(generator).standard_cauchy(self._data.shape) * sigma + median)


@public(top=False)
def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers whose logarithms are normal."""
    return _refill(self, numbers_of(generator).lognormal(mean, std, self._data.shape))


def keep_mask(shape: Any, p: float, dtype: Any, generator: Generator | None = None) -> Any:
    """The factors of dropout: 0 with probability `p`, else 1 / (1 − p)."""
    if p >= 1:
        return np.zeros(shape, dtype)
    kept = numbers_of(generator).random(shape, np.float32) >= p
    return np.multiply(kept, dtype.type(1 / (1 - p)), dtype=dtype)
