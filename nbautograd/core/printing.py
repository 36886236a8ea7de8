"""`repr` of a tensor, as torch prints it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import array as arrays
from . import dtype as dtypes
from .modes import local
from .node import node_and_output, op_of


class PrintOptions:
    """How tensors print; see `set_printoptions`."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


OPTIONS = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors print: digits, when to shorten, how many items at each end, line width."""
    profiles = {"default": (4, 1000, 3, 80), "short": (2, 1000, 2, 80), "full": (4, math.inf, 3, 80)}
    if profile is not None:
        OPTIONS.precision, OPTIONS.threshold, OPTIONS.edgeitems, OPTIONS.linewidth = profiles[profile]
    for name, value in (
        ("precision", precision),
        ("threshold", threshold),
        ("edgeitems", edgeitems),
        ("linewidth", linewidth),
    ):
        if value is not None:
            setattr(OPTIONS, name, value)
    OPTIONS.sci_mode = sci_mode


class _Formatter:
    """One width and one notation for all numbers of a tensor."""

    def __init__(self, data: Any) -> None:
        flat = data.reshape(-1)
        self.floating = data.dtype.kind == "f"
        self.integral = True
        self.scientific = False
        self.width = 1
        if not self.floating:
            self.width = max((len(str(v)) for v in flat.tolist()), default=1)
            return
        values = flat[np.isfinite(flat) & (flat != 0)]
        if values.size == 0:
            return
        sizes = np.abs(values.astype(np.float64))
        low, high = sizes.min(), sizes.max()
        self.integral = bool((values == np.ceil(values)).all())
        wide = high / low > 1000.0 or high > 1.0e8
        self.scientific = wide or (not self.integral and low < 1.0e-4)
        if OPTIONS.sci_mode is not None:
            self.scientific = OPTIONS.sci_mode
        self.width = max(len(self._text(v)) for v in values.tolist())

    def _text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{OPTIONS.precision}e}"
        if self.integral:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{OPTIONS.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._text(value).rjust(self.width)


class _ComplexFormatter:
    def __init__(self, data: Any) -> None:
        self.real, self.imag = _Formatter(data.real), _Formatter(data.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: Any) -> str:
        imag = self.imag(value.imag).lstrip()
        sign = "" if imag.startswith("-") else "+"
        return f"{self.real(value.real)}{sign}{imag}j"


def _summary(data: Any) -> Any:
    """The first and last items of every dimension."""
    edge = OPTIONS.edgeitems
    for axis in range(data.ndim):
        if data.shape[axis] > 2 * edge:
            keep = [*range(edge), *range(data.shape[axis] - edge, data.shape[axis])]
            data = np.take(data, keep, axis)
    return data


def _vector(data: Any, indent: int, short: bool, form: Any) -> str:
    per_line = max(1, math.floor((OPTIONS.linewidth - indent) / (form.width + 2)))
    edge = OPTIONS.edgeitems
    if short and data.shape[0] > 2 * edge:
        items = [form(v) for v in data[:edge].tolist()] + [" ..."] + [form(v) for v in data[-edge:].tolist()]
    else:
        items = [form(v) for v in data.tolist()]
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(data: Any, indent: int, short: bool, form: Any) -> str:
    if data.ndim == 0:
        return form(data.item())
    if data.ndim == 1:
        return _vector(data, indent, short, form)
    edge = OPTIONS.edgeitems
    if short and data.shape[0] > 2 * edge:
        rows = [_nested(d, indent + 1, short, form) for d in data[:edge]]
        rows += ["..."] + [_nested(d, indent + 1, short, form) for d in data[-edge:]]
    else:
        rows = [_nested(d, indent + 1, short, form) for d in data]
    return "[" + ("," + "\n" * (data.ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def tensor_text(tensor: Any, prefix: str = "tensor(") -> str:
    """`tensor(10., grad_fn=<AddBackward0>)`."""
    data = np.asarray(arrays.place(tensor._data, arrays.CPU))
    if data.dtype.kind == "V":
        data = data.astype(np.float32)
    indent = len(prefix)
    suffixes: list[str] = []
    dtype = tensor.dtype
    default = dtypes.get_default_dtype()
    usual = dtype in (default, dtypes.int64, dtypes.bool) or (dtype.is_complex and dtype is dtypes.default_complex())
    if tensor.is_cuda:
        suffixes.append(f"device='{tensor.device}'")
    if data.size == 0:
        if data.ndim != 1:
            suffixes.append(f"size={tuple(data.shape)}")
        if dtype is not default:
            suffixes.append(f"dtype={dtype}")
        body = "[]"
    else:
        if not usual:
            suffixes.append(f"dtype={dtype}")
        short = data.size > OPTIONS.threshold
        form = (_ComplexFormatter if dtype.is_complex else _Formatter)(_summary(data) if short else data)
        body = _nested(data, indent, short, form)
    if not tensor.is_leaf:
        suffixes.append(f"grad_fn=<{op_of(node_and_output(tensor._node)[0]).node_name}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    for level in local.levels[-1:]:
        if (tangent := level.get(tensor)) is not None:
            suffixes.append(f"tangent={tangent!r}")
    return _joined(prefix + body, suffixes, indent)


def _joined(text: str, suffixes: list[str], indent: int) -> str:
    last = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if last + len(suffix) + 2 > OPTIONS.linewidth:
            text += ",\n" + " " * indent + suffix
            last = indent + len(suffix)
        else:
            text += ", " + suffix
            last += len(suffix) + 2
    return text + ")"
