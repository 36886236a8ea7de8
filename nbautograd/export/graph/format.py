"""Numbers, shapes and tensors as short text: twin of labextension/src/graph/format.ts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from nbautograd.trace.model import Number, Summary


def number(value: Number | None) -> str:
    """Four significant digits; whole numbers whole; very large and small ones with an exponent."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) or not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        digits, exponent = _rounded(value, 3)
        return f"{digits.normalize():f}e{exponent}"
    if value == int(value):
        return str(int(value))
    digits, exponent = _rounded(value, 4)
    return f"{digits.scaleb(exponent).normalize():f}"


def _rounded(value: float, digits: int) -> tuple[Decimal, int]:
    """Mantissa of so many significant digits and exponent, halves away from zero as JavaScript rounds them."""
    exact = Decimal(value)
    exponent = exact.adjusted()
    mantissa = exact.scaleb(-exponent).quantize(Decimal(1).scaleb(1 - digits), ROUND_HALF_UP)
    if abs(mantissa) == 10:
        return mantissa / 10, exponent + 1
    return mantissa, exponent


def shape(dims: Sequence[int]) -> str:
    """`(4, 8)`; `scalar` for the shape of a single number."""
    return f"({', '.join(map(str, dims))}{',' if len(dims) == 1 else ''})" if dims else "scalar"


def brief(tensor: Summary | None, limit: int = 24) -> str:
    """All elements where they fit into `limit` characters, else the shape."""
    if tensor is None:
        return "None"
    return _whole(tensor, limit) or shape(tensor.shape)


def _whole(tensor: Summary, limit: int) -> str | None:
    data = tensor.data
    # Each element takes three characters at least: do not format what cannot fit.
    if data is None or len(data) * 3 > limit + 9:
        return None
    text = nested(data, tensor.shape)
    return text if len(text) <= limit or len(data) == 1 else None


def nested(data: Sequence[Number], dims: Sequence[int]) -> str:
    """The elements in nested brackets, as NumPy prints them."""
    parts = [number(each) for each in data]
    for size in reversed(dims):
        if size <= 0:
            return "[]"
        parts = [f"[{', '.join(parts[i : i + size])}]" for i in range(0, len(parts), size)]
    return ", ".join(parts)
