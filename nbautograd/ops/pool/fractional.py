"""Max pools whose windows lie at random, so that the size shrinks by a fraction."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.ops.conv.kernels import steps
from nbautograd.ops.pool.functions import sizes_of
from nbautograd.ops.samples import Make, through

SHRUNK = (((2, 3, 7, 8), 2, (4, 5)), ((1, 2, 5, 6), (2, 3), (3, 3)), ((2, 1, 4, 4), 1, (4, 2)),
          ((1, 1, 9, 5), 3, 2), ((1, 2, 6, 6), 2, (1, 5)), ((2, 2, 4, 5), 2, (3, 4)), ((1, 2, 3, 4), 2, (2, 2)),
          ((2, 1, 8, 3), (3, 1), 3), ((1, 1, 5, 5), 2, (3, 2)), ((1, 2, 4, 5, 6), 2, (2, 3, 4)),
          ((2, 1, 4, 4, 4), 2, 2), ((1, 1, 5, 5, 5), (1, 2, 3), (3, 2, 2)), ((2, 2, 5, 4, 5), 1, 3),
          ((1, 2, 4, 4, 5), 2, (1, 2, 3)), ((1, 1, 3, 4, 3), 1, (2, 3, 1)), ((2, 1, 6, 3, 4), (3, 1, 2), (3, 2, 2)),
          ((1, 3, 4, 4, 4), (2, 1, 1), (2, 1, 3)), ((1, 1, 7, 4, 3), 2, (4, 2, 1)))  # fmt: skip


def _shrunk(make: Make, spatial: int) -> Any:
    for shape, kernel, size in SHRUNK:
        if len(shape) == spatial + 2:
            samples = make.fixed(*shape[:2], spatial, low=0, high=0.999)
            yield make.distinct(*shape), kernel, {"output_size": size, "_random_samples": samples}


def starts_of(samples, n, kernel, out):
    """Where each window begins along a dimension of `n`, by one random number for each row: (rows, out)."""
    if out == 1:
        return xp.full((*samples.shape, 1), n - kernel)
    step = (n - kernel) / (out - 1)
    grown = xp.floor((xp.arange(out) + samples[..., None]) * step) - xp.floor(samples[..., None] * step)
    grown[..., -1] = n - kernel  # the last window ends at the border
    return grown.astype("int64")


def places_under(samples, size, kernel, out):
    """What lies under every window, as places in the flattened spatial dimensions: (N, C, *out, kernel)."""
    n, under = len(out), 0
    for d, step in enumerate(steps(tuple(size))):
        number = n - 1 - d if n == 2 else d  # torch takes them in this order
        first = starts_of(samples[..., number], size[d], kernel[d], out[d])
        places = (first[..., None] + xp.arange(kernel[d])) * step
        shape = [*samples.shape[:2], *(1,) * (2 * n)]
        shape[2 + d], shape[2 + n + d] = out[d], kernel[d]
        under = under + places.reshape(tuple(shape))
    return under.reshape((*samples.shape[:2], *out, math.prod(kernel)))


class FractionalMaxPool2d(Op):
    """The largest element of every window; the windows' places are random.

    Source: Graham 2014, *Fractional max-pooling*
    """

    node_name = "FractionalMaxPool2DBackward0"
    title = "fractional max pool"
    promote = "none"
    aux = ("index",)
    tex = {"x": "\\text{where it was largest}"}
    samples = through("fractional_max_pool2d", lambda make: _shrunk(make, 2))

    def forward(x, *, samples, kernel, windows):
        under = places_under(samples, x.shape[2:], kernel, windows)
        rows = under.reshape((*x.shape[:2], *(1,) * (len(kernel) - 1), -1))
        values = xp.take_at(x, index=rows, spatial=len(kernel)).reshape(under.shape)
        winner = xp.expand_dims(xp.argmax(values, axis=-1), -1)
        found, index = (xp.take_along_axis(a, winner, axis=-1)[..., 0] for a in (values, under))
        return found, index

    def dx(g, index, x_shape):
        return xp.put_at(g, index=index, size=tuple(x_shape[2:]))


class FractionalMaxPool3d(FractionalMaxPool2d):
    """The largest element of every window of a volume; the windows' places are random."""

    node_name = "FractionalMaxPool3DBackward0"
    samples = through("fractional_max_pool3d", lambda make: _shrunk(make, 3))


def _publish(n: int) -> None:
    name = f"fractional_max_pool{n}d"
    op = FractionalMaxPool3d if n == 3 else FractionalMaxPool2d

    def fractional_max_pool(
        input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
    ):
        kernel = sizes_of(kernel_size, n, "kernel_size", name)
        x = input if input.ndim == n + 2 else input.unsqueeze(0)
        size = tuple(x.shape[2:])
        windows = _windows(name, size, output_size, output_ratio)
        if any(w + k - (1 if n == 2 else 0) > s for w, k, s in zip(windows, kernel, size)):
            raise RuntimeError(f"{name}(): pool {list(kernel)} too large relative to input {list(size)}")
        samples = _random_samples
        if samples is None:
            samples = FUNCTIONS["rand"](x.shape[0], x.shape[1], n, dtype=x.dtype, device=x.device)
        found = op.call(x, samples=samples, kernel=kernel, windows=windows)
        out, index = found if x is input else (t.squeeze(0) for t in found)
        return (out, index) if return_indices else out

    fractional_max_pool.__name__ = fractional_max_pool.__qualname__ = name
    fractional_max_pool.__doc__ = f"{op.__doc__}\n    The size after it is `output_size`, or `output_ratio` of the old."
    public(name, method=False, top=False, functional=True)(fractional_max_pool)


def _windows(name: str, size: tuple[int, ...], output_size: Any, ratio: Any) -> tuple[int, ...]:
    if output_size is None and ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is not None:
        return sizes_of(output_size, len(size), "output_size", name)
    ratios = (ratio,) * len(size) if isinstance(ratio, float | int) else tuple(ratio)
    return tuple(int(n * r) for n, r in zip(size, ratios))


for _n in (2, 3):
    _publish(_n)
