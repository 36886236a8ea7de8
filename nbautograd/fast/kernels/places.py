"""Kernels of rows that go to places which may repeat."""

from __future__ import annotations

from typing import Any

from .compiled import kernel, suits

MATRIX = "F[:, ::1]"
SHORT = 4
"""Rows of fewer elements NumPy adds as fast."""


@kernel(MATRIX, "int64[::1]", MATRIX)
def add_each(out: Any, rows: Any, values: Any) -> None:
    for i in range(rows.size):
        for j in range(out.shape[1]):
            out[rows[i], j] += values[i, j]


def add_rows(out: Any, rows: Any, values: Any) -> Any:
    if out.shape[1] < SHORT or not suits(out, values) or not rows.flags.c_contiguous:
        return None
    add_each(out, rows, values)
    return True
