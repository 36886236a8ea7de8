"""Recurrent layers: they read a sequence step by step and carry a state along."""

from __future__ import annotations

from typing import Any

from nbautograd.core.tensor import Tensor

from .rnn_base import RNNBase


class LSTM(RNNBase):
    """Long short-term memory: gates decide what a cell keeps, takes in and shows.

    Math: i, f, o = σ(W x + U h + b), g = tanh(…), c' = f ∘ c + i ∘ g, h' = o ∘ tanh c'
    Shape: input (L, N, input_size), (N, L, input_size) with batch_first, (L, input_size), or a packed sequence;
        h_0 (layers · directions, N, proj_size or hidden_size), c_0 (…, hidden_size) → output (L, N, directions · size),
        (h_n, c_n)
    Raises: RuntimeError, ValueError for inputs and states of the wrong size.
    Source: Hochreiter and Schmidhuber 1997, *Long short-term memory*.
    Example:
        >>> import nbautograd as torch
        >>> lstm = torch.nn.LSTM(input_size=3, hidden_size=4, batch_first=True)
        >>> output, (h, c) = lstm(torch.zeros(2, 5, 3))
        >>> output.shape, h.shape
        (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    _op = "lstm"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        out, last = self._run(input, None if hx is None else tuple(hx))
        return out, last

    def _state_widths(self) -> tuple[int, ...]:
        return self._width, self.hidden_size

    def _options(self) -> dict[str, Any]:
        return {"project": self.proj_size > 0}

    def _check_dims(self, input: Tensor, given: tuple[Tensor, ...]) -> None:
        n, dims = input.ndim, tuple(s.ndim for s in given)
        if dims != (n, n):
            what = "batched" if n == 3 else "unbatched"
            raise RuntimeError(
                f"For {what} {n}-D input, hx and cx should also be {n}-D but got ({dims[0]}-D, {dims[1]}-D) tensors"
            )

    def _check_states(self, given: tuple[Tensor, ...], shapes: list[tuple[int, ...]]) -> None:
        for i, (state, shape) in enumerate(zip(given, shapes, strict=True)):
            if tuple(state.shape) != shape:
                raise RuntimeError(f"Expected hidden[{i}] size {shape}, got {list(state.shape)}")


class GRU(RNNBase):
    """Gated recurrent unit: one gate mixes the old state with a candidate, one decides what the candidate sees of it.

    Math: r, z = σ(W x + U h + b), n = tanh(W_n x + r ∘ (U_n h + b_n)), h' = (1 − z) ∘ n + z ∘ h
    Shape: input (L, N, input_size), (N, L, input_size) with batch_first, (L, input_size), or a packed sequence;
        h_0 (layers · directions, N, hidden_size) → output (L, N, directions · hidden_size), h_n
    Raises: RuntimeError, ValueError for inputs and states of the wrong size.
    Source: Cho et al. 2014, *Learning phrase representations using RNN encoder–decoder*.
    """

    _op = "gru"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> Any:
        out, (last,) = self._run(input, None if hx is None else (hx,))
        return out, last


class RNN(RNNBase):
    """The simple recurrent network of Elman.

    Math: h' = tanh(W x + b + U h + b'), or relu with nonlinearity="relu"
    Shape: as `GRU`
    Raises: RuntimeError, ValueError for inputs and states of the wrong size.
    Source: Elman 1990, *Finding structure in time*.
    """

    _op = "rnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> Any:
        out, (last,) = self._run(input, None if hx is None else (hx,))
        return out, last

    def _options(self) -> dict[str, Any]:
        return {"relu": self.mode == "RNN_RELU"}
