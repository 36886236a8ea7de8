"""Activation functions as modules."""

from __future__ import annotations

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .module import Module


class _InPlace(Module):
    """An activation whose only setting is whether it overwrites its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """Negative numbers become zero.

    Math: y = max(0, x)
    Example:
        >>> import nbautograd as torch
        >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=self.inplace)


class ReLU6(_InPlace):
    """Numbers held between 0 and 6.

    Math: y = min(max(0, x), 6)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, inplace=self.inplace)


class SELU(_InPlace):
    """A scaled ELU that keeps mean 0 and variance 1 from layer to layer.

    Math: y = s·(max(0, x) + min(0, α(eˣ − 1))), s = 1.0507…, α = 1.6733…
    Source: Klambauer et al. 2017, *Self-normalizing neural networks*.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, inplace=self.inplace)


class SiLU(_InPlace):
    """The input times its sigmoid; also known as swish.

    Math: y = x · σ(x)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """A smooth relative of ReLU.

    Math: y = x · tanh(softplus(x))
    Source: Misra 2020, *Mish: a self regularized non-monotonic activation function*.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, inplace=self.inplace)


class Hardsigmoid(_InPlace):
    """A sigmoid made of three straight lines.

    Math: y = min(max(0, x/6 + 1/2), 1)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, inplace=self.inplace)


class Hardswish(_InPlace):
    """The input times its hard sigmoid.

    Math: y = x · min(max(0, x/6 + 1/2), 1)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, inplace=self.inplace)


class Sigmoid(Module):
    """Numbers squeezed into 0 to 1.

    Math: y = 1 / (1 + e⁻ˣ)
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """Numbers squeezed into −1 to 1.

    Math: y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class Softsign(Module):
    """Numbers squeezed into −1 to 1, slowly.

    Math: y = x / (1 + |x|)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """What tanh takes away.

    Math: y = x − tanh(x)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class LogSigmoid(Module):
    """The logarithm of the sigmoid, without underflow.

    Math: y = −log(1 + e⁻ˣ)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class GELU(Module):
    """The input times the probability that a normal number is smaller; `approximate="tanh"` for the faster form.

    Math: y = x · Φ(x)
    Source: Hendrycks and Gimpel 2016, *Gaussian error linear units*.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class GLU(Module):
    """One half of the input, gated by the sigmoid of the other.

    Math: y = a · σ(b), where x = (a, b) along `dim`
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class _Softmax(Module):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_Softmax):
    """Numbers along `dim` turned into probabilities. `CrossEntropyLoss` contains it: do not put both.

    Math: yᵢ = eˣⁱ / Σⱼ eˣʲ
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


class LogSoftmax(_Softmax):
    """The logarithms of softmax, without underflow.

    Math: yᵢ = xᵢ − log Σⱼ eˣʲ
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmin(_Softmax):
    """Softmax of the negative: the smallest number gets the most."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels at every point of an image.

    Shape: x (N, C, H, W) or (C, H, W)
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)
