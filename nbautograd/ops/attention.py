"""Attention: every query takes a weighted mean of the values, one node for the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.modes import local
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.attention_inputs import as_bias, causal_bias, check, grouped, spread
from nbautograd.ops.fused import by_steps
from nbautograd.ops.random import keep_mask
from nbautograd.ops.samples import Make, through

BLOCK = 1 << 17
"""Scores that are worked on at a time: half a megabyte of float32 stays in the cache."""
FEWEST = 64
"""Queries of a sequence that are worked on together however long it is: products of fewer rows are slow."""

# --- samples ------------------------------------------------------------------------------------------------------

SIZES = (
    ((2,), 4, 4, 3, 3), ((1, 2), 3, 3, 2, 2), ((2, 2), 3, 5, 4, 4), ((), 3, 3, 2, 2), ((2,), 3, 2, 4, 3),
    ((1, 1), 1, 4, 2, 5), ((2, 1), 4, 1, 1, 1), ((3,), 1, 1, 2, 2), ((1, 2, 2), 2, 3, 2, 2), ((2, 2), 0, 3, 2, 2),
    ((0, 2), 3, 3, 2, 2),
)  # fmt: skip


def _cases(make: Make) -> Iterator[Any]:
    for lead, rows, columns, width, out in SIZES:

        def three(
            lead: Any = lead, rows: Any = rows, columns: Any = columns, width: Any = width, out: Any = out
        ) -> Any:
            return make(*lead, rows, width), make(*lead, columns, width), make(*lead, columns, out)

        yield three()
        yield *three(), {"is_causal": True}
        yield *three(), {"attn_mask": make(rows, columns), "scale": 0.5}
        seen = make.bools(*lead[:1], *(1 for _ in lead[1:]), rows, columns)
        seen[..., :1] = True
        yield *three(), {"attn_mask": seen}
    yield make(2, 4, 3, 2), make(2, 2, 3, 2), make(2, 2, 3, 2), {"enable_gqa": True}
    yield make(2, 1, 3, 2), make(1, 2, 3, 2), make(2, 2, 3, 2)
    yield make(1, 3, 2, 2).swapaxes(1, 2), make(1, 4, 2, 2).swapaxes(1, 2), make(1, 4, 2, 2).swapaxes(1, 2)


# --- the op -------------------------------------------------------------------------------------------------------


class ScaledDotProductAttention(Op):
    """For each query a mean of the values, weighted by how well the query fits their keys.

    NOTE [Attention]
    Only the inputs and one number per query are kept: `lse`, the logarithm of the sum of its weights. Backward makes
    the weights anew from it, block by block, so memory grows with the sequence and not with its square.

    Math: S = q kᵀ · scale + bias, P = softmax(S), out = P v;
        ∂v = Pᵀ g, ∂P = g vᵀ, ∂S = P ∘ (∂P − Σ P ∘ ∂P), ∂q = scale · ∂S k, ∂k = scale · ∂Sᵀ q
    Shape: q (…, L, E), k (…, S, E), v (…, S, D), bias broadcast to (…, L, S) → (…, L, D)
    Source: Vaswani et al. 2017, *Attention is all you need*, equation 1; Dao et al. 2022, *FlashAttention*, section 3
    """

    node_name = "ScaledDotProductFlashAttentionForCpuBackward0"
    title = "attention"
    variadic = True
    broadcasts = True
    promote = "none"
    aux = ("lse",)
    tex = {"xs": "\\operatorname{softmax}(q k^\\top / \\sqrt{d}) \\, v"}
    samples = through("scaled_dot_product_attention", _cases, named=False)

    def forward(*xs, scale, causal=False, keep=None, learns_bias=False):
        q, k, v, bias = split_inputs(xs)
        same = q.shape[-1] == v.shape[-1]
        out = xp.empty_like(q) if same else xp.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
        lse = xp.empty((*q.shape[:-1], 1), q.dtype)
        if not k.size:  # nothing to take the mean of
            out[...], lse[...] = 0, 0
        bias = full_bias(bias, q, k)
        for part in parts(q, k, causal):
            weights = scores(q, k, scale, bias, causal, part)
            top = xp.max(weights, axis=-1, keepdims=True)
            if bias is not None:  # a query that may see nothing gets zeros
                top = xp.maximum(top, xp.finfo(q.dtype).min)
            weights -= top
            xp.exp(weights, out=weights)
            total = row_sums(weights)
            if bias is not None:
                xp.putmask(total, total == 0, xp.inf)
            lse[part.queries] = xp.log(total) + top
            if keep is not None:
                weights *= keep[part.pairs]
            mean = out[part.queries]
            xp.matmul(weights, v[part.keys], out=mean)
            mean /= total
        return out, lse

    def dxs(g, xs, lse, scale, causal, keep, learns_bias):
        return xp.attention_backward(g, *xs, lse=lse, scale=scale, causal=causal, keep=keep, learns_bias=learns_bias)


class AttentionBackward(Op):
    """The gradients of attention; see NOTE [Attention]."""

    variadic = True
    promote = "none"
    outputs = None

    def forward(*xs, lse, scale, causal, keep, learns_bias):
        g, (q, k, v, bias) = xs[0], split_inputs(xs[1:])
        dq, dk, dv = xp.zeros_like(q), xp.zeros_like(k), xp.zeros_like(v)
        d_bias = xp.zeros((*q.shape[:-1], k.shape[-2]), q.dtype) if learns_bias else None
        full = full_bias(bias, q, k)
        for part in parts(q, k, causal):
            weights = scores(q, k, scale, full, causal, part)
            weights -= lse[part.queries]
            xp.exp(weights, out=weights)
            back = g[part.queries]
            d_weights = xp.matmul(back, xp.swapaxes(v[part.keys], -1, -2))
            used = weights
            if keep is not None:
                d_weights *= keep[part.pairs]
                used = weights * keep[part.pairs]
            add_product(dv[part.keys], xp.swapaxes(used, -1, -2), back, part)
            d_weights -= xp.expand_dims(xp.einsum("...j,...j->...", weights, d_weights), -1)
            d_weights *= weights
            if d_bias is not None:
                d_bias[part.pairs] = d_weights
            xp.matmul(d_weights, k[part.keys], out=dq[part.queries])
            add_product(dk[part.keys], xp.swapaxes(d_weights, -1, -2), q[part.queries], part)
        dq *= scale
        dk *= scale
        return (dq, dk, dv) if bias is None else (dq, dk, dv, d_bias)


def split_inputs(xs):
    return xs if len(xs) == 4 else (*xs, None)


class Part(NamedTuple):
    """Queries that are worked on together, and the keys that they see: where they lie."""

    queries: tuple[Any, ...]
    keys: tuple[Any, ...]
    pairs: tuple[Any, ...]
    start: int
    """The first query's place in its sequence."""


