"""Attention with several heads: projections, attention and the way back, as one function of torch's."""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.errors import user_depth
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS, public
from nbautograd.core.tensor import Tensor


@public(top=False, method=False, functional=True)
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What `nn.MultiheadAttention` computes; see there.

    Shape: query (L, N, E), key and value (S, N, E) → (L, N, E) and the weights (N, L, S); without N throughout
    Raises: AssertionError, RuntimeError for sizes that do not fit together.
    """
    batched = check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        key, value = _one_batch(key, value, query)
        query = query.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. "
            "You may use the Transformer module method `generate_square_subsequent_mask` to create this mask."
        )
    causal = is_causal and key_padding_mask is None and not need_weights
    padding = additive(key_padding_mask, "key_padding_mask", attn_mask, "attn_mask", query)
    mask = None if causal else additive(attn_mask, "attn_mask", None, "", query)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if use_separate_proj_weight:
        _check_separate(query, key, value, q_proj_weight, k_proj_weight, v_proj_weight)
        weights = [q_proj_weight, k_proj_weight, v_proj_weight]
        q, k, v = _each_projected(query, key, value, weights, in_proj_bias)
    else:
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    _check_mask(mask, query, key, num_heads)
    if bias_k is not None and bias_v is not None:
        k, v, mask, padding = _one_more(k, v, bias_k, bias_v, mask, padding)
    heads = [_heads(t, num_heads) for t in (q, k, v)]
    heads = [fixed if fixed is not None else t for t, fixed in zip(heads, (None, static_k, static_v), strict=True)]
    if add_zero_attn:
        heads[1:], mask, padding = _zero_attention(heads[1:], mask, padding)
    mask = _together(mask, padding, query.shape[1], num_heads)
    share = dropout_p if training else 0.0
    q, k, v = heads
    out, seen = _attend(q, k, v, mask, share, need_weights, causal)
    shape = (*query.shape[:2], out_proj_weight.shape[0])
    out = FUNCTIONAL["linear"](_rows(out), out_proj_weight, out_proj_bias).view(shape)
    if seen is not None and average_attn_weights:
        seen = seen.mean(1)
    if batched:
        return out, seen
    return out.squeeze(1), None if seen is None else seen.squeeze(0)


def _one_batch(key: Tensor, value: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values with a batch of one; what is one tensor stays one."""
    one = key.unsqueeze(1)
    return one, one if value is key else value.unsqueeze(1)


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float, need_weights: bool, causal: bool
) -> tuple[Tensor, Tensor | None]:
    """Attention over (N, H, L, D); in steps where the weights are asked for."""
    if not need_weights:
        return FUNCTIONAL["scaled_dot_product_attention"](q, k, v, mask, dropout, causal), None
    found = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    seen = FUNCTIONAL["softmax"](found if mask is None else found + mask, -1)
    if dropout > 0:
        seen = FUNCTIONAL["dropout"](seen, dropout)
    return seen @ v, seen


# --- projections and heads ----------------------------------------------------------------------------------------


def _projected(q: Tensor, k: Tensor, v: Tensor, weight: Any, bias: Any) -> tuple[Tensor, ...]:
    """Queries, keys and values by one weight that holds all three; in one product where the inputs are one."""
    linear = FUNCTIONAL["linear"]
    if q is k and k is v:
        return linear(q, weight, bias).chunk(3, -1)
    width = q.shape[-1]
    if k is v:
        w, b = ([None, None] if t is None else t.split([width, 2 * width]) for t in (weight, bias))
        return linear(q, w[0], b[0]), *linear(k, w[1], b[1]).chunk(2, -1)
    return _each_projected(q, k, v, weight.chunk(3), bias)


def _each_projected(q: Tensor, k: Tensor, v: Tensor, weights: Any, bias: Tensor | None) -> tuple[Tensor, ...]:
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return tuple(FUNCTIONAL["linear"](t, w, b) for t, w, b in zip((q, k, v), weights, biases, strict=True))


