"""The numbers of an array, whole when it is small and as figures when it is large."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.trace.model import Summary

WHOLE = 64
"""Up to this many elements an array is kept whole."""
FULL = 100_000
"""The same where every number was asked for."""
COPIED = 1024
"""Up to this many elements an array is copied while code runs, which is faster than to describe it then."""
SAMPLED_ABOVE = 16_384
SAMPLE = 4096
"""Above so many elements the bars are those of so many."""
BINS = 16


def held(data: Any, whole: int = WHOLE) -> Any:
    """What to keep of an array now for a later `summary`: its numbers when small, its figures when large."""
    if isinstance(data, np.generic):
        return data
    return data.copy() if data.size <= max(whole, COPIED) else summary(data)


class Looks:
    """Describes each array once while it is the same: a gradient is told as a sum, as upstream and at its leaf.

    The arrays are held weakly, so that the walk still sees who else holds them.
    """

    def __init__(self, figures: bool = True) -> None:
        self.figures = figures
        self._shapes: dict[Any, Summary] = {}
        self._seen: dict[int, tuple[weakref.ref[Any], Summary]] = {}

    def __call__(self, data: Any, changed: bool = False) -> Any:
        if not self.figures:
            return self.bare(data) if data.__class__ is np.ndarray or isinstance(data, np.generic) else _bare(data)
        if data.__class__ is not np.ndarray or data.size <= COPIED:
            return held(data)
        seen = self._seen.get(id(data))
        if seen is not None and seen[0]() is data and not changed:
            return seen[1]
        found = summary(data)
        self._seen[id(data)] = (weakref.ref(data), found)
        return found

    def bare(self, like: Any, device: Any = arrays.CPU) -> Summary:
        """What is told of an array whose numbers nobody wants."""
        key = (like.shape, like.dtype, device is arrays.CPU or device)
        found = self._shapes.get(key)
        if found is None:
            found = self._shapes[key] = Summary(list(like.shape), dtypes.of_numpy(like.dtype).name, str(device))
        return found

    def forget(self) -> None:
        """The arrays may change from here on."""
        self._seen.clear()


class Summaries:
    """Makes summaries, the same one for equal small arrays: most gradients are told several times over."""

    def __init__(self) -> None:
        self._known: dict[Any, Summary] = {}

    def __call__(self, data: Any, whole: int = WHOLE) -> Summary:
        if data.__class__ is Summary:
            return data
        if not isinstance(data, np.generic | np.ndarray) or data.size > WHOLE:
            return summary(data, whole)
        key = (data.dtype, data.shape, data.tobytes())
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = summary(data, whole)
        return found


def summary(data: Any, whole: int = WHOLE) -> Summary:
    """The figures of `data`; scalars, NumPy arrays and CuPy arrays."""
    if isinstance(data, Summary):
        return data
    result = _bare(data)
    values = np.asarray(arrays.place(data, arrays.CPU))
    if values.dtype.kind == "c":
        magnitudes = summary(np.abs(values), whole)
        magnitudes.dtype, magnitudes.device = result.dtype, result.device
        if magnitudes.data is not None:
            magnitudes.data = [_complex(z) for z in values.reshape(-1).tolist()]
        return magnitudes
    if values.dtype.kind in "biuf":
        with np.errstate(all="ignore"):
            (_tell if values.size <= whole else _describe)(values.reshape(-1), result)
    return result


def _bare(data: Any) -> Summary:
    return Summary(list(data.shape), dtypes.of_numpy(data.dtype).name, str(arrays.device_of(data)))


def _complex(z: complex) -> float | str:
    """`1-2j`, with as many digits as a label shows."""
    if not z:
        return 0
    return f"{z.real:.4g}{z.imag:+.4g}j" if z.real else f"{z.imag:.4g}j"


def _tell(flat: Any, into: Summary) -> None:
    """Every number, with no more digits than its dtype has."""
    digits = {2: 4, 4: 7}.get(flat.dtype.itemsize) if flat.dtype.kind == "f" else None
    into.data = numbers = []
    squares = 0.0
    for v in flat.tolist():
        if v - v != 0:
            numbers.append("nan" if v != v else "inf" if v > 0 else "-inf")
            into.nans += v != v
            into.infs += v == v
            continue
        squares += float(v) * v
        into.zeros += not v
        numbers.append(float(f"{v:.{digits}g}") if digits else v)
    if len(numbers) > 1:
        into.norm = float(f"{math.sqrt(squares):.6g}")


def _describe(flat: Any, into: Summary) -> None:
    """The figures of the finite numbers, and a histogram, of a sample where there are many."""
    numbers = flat.astype(np.float64) if flat.dtype.kind != "f" or flat.dtype.itemsize < 4 else flat
    into.zeros = int(numbers.size - np.count_nonzero(numbers))
    finite, total = numbers, float(numbers.sum())
    if not math.isfinite(total):
        into.nans, into.infs = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
        finite = numbers[np.isfinite(numbers)]
        total = float(finite.sum(dtype=np.float64))
    if not finite.size:
        return
    low, high = float(finite.min()), float(finite.max())
    mean, norm = total / finite.size, _norm(finite, max(-low, high))
    into.min, into.max, into.mean, into.norm = low, high, mean, float(f"{norm:.6g}")
    sample = finite
    if finite.size > SAMPLED_ABOVE:
        sample = finite[:: finite.size // SAMPLE][:SAMPLE]
        into.sampled = True
    into.std = _std(finite, mean, norm)
    if math.isfinite(high - low):
        scale = BINS / (high - low) if high > low else 0.0
        bins = ((sample.astype(np.float64) - low) * scale).astype(np.int64)
        into.histogram = np.bincount(np.minimum(bins, BINS - 1), minlength=BINS).tolist()


def _std(finite: Any, mean: float, norm: float) -> float:
    """The standard deviation: mostly known from mean and norm, which leaves no digits where the mean is far from 0."""
    square = norm / finite.size * norm
    variance = square - mean * mean
    return math.sqrt(variance) if variance > square / 100 else float(finite.std(dtype=np.float64))


def _norm(finite: Any, largest: float) -> float:
    """The root of the sum of squares, also where a square would overflow."""
    square = float(np.dot(finite, finite))
    if math.isfinite(square) and (square or not largest):
        return math.sqrt(square)
    scaled = finite.astype(np.float64) / largest
    return largest * math.sqrt(float(np.dot(scaled, scaled)))


def text(data: Any, most: int = 8) -> str:
    """An array's first numbers for a sentence: `12`, `[1, 2]`, or its shape and norm when it is large."""
    s = data if isinstance(data, Summary) else summary(data)
    if s.data is None:
        norm = f", norm {s.norm:.4g}" if s.norm is not None and not isinstance(s.norm, str) else ""
        return f"a {tuple(s.shape)} tensor{norm}"
    shown = [v if isinstance(v, str) else f"{v:.4g}" for v in s.data[:most]]
    more = ", …" if len(s.data) > most else ""
    return shown[0] if not s.shape else f"[{', '.join(shown)}{more}]"
