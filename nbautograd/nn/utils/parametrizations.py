"""Weights of a fixed kind: of learnt length and direction, of spectral norm one, orthogonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import CPU, place
from nbautograd.core.call import wrap
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.nn.module import Module
from nbautograd.ops.linalg.functions import matrix_exp
from nbautograd.ops.linalg.kernels import geqrf
from nbautograd.ops.linalg.reflectors import householder_product
from nbautograd.ops.linalg.solve import solve
from nbautograd.ops.linalg.triangles import qr

from .parametrize import register_parametrization


def norm_except_dim(weight: Tensor, dim: int) -> Tensor:
    """The norm over all dimensions but `dim`; over all with −1."""
    if dim == -1:
        return weight.norm()
    return weight.norm(2, tuple(d for d in range(weight.ndim) if d != dim), keepdim=True)


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight.clone()


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length and the direction of each vector of a weight apart.

    Math: w = g · v/‖v‖, with `g` as `original0` and `v` as `original1`
    Source: Salimans and Kingma 2016, *Weight normalization*.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class PowerIteration:
    """An estimate of a matrix's largest singular value that gets better with every step."""

    def __init__(self, dim: int, eps: float) -> None:
        self.dim = dim
        self.eps = eps

    def matrix(self, weight: Tensor) -> Tensor:
        """`weight` as a matrix whose rows belong to `dim`."""
        return weight.movedim(self.dim, 0).flatten(1)

    def start(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Random directions to begin with."""
        return tuple(self._unit(matrix.new_empty((n,)).normal_(0, 1)) for n in matrix.shape)  # type: ignore[return-value]

    def _unit(self, vector: Tensor) -> Tensor:
        return FUNCTIONAL["normalize"](vector, dim=0, eps=self.eps)

    @no_grad()
    def steps(self, matrix: Tensor, u: Tensor, v: Tensor, count: int, left_first: bool = True) -> None:
        """Turn `u` and `v`, in place, towards the singular vectors of the largest value."""
        for _ in range(count):
            for left in (left_first, not left_first):
                if left:
                    u.copy_(self._unit(matrix.mv(v)))
                else:
                    v.copy_(self._unit(matrix.T.conj().mv(u)))


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        self.n_power_iterations = n_power_iterations
        self._power = PowerIteration(self.dim, eps)
        if ndim > 1:
            matrix = self._power.matrix(weight)
            with no_grad():
                u, v = self._power.start(matrix)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._power.steps(matrix, u, v, 15)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return FUNCTIONAL["normalize"](weight, dim=0, eps=self.eps)
        matrix = self._power.matrix(weight)
        if self.training:
            self._power.steps(matrix, self._u, self._v, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the next step changes them
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, so that the layer stretches nothing.

    Source: Miyato et al. 2018, *Spectral normalization for generative adversarial networks*.
    """
    weight = _tensor_of(module, name)
    dim = output_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def output_dim(module: Module) -> int:
    """The dimension of a weight that belongs to the outputs: 1 for transposed convolutions, else 0."""
    return int(any(kind.__name__.startswith("ConvTranspose") for kind in type(module).__mro__))


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


class _Orthogonal(Module):
    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.dtype.is_complex and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = _reflected(x) if self.orthogonal_map == "householder" else _rotated(x, self.orthogonal_map)
        q = self.base @ q if hasattr(self, "base") else q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if tuple(q.shape) != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations "
                    "when use_trivialization=False."
                )
            packed = _signed_reflections(tall)
            return packed.mT if wide else packed
        self.base = _completed(tall)
        identity = FUNCTIONS["eye"](*q.shape[-2:], dtype=q.dtype, device=q.device)
        return (-identity).expand(self.shape).clone()


def _rotated(x: Tensor, kind: str) -> Tensor:
    """The first columns of a rotation, from a skew-symmetric matrix."""
    rows, columns = x.shape[-2:]
    lower = x.tril()
    if rows != columns:
        lower = FUNCTIONS["cat"]([lower, x.new_zeros((*x.shape[:-1], rows - columns))], -1)
    skew = lower - lower.mH
    if kind == "matrix_exp":
        q = matrix_exp(skew)
    else:
        identity = FUNCTIONS["eye"](rows, dtype=x.dtype, device=x.device)
        q = solve(identity - 0.5 * skew, identity + 0.5 * skew)
    return q[..., :columns]


def _reflected(x: Tensor) -> Tensor:
    """The first columns of a product of reflections, one for each column of `x`; its diagonal keeps their signs."""
    below = x.tril(-1)
    q = householder_product(below, 2.0 / (1.0 + (below * below).sum(-2)))
    return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def _signed_reflections(q: Tensor) -> Tensor:
    """The reflections whose product is `q`, below a diagonal of their signs."""
    packed, factors = geqrf(place(q._data, CPU))
    diagonal = np.einsum("...ii->...i", packed)  # a view that can be written to
    diagonal[...] = np.sign(diagonal) * np.where(factors == 0, -1, 1)
    return wrap(place(packed, q.device))


def _completed(q: Tensor) -> Tensor:
    """A square orthogonal matrix whose first columns are those of `q`, made orthogonal where they are not."""
    rows, columns = q.shape[-2:]
    more = FUNCTIONS["randn"]((*q.shape[:-2], rows, rows - columns), dtype=q.dtype, device=q.device)
    base, r = qr(FUNCTIONS["cat"]([q, more], -1))
    return base * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep the rows or columns of a weight orthonormal, whatever is learnt.

    `orthogonal_map` says how: "matrix_exp" (of a skew-symmetric matrix), "cayley", or "householder" (reflections).

    Source: Lezcano-Casado 2019, *Trivializations for gradient-based optimization on manifolds*.
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.dtype.is_complex else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made: Any = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
