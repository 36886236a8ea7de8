"""Functions of images and volumes that are made of several ops, or reach an op by another way than its own name."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.conv.convolution import CONVOLVED
from nbautograd.ops.pool.windows import POOLED
from nbautograd.ops.resample.interpolate import FACTORS, SIZES
from nbautograd.ops.samples import Make, cases

from .composite import composed


def in_dims(settings: dict[str, Any], n: int) -> dict[str, Any]:
    """Settings of two dimensions for one or three."""
    return {k: (v * 2)[:n] if isinstance(v, tuple) else v for k, v in settings.items()}


def convolutions(n: int, transposed: bool = False) -> Any:
    def rows(make: Make) -> Any:
        for x, w, settings in CONVOLVED:
            sizes, taps = (x[-2:] * 2)[:n], (w[2:] * 2)[:n]
            weights, given = w[:2], in_dims(settings, n)
            if transposed:
                weights = (x[-3], w[0] // settings.get("groups", 1))
                given["padding"] = int("padding" in settings)
            x_and_w = (make(*x[:-2], *sizes, low=-1, high=1), make(*weights, *taps, low=-1, high=1))
            yield *x_and_w, make(w[0]), given

    return rows


def named_borders(make: Make) -> Any:
    for kernel in ((3, 3), (2, 3), (4, 1)):
        for dilation in (1, 2):
            for padding in ("same", "valid"):
                x, w = make(2, 2, 8, 7), make(3, 2, *kernel)
                yield x, w, {"padding": padding, "dilation": dilation}


def pools(n: int, *names: str, distinct: bool = False) -> Any:
    def rows(make: Make) -> Any:
        for shape, settings in POOLED:
            known = {k: v[:n] if isinstance(v, tuple) else v for k, v in settings.items() if k in names}
            if len(shape) == 4:
                draw = make.distinct if distinct else make
                yield draw(*shape[: n + 2]), known
                yield draw(*shape[1 : n + 2]), known

    return rows


def binned(make: Make) -> Any:
    for size in (1, 2, 3, 5, 7):
        for shape in ((1, 2, 5), (2, 6), (2, 1, 7)):
            yield make.distinct(*shape), size


def powers(n: int) -> Any:
    def rows(make: Make) -> Any:
        for shape, settings in (
            ((2, 2, 5, 4, 3), {}),
            ((1, 1, 6, 5, 4), {"stride": 1}),
            ((1, 2, 5, 4, 5), {"ceil_mode": True}),
        ):
            for norm in (1, 2, 3.0):
                yield make(*shape[: n + 2], low=0.2), norm, 2, settings
                yield make(*shape[1 : n + 2], low=0.2), norm, 3, settings

    return rows


def areas(make: Make) -> Any:
    for shape, size in SIZES:
        if 0 not in shape:
            yield make(*shape), {"size": size, "mode": "area"}
    for shape, factor in FACTORS:
        yield make(*shape), {"scale_factor": factor, "mode": "area"}


def between(make: Make, *shape: int) -> Any:
    """Places that every precision holds exactly, and that fall on no element: there the derivative jumps."""
    return np.asarray(np.floor(make(*shape) * 8) / 8 + 1 / 16, make.dtype)


def grids(make: Make) -> Any:
    cubic = () if make.dtype.itemsize < 4 else ("bicubic",)  # differences of its shares drown in half precision
    for mode in ("bilinear", "nearest", *cubic):
        for padding in ("zeros", "border", "reflection"):
            for corners in (True, False):
                settings = {"mode": mode, "padding_mode": padding, "align_corners": corners}
                yield make(2, 3, 4, 5), between(make, 2, 3, 2, 2), settings
                if mode != "bicubic":
                    yield make(2, 1, 3, 4, 2), between(make, 2, 2, 1, 3, 3), settings


def affine(make: Make) -> Any:
    for size in ((2, 1, 3, 4), (1, 3, 1, 5), (3, 1, 2, 2), (2, 1, 2, 3, 4), (1, 1, 1, 2, 1)):
        for corners in (True, False):
            n = len(size) - 2
            yield make(size[0], n, n + 1), size, {"align_corners": corners}


MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
MEAN = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")

IMAGES = composed(
    {
        "conv1d": cases(convolutions(1)),
        "conv2d": cases(named_borders),
        "conv3d": cases(convolutions(3)),
        "conv_transpose1d": cases(convolutions(1, transposed=True)),
        "conv_transpose3d": cases(convolutions(3, transposed=True)),
        "max_pool1d": cases(pools(1, *MAX, distinct=True)),
        "max_pool2d_with_indices": cases(pools(2, *MAX, distinct=True)),
        "avg_pool1d": cases(pools(1, *MEAN)),
        "adaptive_avg_pool1d": cases(binned),
        "adaptive_max_pool1d": cases(binned, second=False),
        "lp_pool1d": cases(powers(1)),
        "lp_pool2d": cases(powers(2)),
        "lp_pool3d": cases(powers(3)),
        "interpolate": cases(areas),
        "grid_sample": cases(grids),
        "affine_grid": cases(affine),
        "channel_shuffle": cases(
            lambda make: ((make(2, c, *rest), g) for c, g in ((4, 2), (6, 3)) for rest in ((2,), (1, 3)))
        ),
    }
)
