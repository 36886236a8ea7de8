"""What attention accepts: torch's refusals, and inputs and masks brought to one form."""

from __future__ import annotations

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.array import place
from nbautograd.core.call import wrap
from nbautograd.core.errors import broadcast_problem
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor


def causal_bias(q: Tensor, k: Tensor) -> np.ndarray:
    """−∞ above the diagonal, as an array beside those of the tensors `q` and `k`."""
    size = (q.shape[-2], k.shape[-2])
    return place(np.triu(np.full(size, -np.inf, q._data.dtype), 1), q.device)


def check(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float, causal: bool) -> None:
    """torch's refusals.

    Raises: RuntimeError
    """
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{q.ndim} key.dim: {k.ndim} and value.dim: {v.ndim} instead."
        )
    kinds = [_kind(t) for t in (q, k, v)]
    if len(set(kinds)) > 1:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{kinds[0]} key.dtype: {kinds[1]} and value.dtype: {kinds[2]} instead."
            "\n  hint: cast them to one dtype first, as in key.to(query.dtype)"
        )
    if q._data.dtype.kind == "c":
        raise NotImplementedError(f"\"softmax_lastdim_kernel_impl\" not implemented for '{q.dtype.tensor_type}'")
    if q._data.dtype.kind not in "fV":
        raise RuntimeError(f"expected scalar type Float but found {q.dtype.tensor_type}")
    if mask is not None and mask._data.dtype.kind != "b" and mask.dtype not in (q.dtype, dtypes.float32):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{_kind(mask)} and  query.dtype: {kinds[0]} instead."
        )
    if mask is not None and causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if not 0 <= dropout <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout:g}")
    if q.shape[-1] != k.shape[-1]:
        stack = int(np.prod(q.shape[:-2]))
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{stack}, {q.shape[-1]}] "
            f"but got: [{stack}, {k.shape[-1]}].\n  query  {tuple(q.shape)}\n  key    {tuple(k.shape)}\n"
            "  hint: queries and keys are compared by their dot product: their last sizes must be equal"
        )
    if k.shape[-2] != v.shape[-2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{k.shape[-2]}] but got: [{v.shape[-2]}]."
            f"\n  key    {tuple(k.shape)}\n  value  {tuple(v.shape)}\n  hint: there must be a value for every key"
        )


def _kind(t: Tensor) -> str:
    return t.dtype.tensor_type.lower()


def grouped(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values with their heads repeated until each query's head has its own."""
    heads = q.shape[-3]
    if heads % k.shape[-3] or heads % v.shape[-3]:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return tuple(t.repeat_interleave(heads // t.shape[-3], -3) for t in (k, v))  # type: ignore[return-value]


def spread(*inputs: Tensor) -> list[Tensor]:
    """All with the same leading sizes."""
    leads = [tuple(t._data.shape[:-2]) for t in inputs]
    if all(lead == leads[0] for lead in leads):
        return list(inputs)
    problem = broadcast_problem([np.empty(lead) for lead in leads])
    if problem is not None:
        raise RuntimeError(problem)
    lead = np.broadcast_shapes(*leads)
    return [t.expand(*lead, *t.shape[-2:]) for t in inputs]


def as_bias(mask: Tensor | None, q: Tensor, k: Tensor, is_causal: bool) -> Tensor | None:
    """The mask as numbers to add; with a mask, being causal is a part of it."""
    if mask is None:
        return None
    size = (*q._data.shape[:-1], k._data.shape[-2])
    problem = broadcast_problem([np.broadcast_to(0, size), mask._data])
    if problem is not None:
        raise RuntimeError(f"{problem.partition(chr(10))[0]}\n  hint: attn_mask must broadcast to {size}")
    if mask._data.dtype.kind == "b":
        zero = q._data.dtype.type(0)
        mask = FUNCTIONS["where"](mask, wrap(zero), wrap(zero - np.inf))
    elif mask.dtype != q.dtype:
        mask = mask.to(q.dtype)
    return mask + wrap(causal_bias(q, k)) if is_causal else mask
