"""Reductions: many elements become one, over everything or over some dimensions."""

from __future__ import annotations

from nbautograd.ops.reduce.norms import vector_norm
from nbautograd.ops.reduce.sums import mean, restore, sum

__all__ = ["mean", "restore", "sum", "vector_norm"]
