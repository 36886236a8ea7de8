"""torch.backends.mkl: Intel's mathematics library."""

from __future__ import annotations

import numpy as np


def is_available() -> bool:
    """Whether NumPy was built with it."""
    blas = np.show_config(mode="dicts")["Build Dependencies"].get("blas", {})
    return "mkl" in str(blas.get("name", "")).lower()
