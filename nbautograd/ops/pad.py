"""Borders: of one value, mirrored, repeated, or wrapped round."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.resample.axes import AlongAxes
from nbautograd.ops.samples import Make, through

PADDED = (((3,), (1, 1)), ((3,), (0, 2)), ((2, 3), (1, 0)), ((2, 3), (1, 1, 0, 2)), ((2, 3, 2), (1, 2)),
          ((4,), (-1, 1)), ((2, 4, 3), (0, 1, -1, -2)), ((0, 2), (1, 1)), ((1, 1, 1, 2), (1, 0, 0, 2, 3, 0))
)  # fmt: skip
BORDERED = (((2, 3), (1, 2)), ((1, 2, 4), (2, 0)), ((2, 2, 4), (3, 3)), ((2, 1, 5), (-1, 2)), ((0, 2, 3), (1, 1)),
            ((2, 3, 4), (1, 2, 0, 2)), ((1, 2, 3, 4), (1, 1, 2, 2)), ((2, 1, 4, 3), (0, 2, 3, -1)),
            ((1, 3, 3, 4), (1, 1, 1, 2, 2, 0)), ((1, 2, 3, 4, 4), (1, 2, 1, 1, 0, 2)))  # fmt: skip


class ConstantPad(Op):
    """A border of one value; a negative width cuts off."""

    node_name = "ConstantPadNdBackward0"
    tex = {"x": "\\text{without the border}"}
    samples = through("pad", lambda make: ((make(*a), b, {"value": v}) for a, b in PADDED for v in (0.0, 1.5)))

    def forward(x, *, widths, value=0):
        out = xp.full(tuple([a + n + b for (a, b), n in zip(widths, x.shape)]), value, x.dtype)
        kept = [(max(-a, 0), max(n + min(b, 0), -a, 0)) for (a, b), n in zip(widths, x.shape)]
        there = tuple([slice(start + a, end + a) for (start, end), (a, _) in zip(kept, widths)])
        out[there] = x[tuple([slice(start, end) for start, end in kept])]
        return out

    def dx(g, widths):
        return xp.constant_pad(g, widths=tuple((-a, -b) for a, b in widths))


def _bordered(mode: str, spatial: int) -> Any:
    def rows(make: Make) -> Any:
        for shape, widths in BORDERED:
            for less in range(3) if len(widths) == 2 * spatial else ():
                yield make(*shape), tuple(w - less if w > 0 else w for w in widths), {"mode": mode}
                only = tuple(w if i == less else 0 for i, w in enumerate(widths))
                yield make(*shape[-spatial - 1 :]), only, {"mode": mode}

    return rows


def _entry(name: str, mode: str, spatial: int) -> Any:
    """A table entry of torch's name: the map is the same for one, two and three dimensions."""
    space = {
        "__doc__": f"A border made of the tensor's own elements, `{mode}`, in {spatial}D.",
        "name": f"{name.lower()}{spatial}d",
        "node_name": f"{name}{spatial}DBackward0",
        "title": f"pad {mode}",
        "samples": through("pad", _bordered(mode, spatial), named=mode != "circular"),
        "__module__": __name__,
    }
    return type(f"{name}{spatial}d", (AlongAxes,), space)


NAMES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
ENTRIES = {(mode, n): _entry(name, mode, n) for mode, name in NAMES.items() for n in (1, 2, 3)}


@public(top=False, functional=True, method=False)
def pad(input, pad, mode="constant", value=None):
    """A border round the last dimensions: widths are given from the last dimension on, before and after.

    Modes: 'constant' (of `value`, zero by default), 'reflect', 'replicate', 'circular'.

    Example:
        >>> import nbautograd as torch
        >>> torch.nn.functional.pad(torch.tensor([[1.0, 2.0, 3.0]]), (1, 2), mode="reflect")
        tensor([[2., 1., 2., 3., 2., 1.]])
    """
    widths = tuple(int(w) for w in pad)
    if len(widths) % 2:
        raise RuntimeError(
            "Padding length must be divisible by 2\n  hint: give a pair, before and after, for each dimension"
        )
    pairs = tuple(zip(widths[::2], widths[1::2]))[::-1]
    if mode == "constant":
        return _constant(input, widths, pairs, value)
    if mode not in NAMES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(pairs) not in (1, 2, 3) or input.ndim not in (len(pairs) + 1, len(pairs) + 2):
        raise NotImplementedError(
            f"Padding size {len(widths)} is not supported for {input.ndim}D input tensor."
            f"\n  hint: {mode} pads the last n dimensions of inputs with n + 1 or n + 2 of them, by 2 · n widths"
        )
    _check_room(input, mode, pairs)
    size = tuple(input.shape[input.ndim - len(pairs) :])
    maps = tuple((mode, n, a, b) if a or b else None for n, (a, b) in zip(size, pairs))
    return ENTRIES[mode, len(pairs)].call(input, maps=maps)


def _constant(input: Any, widths: tuple[int, ...], pairs: tuple[tuple[int, int], ...], value: float | None) -> Any:
    if len(pairs) > input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(widths)} and input of dimension {input.ndim}"
        )
    every = ((0, 0),) * (input.ndim - len(pairs)) + pairs
    if any(n + a + b < 0 or n + min(a, 0) + min(b, 0) < 0 for n, (a, b) in zip(input.shape, every)):
        raise RuntimeError("narrow(): length must be non-negative.\n  hint: negative widths cut off more than there is")
    return ConstantPad.call(input, widths=every, value=value or 0)


def _check_room(input: Any, mode: str, pairs: tuple[tuple[int, int], ...]) -> None:
    """Refuse borders that the input is too small for.

    Raises: RuntimeError in torch's words.
    """
    first = input.ndim - len(pairs)
    for dim, (n, (a, b)) in enumerate(zip(input.shape[first:], pairs), first):
        if mode == "reflect" and max(a, b) >= n:
            place = 4 + 2 * (input.ndim - 1 - dim)
            raise RuntimeError(
                f"Argument #{place}: Padding size should be less than the corresponding input dimension, but got: "
                f"padding ({a}, {b}) at dimension {dim} of input {list(input.shape)}"
                "\n  hint: mode='replicate' has no such limit"
            )
        if mode == "circular" and max(a, b) > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if n + a + b <= 0 or (mode == "circular" and n == 0):
            raise RuntimeError(f"Given input size {list(input.shape)}: the padded dimension {dim} has no elements left")
