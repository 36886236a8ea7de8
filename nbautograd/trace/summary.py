"""The numbers of an array, whole when it is small and as figures when it is large."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.trace.model import Summary

WHOLE = 64
"""Up to this many elements an array is kept whole."""
FULL = 100_000
"""The same where every number was asked for."""
SAMPLED_ABOVE = 1_000_000
SAMPLE = 4096
BINS = 16


def held(data: Any, whole: int = WHOLE) -> Any:
    """What to keep of an array now for a later `summary`: its numbers when small, its figures when large."""
    if isinstance(data, np.generic):
        return data
    return data.copy() if data.size <= whole else summary(data)


def summary(data: Any, whole: int = WHOLE) -> Summary:
    """The figures of `data`; scalars, NumPy arrays and CuPy arrays."""
    if isinstance(data, Summary):
        return data
    if isinstance(data, np.floating):
        value = float(data) if data.dtype.itemsize > 4 else float(f"{data:.7g}")
        return Summary([], data.dtype.name, data=[_number(value)], zeros=int(value == 0), nans=int(value != value))
    device = str(arrays.device_of(data))
    values = np.asarray(arrays.place(data, arrays.CPU))
    result = Summary(list(values.shape), dtypes.of_numpy(values.dtype).name, device)
    if values.dtype.kind == "c":
        values = np.abs(values)
    if values.size and values.dtype.kind in "biuf":
        _describe(values.reshape(-1), result, whole)
    return result


def _describe(flat: Any, into: Summary, whole: int) -> None:
    small = flat.size <= whole
    if small:
        into.data = [_number(v) for v in flat.tolist()] if flat.dtype.kind != "f" else _floats(flat)
        if flat.size == 1:
            _count(flat, into)
            return
    numbers = flat.astype(np.float64) if flat.dtype.kind != "f" or flat.dtype.itemsize < 4 else flat
    with np.errstate(all="ignore"):
        finite = numbers if bool(np.isfinite(numbers.sum())) else numbers[np.isfinite(numbers)]
        if finite.size:
            into.norm = float(f"{np.sqrt(np.dot(finite, finite)):.6g}")
        if small:
            _count(numbers, into)
            return
        if finite.size:
            into.min, into.max = float(finite.min()), float(finite.max())
            into.mean = float(finite.mean())
        sample = finite
        if flat.size > SAMPLED_ABOVE:
            sample = finite[:: max(1, finite.size // SAMPLE)][:SAMPLE]
            into.sampled = True
        if sample.size:
            into.std = float(sample.std())
        _count(numbers, into)
        if sample.size:
            counts, _ = np.histogram(sample, BINS, (float(finite.min()), float(finite.max())))
            into.histogram = [int(n) for n in counts]


def _count(numbers: Any, into: Summary) -> None:
    into.zeros = int(numbers.size - np.count_nonzero(numbers))
    if numbers.dtype.kind == "f":
        into.nans = int(np.isnan(numbers).sum())
        into.infs = int(np.isinf(numbers).sum())


def _floats(flat: Any) -> list[Any]:
    """Floats with no more digits than their dtype has."""
    digits = {2: 4, 4: 7}.get(flat.dtype.itemsize)
    return [_number(float(f"{v:.{digits}g}") if digits else v) for v in flat.tolist()]


def _number(value: Any) -> Any:
    if value != value:
        return "nan"
    return ("inf" if value > 0 else "-inf") if value in (float("inf"), float("-inf")) else value


def text(data: Any) -> str:
    """An array's numbers for a sentence: `12`, `[1, 2]`, or its shape and norm when it is large."""
    s = data if isinstance(data, Summary) else summary(data)
    if s.data is None:
        norm = f", norm {s.norm:.4g}" if s.norm is not None and not isinstance(s.norm, str) else ""
        return f"a {tuple(s.shape)} tensor{norm}"
    shown = [v if isinstance(v, str) else f"{v:.4g}" for v in s.data[:8]]
    more = ", …" if len(s.data) > 8 else ""
    return shown[0] if not s.shape else f"[{', '.join(shown)}{more}]"
