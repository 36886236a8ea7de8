"""What the recurrent layers share: parameters by layer and direction, and the ways in and out."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from nbautograd.core.op import TABLE
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from . import init
from .module import Module
from .parameter import parameter
from .utils.rnn import PackedSequence

USUAL = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
"""What a layer's text does not mention."""
GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What the recurrent layers have in common: weights for each layer and direction, and torch's shapes."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_settings(dropout)
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                for name, shape in self._shapes(layer).items():
                    self.register_parameter(f"{name}_{suffix}", parameter(shape, device, dtype))
        self.reset_parameters()

    def _check_settings(self, dropout: Any) -> None:
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= float(dropout) <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name in ("input_size", "hidden_size"):
            value = getattr(self, name)
            if not isinstance(value, int):
                raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")

    @property
    def _width(self) -> int:
        """The size of the state that is passed on."""
        return self.proj_size or self.hidden_size

    def _suffixes(self, layer: int) -> list[str]:
        return [f"l{layer}", f"l{layer}_reverse"][: 2 if self.bidirectional else 1]

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """The parameters of one direction of a layer."""
        rows = GATES[self.mode] * self.hidden_size
        inputs = self._width * (1 + self.bidirectional) if layer else self.input_size
        found: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, self._width)}
        if self.bias:
            found |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            found["weight_hr"] = (self.proj_size, self.hidden_size)
        return found

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [
            [getattr(self, f"{name}_{suffix}") for name in self._shapes(layer)]
            for layer in range(self.num_layers)
            for suffix in self._suffixes(layer)
        ]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [weight for weights in self.all_weights for weight in weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        """Their names, by which programs initialise them."""
        layers = range(self.num_layers)
        return [f"{name}_{end}" for layer in layers for end in self._suffixes(layer) for name in self._shapes(layer)]

    def reset_parameters(self) -> None:
        """Draw all weights anew, uniform within ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing to do: weights lie as they are needed."""

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        shown = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        parts += [f"{name}={getattr(self, name)}" for name, usual in shown.items() if getattr(self, name) != usual]
        return ", ".join(parts)

    # --- running ---

    def _run(self, input: Any, given: tuple[Tensor, ...] | None) -> tuple[Any, tuple[Tensor, ...]]:
        """All layers over `input`, a tensor or a packed sequence: the outputs in its form, and the last states."""
        if isinstance(input, PackedSequence):
            self._check_width(input.data)
            sizes = tuple(input.batch_sizes.tolist())
            states = self._states(input.data, sizes[0], given, input.sorted_indices)
            out, last = self._layers(input.data, sizes, states)
            last = tuple(_permuted(s, input.unsorted_indices) for s in last)
            return PackedSequence(out, input.batch_sizes, input.sorted_indices, input.unsorted_indices), last
        self._check_input(input, given)
        single = input.ndim == 2
        x = input.unsqueeze(0 if self.batch_first else 1) if single else input
        x = x.transpose(0, 1) if self.batch_first else x
        given = given and tuple(s.unsqueeze(1) for s in given) if single else given
        steps, batch = x.shape[:2]
        out, last = self._layers(x, (batch,) * steps, self._states(x, batch, given, None))
        if self.batch_first:
            out = out.transpose(0, 1)
        if single:
            out, last = out.squeeze(0 if self.batch_first else 1), tuple(s.squeeze(1) for s in last)
        return out, last

    def _states(self, x: Tensor, batch: int, given: Any, order: Any) -> list[Any]:
        """For each kind of state the initial ones by layer and direction; zeros unless given."""
        count = self.num_layers * (1 + self.bidirectional)
        shapes = [(count, batch, width) for width in self._state_widths()]
        if given is None:
            return [[x.new_zeros(shape[1:])] * count for shape in shapes]
        self._check_states(given, shapes)
        return [_permuted(s, order).unbind(0) for s in given]

    def _state_widths(self) -> tuple[int, ...]:
        return (self._width,)

    def _layers(self, x: Tensor, sizes: tuple[int, ...], states: list[Any]) -> tuple[Tensor, Any]:
        """One layer after the other, dropout between them."""
        ends: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outs: list[Tensor] = []
            for suffix in self._suffixes(layer):
                weights = [getattr(self, f"{name}_{suffix}") for name in self._shapes(layer)]
                first = tuple(s[len(ends)] for s in states)
                out, *last = self._layer(x, first, weights, sizes, suffix.endswith("_reverse"))
                outs.append(out)
                ends.append(tuple(last))
            x = outs[0] if len(outs) == 1 else FUNCTIONS["cat"](outs, x.ndim - 1)
            if self.dropout and self.training and layer + 1 < self.num_layers:
                x = F.dropout(x, self.dropout)
        return x, tuple(FUNCTIONS["stack"](list(s)) for s in zip(*ends, strict=True))

    def _layer(self, x: Tensor, first: Any, weights: list[Tensor], sizes: tuple[int, ...], reverse: bool) -> Any:
        """One direction of one layer, in one node."""
        needs = (x._node is not None, any(w._node is not None for w in weights))
        found = TABLE[self._op].call(
            x, *first, *weights, sizes=sizes, reverse=reverse, bias=self.bias, needs=needs, **self._options()
        )
        return found[: 1 + len(first)]

    _op = ""

    def _options(self) -> dict[str, Any]:
        return {}

    # --- refusals ---

    def _check_input(self, input: Tensor, given: Any) -> None:
        if input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        weight = self.weight_ih_l0
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        if given is not None:
            self._check_dims(input, given)
        self._check_width(input)
        if input.shape[1 if self.batch_first and input.ndim == 3 else 0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")

    def _check_width(self, rows: Tensor) -> None:
        if rows.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {rows.shape[-1]}"
            )

    def _check_dims(self, input: Tensor, given: tuple[Tensor, ...]) -> None:
        (hx,), n = given, input.ndim
        if hx.ndim != n:
            what = "batched" if n == 3 else "unbatched"
            raise RuntimeError(f"For {what} {n}-D input, hx should also be {n}-D but got {hx.ndim}-D tensor")

    def _check_states(self, given: tuple[Tensor, ...], shapes: list[tuple[int, ...]]) -> None:
        if tuple(given[0].shape) != shapes[0]:
            raise RuntimeError(f"Expected hidden size {shapes[0]}, got {list(given[0].shape)}")


def _permuted(states: Tensor, order: Tensor | None) -> Tensor:
    return states if order is None else states.index_select(1, order)
