"""Channels and places exchanged: images made larger from groups of channels, and channels mixed between groups."""

from __future__ import annotations

from typing import Any

from nbautograd.core.errors import with_tensors
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.samples import Make, through

SHUFFLED = (((1, 4, 2, 3), 2), ((2, 8, 1, 2), 2), ((4, 2, 2), 2), ((1, 9, 2, 1), 3), ((2, 3, 2, 2), 1),
            ((2, 1, 4, 3, 2), 2), ((1, 12, 1, 3), 2), ((3, 1, 1, 1), 1), ((2, 2, 12, 1, 1), 2))  # fmt: skip


def _shuffled(make: Make) -> Any:
    for shape, r in SHUFFLED:
        yield make(*shape), r


def _unshuffled(make: Make) -> Any:
    for (*lead, c, h, w), r in SHUFFLED:
        yield make(*lead, c // r**2, h * r, w * r), r


class PixelShuffle(Op):
    """Groups of r² channels laid out as r × r pixels.

    Shape: x (…, C r², H, W) → (…, C, H r, W r)
    Source: Shi et al. 2016, *Real-time single image and video super-resolution using an efficient sub-pixel CNN*
    """

    promote = "none"
    tex = {"x": "\\text{back in channels}"}
    samples = through("pixel_shuffle", _shuffled)

    def forward(x, *, r):
        *lead, c, h, w = x.shape
        parts = x.reshape((*lead, c // r**2, r, r, h, w))
        n = len(lead)
        order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
        return xp.ascontiguousarray(xp.transpose(parts, order)).reshape((*lead, c // r**2, h * r, w * r))

    def dx(g, r):
        return xp.pixel_unshuffle(g, r=r)


class PixelUnshuffle(Op):
    """Squares of r × r pixels laid out as r² channels: the opposite of `pixel_shuffle`.

    Shape: x (…, C, H r, W r) → (…, C r², H, W)
    """

    promote = "none"
    tex = {"x": "\\text{back in squares}"}
    samples = through("pixel_unshuffle", _unshuffled)

    def forward(x, *, r):
        *lead, c, h, w = x.shape
        parts = x.reshape((*lead, c, h // r, r, w // r, r))
        n = len(lead)
        order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
        return xp.ascontiguousarray(xp.transpose(parts, order)).reshape((*lead, c * r**2, h // r, w // r))

    def dx(g, r):
        return xp.pixel_shuffle(g, r=r)


def _checked(name: str, word: str, input: Any, factor: int) -> None:
    if input.ndim < 3:
        text = f"{name} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        raise RuntimeError(with_tensors(text, ("input",), (input,)))
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {word}, but got {factor}")


@public(method=False, functional=True)
def pixel_shuffle(input, upscale_factor):
    """Groups of r² channels laid out as r × r pixels.

    Shape: input (…, C r², H, W) → (…, C, H r, W r)
    Raises: RuntimeError when the number of channels is no multiple of r².
    """
    _checked("pixel_shuffle", "upscale_factor", input, upscale_factor)
    if input.shape[-3] % upscale_factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={input.shape[-3]} is not divisible by {upscale_factor**2}"
        )
    return PixelShuffle.call(input, r=upscale_factor)


@public(method=False, functional=True)
def pixel_unshuffle(input, downscale_factor):
    """Squares of r × r pixels laid out as r² channels.

    Shape: input (…, C, H r, W r) → (…, C r², H, W)
    Raises: RuntimeError when height or width is no multiple of r.
    """
    _checked("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    for dim, what in ((-2, "height"), (-1, "width")):
        if input.shape[dim] % downscale_factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {what} to be divisible by downscale_factor, but "
                f"input.size({dim})={input.shape[dim]} is not divisible by {downscale_factor}"
            )
    return PixelUnshuffle.call(input, r=downscale_factor)


@public("channel_shuffle", "native_channel_shuffle", method=False, functional=True)
def channel_shuffle(input, groups):
    """The channels dealt out anew: the first of every group, then the second of every group, and so on.

    Source: Zhang et al. 2018, *ShuffleNet*
    """
    if input.ndim <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    n, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    return input.reshape(n, groups, channels // groups, *rest).transpose(1, 2).reshape(n, channels, *rest)
