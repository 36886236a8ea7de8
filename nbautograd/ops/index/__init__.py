"""Indexing: reading and writing parts of tensors."""

from __future__ import annotations

from nbautograd.ops.index.along import places
from nbautograd.ops.index.writing import fitted

__all__ = ["fitted", "places"]
