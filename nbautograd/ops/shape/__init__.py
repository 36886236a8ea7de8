"""Shapes: views of the same numbers in another arrangement, and functions that join, repeat and reorder."""

from __future__ import annotations

from nbautograd.ops.arguments import canonical_dim, canonical_dims, canonical_dims_or_all, shape_of
from nbautograd.ops.shape.views import View

__all__ = ["View", "canonical_dim", "canonical_dims", "canonical_dims_or_all", "shape_of"]
