"""What may be convolved, and what torch says of everything else."""

from __future__ import annotations

from typing import Any

from nbautograd.core import dtype as dtypes
from nbautograd.core.errors import with_tensors
from nbautograd.core.tensor import Tensor


def per_dim(value: Any, count: int, name: str) -> tuple[int, ...]:
    """A number for each of `count` dimensions.

    Raises: RuntimeError when there are neither one nor `count` of them.
    """
    if isinstance(value, int):
        return (value,) * count
    found = tuple(int(v) for v in value)
    if len(found) == 1:
        return found * count
    if len(found) != count:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {count} values to match the convolution "
            f"dimensions, but got {name}={list(found)}"
        )
    return found


def hashable(value: Any) -> Any:
    """A number, a word, or numbers as a tuple."""
    return value if isinstance(value, int | str) or value is None else tuple(value)


def check(name: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, n: int) -> None:
    """Refuse what cannot be convolved.

    Raises: RuntimeError in torch's words.
    """
    transposed = name.startswith("conv_transpose")
    problem = _types(input, weight, bias) or _sizes(name, input, weight, groups, n)
    if problem is None:
        out = weight.shape[1] * groups if transposed else weight.shape[0]
        if bias is not None and tuple(bias.shape) != (out,):
            kind = "transposed=1" if transposed else ""
            problem = (
                f"Given {kind}{', ' if kind else ''}weight of size {list(weight.shape)}, expected bias to be "
                f"1-dimensional with {out} elements, but got bias of size {list(bias.shape)} instead"
            )
    if problem is not None:
        raise RuntimeError(with_tensors(problem, ("input", "weight"), (input, weight)))


def _types(input: Tensor, weight: Tensor, bias: Tensor | None) -> str | None:
    kinds = [dtypes.of_numpy(t._data.dtype).tensor_type for t in (input, weight)]
    if kinds[0] != kinds[1]:
        hint = f"hint: bring them to one dtype, as in input.to({weight.dtype})"
        return f"expected scalar type {kinds[0]} but found {kinds[1]}\n  {hint}"
    if bias is not None and bias._data.dtype != input._data.dtype:
        kind = dtypes.of_numpy(bias._data.dtype).tensor_type
        return f"Input type ({kinds[0].lower()}) and bias type ({kind.lower()}) should be the same"
    return None


def _sizes(name: str, input: Tensor, weight: Tensor, groups: int, n: int) -> str | None:
    transposed = name.startswith("conv_transpose")
    shape, weights = list(input.shape), list(weight.shape)
    if len(shape) not in (n + 1, n + 2):
        return (
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: {shape}"
            f"\n  hint: {_dims_hint(len(shape), n)}"
        )
    if groups <= 0:
        return "non-positive groups is not supported"
    if weights[0] % groups:
        return (
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{weights}] instead"
        )
    channels, wanted = shape[-n - 1], weights[0] if transposed else weights[1] * groups
    if channels == wanted:
        return None
    given = "transposed=1" if transposed else f"groups={groups}"
    hint = f"the channels stand in dimension {len(shape) - n - 1} of the input; the layer was made for {wanted} of them"
    if shape[-1] == wanted:
        hint = f"the channels seem to stand last: bring them forward, input.movedim(-1, {-n - 1})"
    return (
        f"Given {given}, weight of size {weights}, expected input{shape} to have {wanted} channels, but got {channels} "
        f"channels instead\n  hint: {hint}"
    )


def _dims_hint(ndim: int, n: int) -> str:
    sizes = {1: "length", 2: "height, width", 3: "depth, height, width"}[n]
    if ndim == n:
        return "for one channel, add its dimension: input.unsqueeze(0)"
    return f"its dimensions are (batch, channels, {sizes})"


def check_steps(stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")


def by(sizes: Any) -> str:
    return " x ".join(str(n) for n in sizes)
