"""The three transforms that all others are made of: complex to complex, real to complex, complex to real.

NOTE [Transposed transforms]
A transform is linear, so its gradient is its conjugate transpose: the transform in the other direction, scaled as the
mode of normalisation says in that other direction. A half spectrum leaves out what symmetry gives back; transposed,
that means zeros in place of what was left out (real to complex) and twice the gradient where one number stood for two
(complex to real).
"""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.ops.complex.points import is_complex, points
from nbautograd.ops.samples import Make, through
from nbautograd.ops.silence import silently

TRANSPOSED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
"""The mode that scales a transform in the other direction as this one scales it in its own."""

SIGNALS = (((4,), (0,)), ((5,), (0,)), ((2, 3), (1,)), ((2, 4), (0,)), ((2, 3), (0, 1)), ((3, 2, 4), (0, 2)),
           ((1,), (0,)), ((0, 3), (1,)), ((2, 5, 3), (2, 1)))  # fmt: skip


def _signals(make: Make) -> Any:
    for mode in TRANSPOSED:
        for shape, dims in SIGNALS:
            yield points(make, *shape), {"dims": dims, "norm": mode, "inverse": mode == "forward"}
            yield make(*shape), {"dims": dims, "norm": mode, "inverse": len(dims) == 2}


def _real_signals(make: Make) -> Any:
    for mode in TRANSPOSED:
        for shape, dims in SIGNALS:
            yield make(*shape), {"dims": dims, "norm": mode}


def _half_spectra(make: Make) -> Any:
    for mode in TRANSPOSED:
        for shape, dims in SIGNALS:
            size = 2 * shape[dims[-1]] - 1
            yield points(make, *shape), {"dims": dims, "norm": mode, "size": size}
            if size > 1:
                yield points(make, *shape), {"dims": dims, "norm": mode, "size": size - 1}


def along(dim: int, part: slice) -> tuple[Any, ...]:
    """The index of a part of one dimension."""
    return (*(slice(None),) * dim, part)


class FftC2c(Op):
    """The Fourier transform of complex numbers over some dimensions, or the inverse one.

    Math: outₖ = Σₙ xₙ e^(∓2πi k n / N), scaled by 1, 1/√N or 1/N
    """

    node_name = "FftC2CBackward0"
    conjugates = True
    samples = through("", _signals, numeric=False)

    def forward(x, *, dims, norm, inverse=False):
        return silently(xp.fft.ifftn if inverse else xp.fft.fftn, x, axes=dims, norm=norm)

    def dx(g, x_dtype, dims, norm, inverse):
        whole = xp.fft_c2c(g, dims=dims, norm=TRANSPOSED[norm], inverse=not inverse)
        return whole if x_dtype.kind == "c" else xp.real(whole)


class FftR2c(Op):
    """The Fourier transform of real numbers: the half of it that the other half repeats."""

    node_name = "FftR2CBackward0"
    title = "rfft"
    conjugates = True
    samples = through("", _real_signals, numeric=False)

    def forward(x, *, dims, norm):
        return silently(xp.fft.rfftn, x, axes=dims, norm=norm)

    def dx(g, x_shape, dims, norm):
        last = dims[-1]
        left_out = xp.zeros_like(g[along(last, slice(1, x_shape[last] - g.shape[last] + 1))])
        whole = xp.concatenate([g, left_out], axis=last)
        return xp.real(xp.fft_c2c(whole, dims=dims, norm=TRANSPOSED[norm], inverse=True))


class FftC2r(Op):
    """The inverse Fourier transform of half a spectrum, whose other half makes the result real."""

    node_name = "FftC2RBackward0"
    title = "irfft"
    conjugates = True
    samples = through("", _half_spectra)

    def forward(x, *, dims, norm, size):
        sizes = [size if d == dims[-1] else x.shape[d] for d in dims]
        return silently(xp.fft.irfftn, x, s=sizes, axes=dims, norm=norm)

    def dx(g, dims, norm):
        half = xp.fft_r2c(g, dims=dims, norm=TRANSPOSED[norm])
        last = dims[-1]
        twice = g.shape[last] - half.shape[last]
        parts = [half[along(last, part)] for part in (slice(1), slice(1, twice + 1), slice(twice + 1, None))]
        return xp.concatenate([parts[0], 2 * parts[1], parts[2]], axis=last)


def transform(input: Any, dims: tuple[int, ...], norm: str, inverse: bool = False) -> Any:
    """The whole spectrum of real or complex numbers."""
    return FftC2c.call(input, dims=dims, norm=norm, inverse=inverse) if dims else input + 0j


def half_spectrum(input: Any, dims: tuple[int, ...], norm: str) -> Any:
    """The half of the spectrum of real numbers that tells all of it."""
    return FftR2c.call(input, dims=dims, norm=norm)


def from_half_spectrum(input: Any, dims: tuple[int, ...], norm: str, size: int) -> Any:
    """Real numbers, `size` of them in the last of `dims`, from half a spectrum."""
    return FftC2r.call(input if is_complex(input) else input + 0j, dims=dims, norm=norm, size=size)
