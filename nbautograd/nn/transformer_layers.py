"""The layers of a transformer: attention and two linear layers, each round a residual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.tensor import Tensor
from nbautograd.ops.multi_head_attention import additive

from . import functional as F  # noqa: N812
from .attention import MultiheadAttention
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

Activation = str | Callable[[Tensor], Tensor]


class _Layer(Module):
    """What encoder and decoder layers have in common: `blocks` residuals with a norm and a dropout each."""

    blocks = 2

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where = {"device": device, "dtype": dtype}

        def attention() -> MultiheadAttention:
            return MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **where)

        self.self_attn = attention()
        if self.blocks == 3:
            self.multihead_attn = attention()
        self.linear1 = Linear(d_model, dim_feedforward, bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **where)
        self.norm_first = norm_first
        for i in range(1, self.blocks + 1):
            self.add_module(f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **where))
        for i in range(1, self.blocks + 1):
            self.add_module(f"dropout{i}", Dropout(dropout))
        self.activation = _activation(activation) if isinstance(activation, str) else activation

    def _residual(self, i: int, x: Tensor, block: Callable[[Tensor], Tensor]) -> Tensor:
        """`x` and what block `i` makes of it, with the norm before the block or after the sum."""
        norm, dropout = self._modules[f"norm{i}"], self._modules[f"dropout{i}"]
        return x + dropout(block(norm(x))) if self.norm_first else norm(x + dropout(block(x)))

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    if name not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {name}")
    return F.relu if name == "relu" else F.gelu


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear layers with an activation between them; each added to its input and normalised.

    Math: y = norm₁(x + attention(x)), z = norm₂(y + W₂ act(W₁ y)); with norm_first y = x + attention(norm₁(x)), …
    Shape: src (L, N, d_model) → the same; (N, L, d_model) with batch_first
    Source: Vaswani et al. 2017, *Attention is all you need*, section 3.1.
    Example:
        >>> import nbautograd as torch
        >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
        >>> layer(torch.zeros(2, 5, 8)).shape
        torch.Size([2, 5, 8])
    """

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        padding = additive(src_key_padding_mask, "src_key_padding_mask", src_mask, "src_mask", src)
        mask = additive(src_mask, "src_mask", None, "", src)

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, padding, False, mask, is_causal=is_causal)[0]

        return self._residual(2, self._residual(1, src, attend), self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """As the encoder's layer, with attention to the encoder's result (`memory`) in the middle.

    Shape: tgt (T, N, d_model), memory (S, N, d_model) → (T, N, d_model); N first with batch_first
    Source: Vaswani et al. 2017, *Attention is all you need*, section 3.1.
    """

    blocks = 3

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        def attend(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def look_up(x: Tensor) -> Tensor:
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )[0]

        x = self._residual(2, self._residual(1, tgt, attend), look_up)
        return self._residual(3, x, self._feed_forward)
