"""Images and volumes at another size."""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.errors import user_depth
from nbautograd.core.public import public
from nbautograd.ops.resample.axes import AlongAxes, Map
from nbautograd.ops.samples import Make, through

SIZES = (((1, 2, 4), 7), ((2, 1, 5), 3), ((1, 1, 3, 4), (5, 6)), ((2, 1, 4, 6), (2, 9)), ((1, 2, 5, 2), (5, 1)),
         ((1, 1, 2, 3, 2), (3, 2, 5)), ((1, 2, 4, 2, 3), (2, 4, 3)), ((0, 2, 4, 3), (2, 2)), ((1, 1, 6), 6),
         ((2, 2, 1), 3), ((1, 1, 1, 2, 3), (2, 1, 3)), ((2, 1, 2, 2, 2), 3))  # fmt: skip
FACTORS = (((1, 2, 4), 2.0), ((2, 1, 5), 0.7), ((1, 1, 3, 4), (1.5, 2.3)), ((2, 1, 4, 6), 0.5), ((1, 2, 5, 4), 1.6),
           ((1, 1, 2, 3, 2), 2), ((1, 2, 4, 2, 3), (0.6, 1.5, 1.0)), ((1, 1, 6), 1.3), ((1, 1, 3, 2, 2), 1.7)
)  # fmt: skip


def _resized(mode: str, *ndims: int, **given: Any) -> Any:
    def rows(make: Make) -> Any:
        corners: tuple[dict[str, Any], ...] = ({"align_corners": True, **given}, {"align_corners": False, **given})
        for more in corners if mode in ALIGNED else ({},):
            for shape, size in SIZES:
                if given and size == (5, 1):  # torch's kernel without aliases gives every row the same numbers here
                    continue
                if len(shape) in ndims:
                    yield make(*shape), {"size": size, "mode": mode, **more}
            for shape, factor in FACTORS:
                if len(shape) in ndims:
                    yield make(*shape), {"scale_factor": factor, "mode": mode, **more}
                    again = {"recompute_scale_factor": True, **more}
                    yield make(*shape), {"scale_factor": factor, "mode": mode, **again}

    return rows


def _entry(name: str, mode: str, ndim: int, **given: Any) -> Any:
    """A table entry of torch's name: the map is the same for all of them."""
    space = {
        "__doc__": f"The elements at another size, `{mode}`, along {ndim - 2} dimension{'s' if ndim > 3 else ''}.",
        "name": f"upsample_{name.removeprefix('Upsample').lower()}",
        "node_name": f"{name}Backward0",
        "title": f"upsample {mode}",
        "samples": through("interpolate", _resized(mode, ndim, **given)),
        "__module__": __name__,
    }
    return type(name, (AlongAxes,), space)


ALIGNED = {"linear": 3, "bilinear": 4, "trilinear": 5, "bicubic": 4}
"""Modes that know `align_corners`, with the number of dimensions that each one takes."""

ENTRIES: dict[tuple[str, int], Any] = {
    **{(mode, ndim): _entry(f"Upsample{mode.title()}{ndim - 2}D", mode, ndim) for mode, ndim in ALIGNED.items()},
    **{("nearest", ndim): _entry(f"UpsampleNearest{ndim - 2}D", "nearest", ndim) for ndim in (3, 4, 5)},
    **{
        ("nearest-exact", ndim): _entry(f"UpsampleNearestExact{ndim - 2}D", "nearest-exact", ndim) for ndim in (3, 4, 5)
    },
}
SMOOTH: dict[str, Any] = {
    mode: _entry(f"Upsample{mode.title()}2DAa", mode, 4, antialias=True) for mode in ("bilinear", "bicubic")
}
"""With `antialias`."""
MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


