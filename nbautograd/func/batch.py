"""`vmap`: a function of one sample as a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.random.generators import restore, states

from .tree import Structure, flatten, spread, unflatten


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that applies `func` to each sample of a batch and stacks the results.

    It does so in a loop, sample by sample: right for every function, also for one that looks at numbers, and as slow as
    the loop that one would write. torch computes the whole batch at once instead. `chunk_size` changes nothing here.

    `in_dims` says for each argument along which dimension its samples lie (None: every sample gets all of it), and
    `out_dims` where they come to lie. `randomness` is "error", "different" or "same" for all samples.

    Raises: ValueError when `in_dims` or `out_dims` do not fit, or when the arguments' batches differ in size.
    Example:
        >>> import nbautograd as torch
        >>> from nbautograd.func import grad, vmap
        >>> vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
        tensor([3., 3.])
        >>> vmap(grad(lambda w, x: (w * x).sum()), in_dims=(None, 0))(torch.ones(2), torch.eye(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        name = getattr(func, "__name__", repr(func))
        leaves, structure = flatten(args)
        dims = _input_dims(name, in_dims, args, leaves, structure)
        size = _batch_size(leaves, dims)
        parts = [_samples(leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]
        if size == 0:  # one sample of zeros tells what shape results would have
            parts = [_zeros(leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]
        with _drawing(randomness) as rewind:
            results: list[Any] = []
            for i in range(max(size, 1)):
                rewind()
                results.append(func(*unflatten([part(i) for part in parts], structure), **kwargs))
        return _stacked(name, results, out_dims, size)

    return batched


def _input_dims(name: str, in_dims: Any, args: tuple[Any, ...], leaves: list[Any], structure: Structure) -> list[Any]:
    """For each leaf of the arguments, the dimension along which its samples lie, or None."""
    call = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    dims = spread(in_dims, structure)
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{flatten(in_dims)[1]} but inputs has structure {structure}."
        )
    return [_input_dim(call, leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]


def _input_dim(call: str, leaf: Any, dim: Any) -> int | None:
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
        )
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over "
            "non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -leaf.ndim <= dim < leaf.ndim:
        raise ValueError(
            f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {leaf.ndim} so "
            f"expected in_dim to satisfy -{leaf.ndim} <= in_dim < {leaf.ndim}."
        )
    return dim % leaf.ndim


def _batch_size(leaves: list[Any], dims: list[int | None]) -> int:
    sizes = [leaf.shape[dim] for leaf, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


def _samples(leaf: Any, dim: int | None) -> Callable[[int], Any]:
    if dim is None:
        return lambda i: leaf
    return lambda i: leaf[(*[slice(None)] * dim, i)]


def _zeros(leaf: Any, dim: int | None) -> Callable[[int], Any]:
    if dim is None:
        return lambda i: leaf
    return lambda i: leaf.new_zeros((*leaf.shape[:dim], *leaf.shape[dim + 1 :]))


@contextmanager
def _drawing(randomness: str) -> Iterator[Callable[[], None]]:
    """What `randomness` asks for, with the default generators; the function given is to be called before each sample.

    Raises: RuntimeError when random numbers were drawn although that is an error.
    """
    start = [] if randomness == "different" else states()

    def rewind() -> None:
        if randomness == "same":
            restore(start)

    yield rewind
    if randomness == "error" and not all(map(FUNCTIONS["equal"], states(), start)):
        restore(start)
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
            "'different' randomness flags on vmap or perform the randomness operation out of vmap"
        )


def _stacked(name: str, results: list[Any], out_dims: Any, size: int) -> Any:
    """The results of all samples as one; of a batch without samples the one result only tells the shapes."""
    structure = flatten(results[0])[1]
    dims = _output_dims(name, out_dims, structure)
    columns = zip(*[flatten(result)[0] for result in results], strict=True)
    joined = [_joined(name, column, dim) for column, dim in zip(columns, dims, strict=True)]
    if size == 0:
        joined = [y if dim is None else y.narrow(dim, 0, 0) for y, dim in zip(joined, dims, strict=True)]
    return unflatten(joined, structure)


def _output_dims(name: str, out_dims: Any, structure: Structure) -> list[Any]:
    call = f"vmap({name}, ..., out_dims={out_dims})"
    if not all(isinstance(dim, int) or dim is None for dim in flatten(out_dims)[0]):
        raise ValueError(
            f"{call}: `out_dims` must be an int, None or a python collection of ints representing where in the outputs "
            "the vmapped dimension should appear."
        )
    if structure.is_leaf() and isinstance(out_dims, tuple) and len(out_dims) == 1:
        (out_dims,) = out_dims
    dims = spread(out_dims, structure)
    if dims is None:
        raise ValueError(
            f"{call}(<inputs>): out_dims is not compatible with the structure of `outputs`. out_dims has structure "
            f"{flatten(out_dims)[1]} but outputs has structure {structure}."
        )
    return dims


def _differ(a: Any, b: Any) -> bool:
    return a is not b and isinstance(a, Tensor) and not FUNCTIONS["equal"](a, b)


def _joined(name: str, column: tuple[Any, ...], dim: int | None) -> Any:
    if dim is None:
        if any(_differ(column[0], y) for y in column):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return column[0]
    for y in column:
        if not isinstance(y, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)}. "
                "Did you mean to set out_dims= to None for output?"
            )
    return FUNCTIONS["stack"](column, dim)