def _heads(t: Tensor, count: int) -> Tensor:
    """(L, N, E) → (N, H, L, D), as a view."""
    return t.unflatten(-1, (count, t.shape[-1] // count)).permute(1, 2, 0, 3)


def _rows(t: Tensor) -> Tensor:
    """(N, H, L, D) → (L · N, E)"""
    n, heads, length, width = t.shape
    return t.permute(2, 0, 1, 3).reshape(length * n, heads * width)


def _one_more(k: Tensor, v: Tensor, bias_k: Tensor, bias_v: Tensor, *masks: Tensor | None) -> tuple[Any, ...]:
    """Keys and values with a learnt one behind them, which every query may see."""
    cat, n = FUNCTIONS["cat"], k.shape[1]
    return cat([k, bias_k.repeat(1, n, 1)]), cat([v, bias_v.repeat(1, n, 1)]), *(_widened(m) for m in masks)


def _zero_attention(heads: list[Tensor], *masks: Tensor | None) -> tuple[Any, ...]:
    """Keys and values with zeros behind them, which every query may see."""
    more = [FUNCTIONS["cat"]([t, t.new_zeros((*t.shape[:2], 1, t.shape[3]))], 2) for t in heads]
    return more, *(_widened(m) for m in masks)


def _widened(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else FUNCTIONAL["pad"](mask, (0, 1))


# --- masks --------------------------------------------------------------------------------------------------------


def additive(mask: Tensor | None, name: str, other: Tensor | None, other_name: str, like: Tensor) -> Tensor | None:
    """A mask as numbers to add to scores: −∞ where a truth mask says that a key is not seen.

    Raises: AssertionError when it is of integers.
    """
    if mask is None:
        return None
    kind = mask._data.dtype.kind
    if kind not in "bf":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            UserWarning,
            stacklevel=user_depth(),
        )
    if kind == "f":
        return mask
    return FUNCTIONS["zeros_like"](mask, dtype=like.dtype).masked_fill_(mask, float("-inf"))


def _together(mask: Tensor | None, padding: Tensor | None, batch: int, heads: int) -> Tensor | None:
    """Both masks as one that broadcasts to (N, H, L, S)."""
    if mask is not None and mask.ndim == 3:
        mask = mask.view(batch, heads, *mask.shape[1:])
    if padding is None:
        return mask
    padding = padding.view(batch, 1, 1, -1)
    return padding if mask is None else mask + padding


# --- refusals -----------------------------------------------------------------------------------------------------


def check_shapes(q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int) -> bool:
    """Whether the inputs are batched.

    Raises: AssertionError in torch's words when their numbers of dimensions do not go together.
    """
    if q.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {q.ndim}-D query tensor"
            "\n  hint: heads are made inside; give (L, N, E), or (N, L, E) with batch_first=True"
        )
    n = q.ndim
    what = f"For {'batched (3-D)' if n == 3 else 'unbatched (2-D)'} `query`, expected"
    if k.ndim != n or v.ndim != n:
        raise AssertionError(
            f"{what} `key` and `value` to be {n}-D but found {k.ndim}-D and {v.ndim}-D tensors respectively"
        )
    if padding is not None and padding.ndim != n - 1:
        raise AssertionError(
            f"{what} `key_padding_mask` to be `None` or {n - 1}-D but found {padding.ndim}-D tensor instead"
        )
    if mask is not None:
        if mask.ndim not in (2, 3):
            raise AssertionError(f"{what} `attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead")
        wanted = (heads, q.shape[0], k.shape[0])
        if n == 2 and mask.ndim == 3 and tuple(mask.shape) != wanted:
            raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {mask.shape}")
    return n == 3


def _check_sizes(q: Tensor, k: Tensor, v: Tensor, width: int, heads: int, separate: bool) -> None:
    if q.shape[-1] != width:
        raise AssertionError(f"was expecting embedding dimension of {width}, but got {q.shape[-1]}")
    if width % heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if separate and k.shape[:2] != v.shape[:2]:
        raise AssertionError(f"key's sequence and batch dims {k.shape[:2]} do not match value's {v.shape[:2]}")
    if not separate and k.shape != v.shape:
        raise AssertionError(f"key shape {k.shape} does not match value shape {v.shape}")


def _check_separate(q: Tensor, k: Tensor, v: Tensor, *weights: Tensor | None) -> None:
    width = q.shape[-1]
    for name, t, weight in zip(("query", "key", "value"), (q, k, v), weights, strict=True):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name[0]}_proj_weight is None")
        if tuple(weight.shape) != (width, t.shape[-1]):
            raise AssertionError(f"expecting {name} weights shape of {(width, t.shape[-1])}, but got {weight.shape}")


def _check_mask(mask: Tensor | None, q: Tensor, k: Tensor, heads: int) -> None:
    if mask is None:
        return
    length, batch = q.shape[:2]
    wanted = (length, k.shape[0]) if mask.ndim == 2 else (batch * heads, length, k.shape[0])
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {wanted}.")
