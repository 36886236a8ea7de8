"""torch.backends.cpu: what the processor can do."""

from __future__ import annotations

import importlib


def get_cpu_capability() -> str:
    """The widest vector instructions that NumPy found here: `AVX512`, `AVX2`, … or `DEFAULT`."""
    features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    known = (("AVX512F", "AVX512"), ("AVX2", "AVX2"), ("VSX", "VSX"), ("SVE", "SVE256"))
    return next((name for feature, name in known if features.get(feature)), "DEFAULT")
