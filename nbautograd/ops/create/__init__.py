"""Making tensors: from numbers, filled, as ranges, and with torch's old types."""

from __future__ import annotations

from nbautograd.ops.create.base import finish, numpy_dtype, size_of
from nbautograd.ops.create.old_types import cuda_types

__all__ = ["cuda_types", "finish", "numpy_dtype", "size_of"]
