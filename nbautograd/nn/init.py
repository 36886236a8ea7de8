"""Filling parameters before training, under torch's names: in place, outside the graph; each returns the tensor."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.absent import refuse_in
from nbautograd.core.array import CPU, place
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor

_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_PLAIN = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By what to multiply initial weights so that a nonlinearity behind them keeps the variance.

    Raises: ValueError for a nonlinearity it does not know.
    """
    if nonlinearity in _PLAIN:
        return 1.0
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, int | float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output has, and how many outputs each input has.

    Raises: ValueError for tensors with fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers from U(a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers from N(mean, std²)."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Fill with numbers from N(mean, std²) cut off below `a` and above `b`."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    with no_grad():
        tensor.normal_(mean, std, generator=generator)
        while True:  # draw again what fell outside
            data = inplace.writable(tensor)
            outside = (data < a) | (data > b)
            count = int(outside.sum())
            if count == 0:
                return tensor
            again = tensor.new_empty((count,)).normal_(mean, std, generator=generator)
            data[outside] = again._data
            inplace.touched(tensor)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with the number `val`."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill with the identity matrix: the layer passes its input on."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _write(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that each channel is passed on."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tuple(tensor.shape)
    if sizes[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    values = np.zeros(sizes)
    per_group = sizes[0] // groups
    centre = tuple(n // 2 for n in sizes[2:])
    for group in range(groups):
        for channel in range(min(per_group, sizes[1])):
            values[(group * per_group + channel, channel, *centre)] = 1
    return _write(tensor, values)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from U(−a, a) so that variance is kept both forward and backward.

    Math: a = gain · √(6 / (fan_in + fan_out))
    Source: Glorot and Bengio 2010, *Understanding the difficulty of training deep feedforward neural networks*.
    """
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from N(0, s²) so that variance is kept both forward and backward.

    Math: s = gain · √(2 / (fan_in + fan_out))
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill from U(−b, b) so that variance is kept behind a ReLU.

    Math: b = gain · √(3 / fan)
    Source: He et al. 2015, *Delving deep into rectifiers*.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill from N(0, s²) so that variance is kept behind a ReLU.

    Math: s = gain / √fan
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a matrix whose rows (or columns) are orthonormal, times `gain`.

    Source: Saxe, McClelland and Ganguli 2014, *Exact solutions to the nonlinear dynamics of learning*.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    drawn = normal_(tensor.new_empty((rows, columns)), generator=generator)
    flat = place(drawn._data, CPU).astype(np.float64)
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    q *= np.sign(np.diag(r))  # so that every orthogonal matrix is equally likely
    return _write(tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill from N(0, std²), but with the part `sparsity` of each column at zero."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows = tensor.shape[0]
    normal_(tensor, 0.0, std, generator)
    order = uniform_(tensor.new_empty(tuple(tensor.shape)), generator=generator)._data.argsort(axis=0)
    values = inplace.writable(tensor)
    values[order < math.ceil(sparsity * rows)] = 0
    inplace.touched(tensor)
    return tensor


def _write(tensor: Tensor, values: Any) -> Tensor:
    inplace.write(tensor, place(values.astype(tensor._data.dtype), tensor.device))
    return tensor


def _old_name(name: str) -> Any:
    """torch's former name of an initialisation, which warns and does the same."""

    def old(*args: Any, **settings: Any) -> Tensor:
        warnings.warn(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning, stacklevel=2)
        return globals()[f"{name}_"](*args, **settings)

    old.__name__ = old.__qualname__ = name
    old.__doc__ = f"The former name of `{name}_`."
    return old


for _name in ("constant", "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal", "sparse",
              "uniform",
              "xavier_normal", "xavier_uniform"):  # fmt: skip
    globals()[_name] = _old_name(_name)

__getattr__ = refuse_in("nn.init")
