"""Borders."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.samples import through

PADDED = (((3,), (1, 1)), ((3,), (0, 2)), ((2, 3), (1, 0)), ((2, 3), (1, 1, 0, 2)), ((2, 3, 2), (1, 2)),
          ((4,), (-1, 1)))  # fmt: skip


class ConstantPad(Op):
    """A border of one value; a negative width cuts off."""

    node_name = "ConstantPadNdBackward0"
    samples = through("pad", lambda make: ((make(*a), b, {"value": v}) for a, b in PADDED for v in (0.0, 1.5)))

    def forward(x, *, widths, value=0):
        padded = xp.pad(x, tuple((max(a, 0), max(b, 0)) for a, b in widths), constant_values=value)
        return padded[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, padded.shape))]

    def dx(g, widths):
        return xp.constant_pad(g, widths=tuple((-a, -b) for a, b in widths))


@public(top=True, functional=True, method=False)
def pad(input, pad, mode="constant", value=None):
    """A border round the last dimensions: widths are given from the last dimension on, before and after.

    Raises: NotImplementedError for modes other than constant.
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} is not supported yet; only 'constant' is")
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    return ConstantPad.call(input, widths=((0, 0),) * (input.ndim - len(pairs)) + tuple(pairs), value=value or 0)
