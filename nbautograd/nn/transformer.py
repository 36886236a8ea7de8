"""The transformer: stacks of its layers, encoder and decoder."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.call import wrap
from nbautograd.core.tensor import Tensor
from nbautograd.ops.multi_head_attention import additive

from . import functional as F  # noqa: N812
from . import init
from .containers import ModuleList
from .module import Module
from .normalization import LayerNorm
from .transformer_layers import Activation, TransformerDecoderLayer, TransformerEncoderLayer


class _Stack(Module):
    """Copies of one layer, one after the other, and perhaps a norm at the end."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.norm = norm

    def _length(self, x: Tensor) -> int:
        batch_first = x.ndim == 3 and len(self.layers) > 0 and self.layers[0].self_attn.batch_first
        return x.shape[1 if batch_first else 0]

    def _normed(self, x: Tensor) -> Tensor:
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """Copies of an encoder layer, one after the other, then `norm`.

    All copies start with the same weights. `enable_nested_tensor` and `mask_check` are accepted: they only concern a
    faster way of torch's.
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        padding = additive(src_key_padding_mask, "src_key_padding_mask", mask, "mask", src)
        mask = additive(mask, "mask", None, "", src)
        causal = _is_causal(mask, is_causal, self._length(src))
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        return self._normed(src)


class TransformerDecoder(_Stack):
    """Copies of a decoder layer, one after the other, then `norm`. All copies start with the same weights."""

    def __init__(self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        causal = _is_causal(tgt_mask, tgt_is_causal, self._length(tgt))
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return self._normed(tgt)


def _is_causal(mask: Tensor | None, said: bool | None, size: int) -> bool:
    """Whether to attend causally: as the caller said, or because the mask is the causal one."""
    if said is not None or mask is None:
        return bool(said)
    data = mask._data
    return tuple(data.shape) == (size, size) and bool(
        (data == arrays.place(_triangle(size, data.dtype), mask.device)).all()
    )


def _triangle(size: int, dtype: Any) -> Any:
    """−∞ above the diagonal, or True there."""
    return np.triu(np.full((size, size), True if dtype == np.bool else -np.inf, dtype), 1)


class Transformer(Module):
    """Encoder and decoder: from one sequence to another.

    Shape: src (S, N, d_model), tgt (T, N, d_model) → (T, N, d_model); N first with batch_first; without N throughout
    Raises: RuntimeError when the batches differ or the last size is not d_model.
    Source: Vaswani et al. 2017, *Attention is all you need*.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*layer, device, dtype), num_encoder_layers, norm()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*layer, device, dtype), num_decoder_layers, norm()
        )
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        """Draw all matrices anew."""
        for param in self.parameters():
            if param.ndim > 1:
                init.xavier_uniform_(param)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """A mask for `sz` positions that lets each see itself and what came before: −∞ above the diagonal."""
        kind = dtypes.get_default_dtype() if dtype is None else dtypes.to_dtype(dtype)
        return wrap(arrays.place(_triangle(sz, kind.numpy), arrays.CPU if device is None else arrays.device(device)))
