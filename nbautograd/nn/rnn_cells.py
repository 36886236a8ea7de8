"""Single steps of recurrent layers, to write the loop over time oneself."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import TABLE
from nbautograd.core.tensor import Tensor

from . import init
from .module import Module
from .parameter import Parameter, parameter


class RNNCellBase(Module):
    """What the cells have in common."""

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = parameter((rows, input_size), device, dtype)
        self.weight_hh = parameter((rows, hidden_size), device, dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, parameter((rows,), device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, uniform within ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            parts.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(parts)

    def _step(self, op: str, input: Tensor, states: Any, count: int, **settings: Any) -> tuple[Tensor, ...]:
        """One step of `op`; the new states, without a batch where the input has none."""
        self._check_dims(input, states)
        if input.ndim == 1:
            states = states and tuple(s.unsqueeze(0) for s in states)
            return tuple([s.squeeze(0) for s in self._step(op, input.unsqueeze(0), states, count, **settings)])
        if states is None:
            states = (input.new_zeros((input.shape[0], self.hidden_size)),) * count
        self._check_sizes(input, states)
        biases = (self.bias_ih, self.bias_hh) if self.bias else ()
        return TABLE[op].call(input, *states, self.weight_ih, self.weight_hh, *biases, **settings)[:count]

    def _check_dims(self, input: Tensor, states: Any) -> None:
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for i, state in enumerate(states or ()):
            if state.ndim not in (1, 2):
                which = f"hx[{i}]" if len(states) > 1 else "hidden"
                raise ValueError(f"{name}: Expected {which} to be 1D or 2D, got {state.ndim}D instead")

    def _check_sizes(self, input: Tensor, states: tuple[Tensor, ...]) -> None:
        if input.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {self.input_size}")
        for i, state in enumerate(states):
            if state.shape[0] != input.shape[0]:
                raise RuntimeError(
                    f"Input batch size {input.shape[0]} doesn't match hidden{i} batch size {state.shape[0]}"
                )
            if state.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {state.shape[1]}, expected {self.hidden_size}"
                )


class RNNCell(RNNCellBase):
    """One step of the simple recurrent network.

    Math: h' = tanh(W x + b + U h + b'), or relu
    Shape: input (N, input_size), hx (N, hidden_size) → (N, hidden_size); without N throughout
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        relu = self.nonlinearity == "relu"
        op = "rnn_relu_cell" if relu else "rnn_cell"
        return self._step(op, input, None if hx is None else (hx,), 1, relu=relu)[0]


class LSTMCell(RNNCellBase):
    """One step of long short-term memory.

    Math: i, f, o = σ(W x + U h + b), g = tanh(…), c' = f ∘ c + i ∘ g, h' = o ∘ tanh c'
    Shape: input (N, input_size), (h, c) each (N, hidden_size) → (h', c'); without N throughout
    Example:
        >>> import nbautograd as torch
        >>> cell = torch.nn.LSTMCell(3, 4)
        >>> h, c = cell(torch.zeros(2, 3))
        >>> h, c = cell(torch.zeros(2, 3), (h, c))
        >>> h.shape
        torch.Size([2, 4])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step("lstm_cell", input, None if hx is None else tuple(hx), 2)
        return h, c


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit.

    Math: r, z = σ(W x + U h + b), n = tanh(W_n x + r ∘ (U_n h + b_n)), h' = (1 − z) ∘ n + z ∘ h
    Shape: input (N, input_size), hx (N, hidden_size) → (N, hidden_size); without N throughout
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("gru_cell", input, None if hx is None else (hx,), 1)[0]
