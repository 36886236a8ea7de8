"""Special functions, by SciPy."""

from __future__ import annotations
