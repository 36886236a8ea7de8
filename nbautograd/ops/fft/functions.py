"""torch.fft's functions: which dimensions, how many points, which scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.call import wrap
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.fft.transforms import TRANSPOSED, from_half_spectrum, half_spectrum, transform


def _mode(norm: str | None) -> str:
    norm = norm or "backward"
    if norm not in TRANSPOSED:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"\n  hint: "backward", "forward" or "ortho"')
    return norm


def _points(count: int) -> int:
    if count < 1:
        raise RuntimeError(f"Invalid number of data points ({count}) specified")
    return count


def _numbers(input: Tensor, name: str = "", real: str = "") -> Tensor:
    """`input` as floats; `real` says in torch's words that they must not be complex."""
    kind = input.dtype
    if kind.tensor_type == "Half":
        raise RuntimeError("Unsupported dtype Half\n  hint: x.float() makes it float32")
    if real and kind.is_complex:
        raise RuntimeError(f"{name} expects a {real} input tensor, but got {kind.tensor_type}")
    return input if kind.is_floating_point or kind.is_complex else input.to(dtypes.get_default_dtype())


def resized(input: Tensor, dim: int, count: int) -> Tensor:
    """The first `count` elements along `dim`, with zeros behind them where there are fewer."""
    has = input.shape[dim]
    if count <= has:
        return input if count == has else input.narrow(dim, 0, count)
    shape = list(input.shape)
    shape[dim] = count - has
    from nbautograd.core.op import tensors as xp

    return xp.concatenate([input, input.new_zeros(shape)], axis=dim)


