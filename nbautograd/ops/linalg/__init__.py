"""Linear algebra: products, equations, decompositions and functions of matrices."""

from __future__ import annotations