def parts(q, k, causal):
    """All queries, in parts of whole sequences or, where those are long, of rows; causal ones see no later keys."""
    if not q.size or not k.size:
        return
    length, count, each = q.shape[-2], k.shape[-2], k.shape[-2]
    for n in q.shape[1:-2]:
        each *= n
    rows = min(length, max(FEWEST, BLOCK // each))
    step = max(1, BLOCK // (each * rows))
    leads = [()] if q.ndim == 2 else [(slice(i, i + step),) for i in range(0, q.shape[0], step)]
    for lead in leads:
        for start in range(0, length, rows):
            mine = slice(start, start + rows)
            seen = slice(0, min(start + rows, count) if causal else count)
            yield Part(
                (*lead, ..., mine, slice(None)), (*lead, ..., seen, slice(None)), (*lead, ..., mine, seen), start
            )


def scores(q, k, scale, bias, causal, part):
    """How well each query fits each key. To scale the queries is less work than to scale the scores."""
    found = xp.matmul(q[part.queries] * q.dtype.type(scale), xp.swapaxes(k[part.keys], -1, -2))
    if bias is not None:
        found += bias[part.pairs]
    if causal:
        found += xp.triu(xp.full(found.shape[-2:], -xp.inf, found.dtype), 1 + part.start)
    return found


def add_product(total, x, y, part):
    """Add x y to the gradient of keys or values, which later rows of queries may share."""
    if part.start:
        total += xp.matmul(x, y)
    else:
        xp.matmul(x, y, out=total)


def full_bias(bias, q, k):
    """The bias in the shape of the scores."""
    return bias if bias is None else xp.broadcast_to(bias, (*q.shape[:-1], k.shape[-2]))


def row_sums(x):
    """The sum of each row, by the matrix product, which is several times faster than `sum`."""
    return xp.matmul(x, xp.ones((x.shape[-1], 1), x.dtype))


def attention_by_steps(
    q: Any, k: Any, v: Any, bias: Any = None, *, lse: Any, scale: float, causal: bool, keep: Any, learns_bias: bool
) -> Any:
    """The same by single ops; see NOTE [Second order of kernels]."""
    found = (q * scale) @ k.transpose(-1, -2)
    if causal:
        bias = wrap(causal_bias(q, k))
    if bias is not None:
        found = found + bias
    # Not `softmax`: a query that may see nothing has the weights 0.
    weights = (found - wrap(lse._data)).exp()
    weights = weights / (weights.sum(-1, keepdim=True) + wrap(lse._data == np.inf))
    return (weights if keep is None else weights * wrap(keep)) @ v


by_steps("attention_backward", attention_by_steps)

# --- torch's signature --------------------------------------------------------------------------------------------


@public(top=False, method=False, functional=True)
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """For each query a mean of the values, weighted by the softmax of its products with the keys.

    `attn_mask` says which keys a query may see (True), or is added to the scores; with `is_causal` a query sees the
    keys up to its own position.

    Math: out = softmax(q kᵀ · scale + mask) v, where scale is 1/√E unless given
    Shape: query (…, L, E), key (…, S, E), value (…, S, D) → (…, L, D)
    Raises: RuntimeError for sizes or dtypes that do not fit together.
    Example:
        >>> import nbautograd as torch
        >>> x = torch.eye(2)
        >>> torch.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)[0]
        tensor([1., 0.])
    """
    check(query, key, value, attn_mask, dropout_p, is_causal)
    if enable_gqa:
        key, value = grouped(query, key, value)
    query, key, value = spread(query, key, value)
    bias = as_bias(attn_mask, query, key, is_causal)
    keep = None
    if dropout_p > 0:
        keep = keep_mask((*query.shape[:-1], key.shape[-2]), dropout_p, query._data.dtype, None, query.device)
    return ScaledDotProductAttention.call(
        *((query, key, value) if bias is None else (query, key, value, bias)),
        scale=query.shape[-1] ** -0.5 if scale is None else scale,
        causal=is_causal and bias is None,
        keep=keep,
        learns_bias=bias is not None and (bias._node is not None or bool(local.levels)),
    )[0]