def _one(input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return canonical_dim(dim, input.ndim)


def _several(input: Tensor, s: Any, dim: Any) -> tuple[tuple[int, ...], list[int]]:
    """The dimensions to transform, and how many points each shall have."""
    ndim = input.ndim
    s = [s] if isinstance(s, int) else s
    if dim is not None:
        dims = tuple(canonical_dim(d, ndim) for d in ([dim] if isinstance(dim, int) else dim))
    elif s is not None:
        if len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        dims = tuple(range(ndim - len(s), ndim))
    else:
        dims = tuple(range(ndim))
    if len(set(dims)) < len(dims):
        raise RuntimeError("FFT dims must be unique")
    if s is not None and len(s) != len(dims):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    sizes = [-1] * len(dims) if s is None else s
    return dims, [_points(input.shape[d] if n == -1 else n) for d, n in zip(dims, sizes, strict=True)]


def _all_resized(input: Tensor, dims: Any, sizes: Any) -> Tensor:
    for dim, count in zip(dims, sizes, strict=True):
        input = resized(input, dim, count)
    return input


# --- one dimension ------------------------------------------------------------------------------------------------


def fft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """The Fourier transform along one dimension.

    Math: outₖ = Σₘ xₘ e^(−2πi k m / n)
    Example:
        >>> import nbautograd as torch
        >>> torch.fft.fft(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    at = _one(input, dim)
    return transform(resized(_numbers(input), at, _points(input.shape[at] if n is None else n)), (at,), _mode(norm))


def ifft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """The inverse Fourier transform along one dimension."""
    at = _one(input, dim)
    points = resized(_numbers(input), at, _points(input.shape[at] if n is None else n))
    return transform(points, (at,), _mode(norm), inverse=True)


def rfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """The Fourier transform of real numbers: the n // 2 + 1 frequencies from zero upwards."""
    at = _one(input, dim)
    points = resized(_numbers(input, "rfft", "real"), at, _points(input.shape[at] if n is None else n))
    return half_spectrum(points, (at,), _mode(norm))


def irfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """The real numbers whose `rfft` is `input`; `n` of them, 2 · (size − 1) unless told otherwise."""
    at = _one(input, dim)
    n = _points(2 * (input.shape[at] - 1) if n is None else n)
    return from_half_spectrum(resized(_numbers(input), at, n // 2 + 1), (at,), _mode(norm), n)


def hfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """The real spectrum of a signal whose other half is its mirrored conjugate."""
    return irfft(input.conj(), n, dim, TRANSPOSED[_mode(norm)])


def ihfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """The inverse of `hfft`: half a signal from its real spectrum."""
    return rfft(_numbers(input, "ihfft", "real"), n, dim, TRANSPOSED[_mode(norm)]).conj()


# --- several dimensions -------------------------------------------------------------------------------------------


def fftn(input, s: Any = None, dim: Any = None, norm: str | None = None):
    """The Fourier transform over several dimensions, all of them unless told otherwise."""
    dims, sizes = _several(input, s, dim)
    return transform(_all_resized(_numbers(input), dims, sizes), dims, _mode(norm))


def ifftn(input, s: Any = None, dim: Any = None, norm: str | None = None):
    """The inverse Fourier transform over several dimensions."""
    dims, sizes = _several(input, s, dim)
    return transform(_all_resized(_numbers(input), dims, sizes), dims, _mode(norm), inverse=True)


def rfftn(input, s: Any = None, dim: Any = None, norm: str | None = None):
    """The Fourier transform of real numbers over several dimensions: half of the last one tells all."""
    input = _numbers(input, "rfftn", "real-valued")
    dims, sizes = _several(input, s, dim)
    if not dims:
        raise RuntimeError("rfftn must transform at least one axis")
    return half_spectrum(_all_resized(input, dims, sizes), dims, _mode(norm))


def _half_sizes(input: Tensor, s: Any, dim: Any, name: str) -> tuple[tuple[int, ...], list[int], int]:
    """Dimensions, their sizes in the half spectrum, and the size of the last one in the result."""
    dims, sizes = _several(input, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    told = s if s is None or isinstance(s, int) else s[-1]
    last = _points(2 * (input.shape[dims[-1]] - 1) if told is None or told == -1 else told)
    return dims, [*sizes[:-1], last // 2 + 1], last


def irfftn(input, s: Any = None, dim: Any = None, norm: str | None = None):
    """The real numbers whose `rfftn` is `input`."""
    dims, sizes, last = _half_sizes(input, s, dim, "irfftn")
    return from_half_spectrum(_all_resized(_numbers(input), dims, sizes), dims, _mode(norm), last)


def hfftn(input, s: Any = None, dim: Any = None, norm: str | None = None):
    """The real spectrum over several dimensions of a signal whose other half is its mirrored conjugate."""
    dims, sizes, last = _half_sizes(input, s, dim, "hfftn")
    points = transform(_all_resized(_numbers(input), dims, sizes), dims[:-1], _mode(norm))
    return hfft(points, last, dims[-1], norm)


def ihfftn(input, s: Any = None, dim: Any = None, norm: str | None = None):
    """The inverse of `hfftn`."""
    input = _numbers(input, "ihfftn", "real-valued")
    dims, sizes = _several(input, s, dim)
    half = ihfft(_all_resized(input, dims, sizes), None, dims[-1], norm)
    return transform(half, dims[:-1], _mode(norm), inverse=True)


def _in_the_plane(over_several: Any, name: str) -> Any:
    """`over_several` for the last two dimensions unless told otherwise."""

    def plane(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
        return over_several(input, s, dim, norm)

    plane.__name__ = plane.__qualname__ = name
    plane.__doc__ = f"`{over_several.__name__}` over two dimensions, the last ones unless told otherwise."
    return plane


fft2, ifft2, rfft2, irfft2, hfft2, ihfft2 = (
    _in_the_plane(function, name)
    for function, name in (
        (fftn, "fft2"), (ifftn, "ifft2"), (rfftn, "rfft2"), (irfftn, "irfft2"), (hfftn, "hfft2"), (ihfftn, "ihfft2")
    )
)  # fmt: skip


# --- frequencies --------------------------------------------------------------------------------------------------


def _frequencies(values: Any, dtype: Any, requires_grad: bool) -> Tensor:
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    return wrap(values.astype(kind.numpy)).requires_grad_(requires_grad)


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False):
    """The frequencies of what `fft` of `n` points gives, at the distance `d` of the points."""
    return _frequencies(np.fft.fftfreq(n, d), dtype, requires_grad).to(device or "cpu")


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False):
    """The frequencies of what `rfft` of `n` points gives."""
    return _frequencies(np.fft.rfftfreq(n, d), dtype, requires_grad).to(device or "cpu")


def _shifted(input: Tensor, dim: Any, sign: int) -> Tensor:
    dims = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    steps = tuple((input.shape[d] + (sign < 0)) // 2 for d in dims)
    return input.roll(steps, dims)


def fftshift(input, dim: Any = None):
    """The frequency zero moved into the middle."""
    return _shifted(input, dim, 1)


def ifftshift(input, dim: Any = None):
    """The frequency zero moved back to the front."""
    return _shifted(input, dim, -1)
