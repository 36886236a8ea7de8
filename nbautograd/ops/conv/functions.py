"""torch's signatures: conv1d … conv3d and conv_transpose1d … conv_transpose3d."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from nbautograd.core.public import public
from nbautograd.ops.conv.arguments import by, check, check_steps, hashable, per_dim
from nbautograd.ops.conv.convolution import Convolution, ConvTranspose
from nbautograd.ops.pad import pad


def _convolved_over(n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int):
    if weight.ndim != n + 2:
        per_dim((1,) * n, weight.ndim - 2, "stride")
    check(f"conv{n}d", input, weight, bias, groups, n)
    x = input if input.ndim == n + 2 else input.unsqueeze(0)
    sizes, kernel = x._data.shape[2:], weight._data.shape[2:]
    settings, widths = _settled(sizes, kernel, hashable(stride), hashable(padding), hashable(dilation))
    if widths:
        x = pad(x, widths)
    out = Convolution.call(x, weight, bias, **settings, groups=groups)
    return out if input.ndim == n + 2 else out.squeeze(0)


@lru_cache(256)
def _settled(sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple[dict[str, Any], list[int]]:
    """Stride, padding and dilation per dimension, and, where its two sides differ, how much border to add before.

    Raises: RuntimeError in torch's words for what cannot be.
    """
    n = len(sizes)
    stride, dilation = per_dim(stride, n, "stride"), per_dim(dilation, n, "dilation")
    widths: list[int] = []
    if isinstance(padding, str):
        padding, widths = _named_padding(padding, kernel, stride, dilation)
    padding = per_dim(padding, n, "padding")
    check_steps(stride, padding, dilation)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    room = tuple(size + 2 * p for size, p in zip(sizes, padding))
    if any(least > most + sum(widths) for least, most in zip(reach, room)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({by(room)}). Kernel size: ({by(reach)}). "
            "Kernel size can't be greater than actual input size"
            f"\n  input  {by(sizes)}"
            "\n  hint: earlier strides and pools have made it this small; add padding, or leave one of them out"
        )
    return {"stride": stride, "padding": padding, "dilation": dilation}, widths


def _named_padding(padding: str, kernel: Any, stride: Any, dilation: Any) -> tuple[Any, list[int]]:
    """The border that keeps an input's size ('same': an odd element goes to the right) or none ('valid')."""
    if padding not in ("same", "valid"):
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if padding == "valid":
        return 0, []
    if max(stride) > 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    odd = any(n % 2 for n in total)
    return tuple(n // 2 for n in total), [side for n in reversed(total) for side in (0, n % 2)] if odd else []


def _grown_over(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
):
    check(f"conv_transpose{n}d", input, weight, bias, groups, n)
    stride, padding = per_dim(stride, n, "stride"), per_dim(padding, n, "padding")
    dilation, more = per_dim(dilation, n, "dilation"), per_dim(output_padding, n, "output_padding")
    check_steps(stride, padding, dilation)
    if any(m >= s and m >= d for m, s, d in zip(more, stride, dilation)):
        names = ("depth", "height", "width")[3 - n :]
        rows = (("output_padding", more), ("stride", stride), ("dilation", dilation))
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            + " ".join(f"{what}_{name}: {v}" for what, values in rows for name, v in zip(names, values))
        )
    batch = input if input.ndim == n + 2 else input.unsqueeze(0)
    sizes, kernel = tuple(batch.shape[2:]), tuple(weight.shape[2:])
    figures = zip(sizes, stride, padding, dilation, kernel, more)
    size = tuple((i - 1) * s - 2 * p + d * (k - 1) + m + 1 for i, s, p, d, k, m in figures)
    if min(size) <= 0:
        raise RuntimeError(
            f"Given input size per channel: ({by(sizes)}). Calculated output size per channel: ({by(size)}). "
            "Output size is too small"
        )
    settings = {"size": size, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = ConvTranspose.call(batch, weight, bias, **settings)
    return out if batch is input else out.squeeze(0)


def _publish(n: int) -> None:
    """conv1d … conv3d and their transposes, which differ in the number of dimensions only."""

    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return _convolved_over(n, input, weight, bias, stride, padding, dilation, groups)

    def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return _grown_over(n, input, weight, bias, stride, padding, output_padding, groups, dilation)

    for function, op in ((conv, Convolution), (conv_transpose, ConvTranspose)):
        function.__name__ = function.__qualname__ = f"{function.__name__}{n}d"
        function.__doc__ = f"{op.__doc__}"
        public(function.__name__, method=False, functional=True)(function)


for _n in (1, 2, 3):
    _publish(_n)
