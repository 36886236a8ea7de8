"""Numbers, shapes and tensors as short text: twin of labextension/src/graph/format.ts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

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


def label(gradient: Summary | None, limit: int = 24) -> str:
    """A gradient in a few characters, with a mark for what is odd about it; a large one by its root mean square."""
    if gradient is None:
        return "None"
    odd = oddity(gradient)
    text = brief(gradient, limit)
    if odd == "zero":
        return "○ 0" if gradient.data and len(gradient.data) == 1 else f"○ 0 {text}"
    if odd:
        mark = "⚠" if odd == "nan" else "▲"
        return f"{mark} {text}" if gradient.data and len(gradient.data) == 1 else f"{mark} {odd} in {text}"
    size = rms(gradient)
    return text if size is None or not text.startswith("(") else f"rms {number(_three_digits(size))}"


def oddity(tensor: Summary) -> Literal["nan", "inf", "zero"] | None:
    """What is remarkable about a gradient, and must be seen without telling colours apart."""
    data = tensor.data
    if tensor.nans or (data and "nan" in data):
        return "nan"
    if tensor.infs or (data and ("inf" in data or "-inf" in data)):
        return "inf"
    zero = (bool(data) and all(each == 0 for each in data)) if data is not None else tensor.norm == 0
    return "zero" if zero else None


def rms(tensor: Summary) -> float | None:
    """The root mean square of the elements: how large a tensor is, whatever its shape."""
    if tensor.norm is not None:
        return None if isinstance(tensor.norm, str) else tensor.norm / math.sqrt(max(1, math.prod(tensor.shape)))
    if not tensor.data or any(isinstance(each, str) for each in tensor.data):
        return None
    return math.sqrt(sum(float(each) ** 2 for each in tensor.data) / len(tensor.data))


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")


def _whole(tensor: Summary, limit: int) -> str | None:
    data = tensor.data
    # Each element takes three characters at least, each axis two: do not format what cannot fit.
    if data is None or len(data) * 3 > limit + 9 or len(tensor.shape) * 2 > limit:
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