@public(top=False, method=False, functional=True)
def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """An image, a volume or a row of samples at another size.

    Modes: 'nearest', 'nearest-exact', 'linear' (3D input), 'bilinear' and 'bicubic' (4D), 'trilinear' (5D), 'area'.
    `antialias` lets new elements that are wider than the old ones be made of all that they cover.
    `align_corners` puts the outermost elements onto each other, instead of the edges of the outermost elements.

    Shape: input (N, C, *old), size for each spatial dimension → (N, C, *size)
    Raises: ValueError unless exactly one of size and scale_factor is given; NotImplementedError for other modes.
    """
    _check_mode(input, mode, align_corners, antialias)
    n = input.ndim - 2
    old = tuple(input.shape[2:])
    size, factors = _size_and_factors(old, size, scale_factor, recompute_scale_factor)
    if not all(size):
        now, then = (", ".join(f"{a}: {v}" for a, v in zip("DHW"[3 - n :], s)) for s in (old, size))
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({now}) and output ({then})"
        )
    if mode == "area":
        from nbautograd.core.public import FUNCTIONAL

        return FUNCTIONAL[f"adaptive_avg_pool{n}d"](input, size)
    maps = tuple(_map(mode, a, b, f, bool(align_corners), antialias) for a, b, f in zip(old, size, factors))
    return (SMOOTH[mode] if antialias else ENTRIES[mode, input.ndim]).call(input, maps=maps)


def _map(mode: str, old: int, new: int, factor: float | None, align_corners: bool, antialias: bool) -> Map:
    """The map along one dimension; the given factor decides where elements lie, even if it does not fit the sizes."""
    step = 1 / factor if factor else old / new
    if align_corners:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
    if mode not in ALIGNED:
        return (mode.replace("-", "_"), old, new, step)
    if antialias:
        return ("smooth", old, new, step, mode == "bicubic")
    return ("cubic" if mode == "bicubic" else "linear", old, new, step, align_corners)


def _check_mode(input: Any, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if align_corners is not None and mode not in ALIGNED:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if antialias and (mode not in SMOOTH or input.ndim != 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode in ALIGNED and input.ndim in (3, 4, 5) and ALIGNED[mode] != input.ndim:
        raise NotImplementedError(
            f"Got {input.ndim}D input, but {mode} mode needs {ALIGNED[mode]}D input"
            f"\n  hint: mode={next((m for m, d in ALIGNED.items() if d == input.ndim), mode)!r} is for this one"
        )
    if (mode, input.ndim) not in ENTRIES and not (mode == "area" and input.ndim in (3, 4, 5)):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: {MODES} "
            f"(got {mode})"
        )


def _size_and_factors(old: tuple[int, ...], size: Any, factor: Any, recompute: bool | None) -> tuple[Any, Any]:
    """The new size, and per dimension the factor that places elements (None where the sizes do)."""
    n = len(old)
    if size is not None and factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return _for_each(size, n, old, "output size of", "output size", "(o1, o2, ...,oK)"), (None,) * n
    factors = _for_each(factor, n, old, "scale_factor of shape", "scale_factor", "(s1, s2, ...,sK)")
    size = tuple(int(a * f) for a, f in zip(old, factors))
    return size, (None,) * n if recompute else factors


def _for_each(value: Any, n: int, old: tuple[int, ...], got: str, what: str, form: str) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        return (value,) * n
    if len(value) != n:
        both = what if what == "scale_factor" else "output"
        raise ValueError(
            f"Input and {both} must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(old)} and {got} {value}. Please provide input tensor in (N, C, d1, d2, ...,dK) "
            f"format and {what} in {form} format."
        )
    return tuple(value)


@public(top=False, method=False, functional=True)
def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The same as `interpolate`, by its old name."""
    _warn("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


@public(top=False, method=False, functional=True)
def upsample_nearest(input, size=None, scale_factor=None):
    """See `interpolate` with its mode "nearest"."""
    _warn("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


@public(top=False, method=False, functional=True)
def upsample_bilinear(input, size=None, scale_factor=None):
    """See `interpolate` with its mode "bilinear" and `align_corners`."""
    _warn("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _warn(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=user_depth()
    )
