"""Complex samples for the tests, and what tells complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.samples import SHAPES, Make


def points(make: Make, *shape: int) -> Any:
    """Complex numbers away from zero, in all directions."""
    kind = np.result_type(make.dtype, np.complex64)
    return np.asarray(make(*shape, low=0.5) * np.exp(1j * make(*shape, low=-3, high=3)), kind)


def complex_ones(make: Make) -> Any:
    for shape in (*SHAPES, *SHAPES):
        yield (points(make, *shape),)
    yield (points(make, 4, 3).T,)
    yield (points(make, 7)[::2],)
    for shape in ((3,), (2, 3), ()):
        yield (make(*shape),)


def is_complex(x: Any) -> bool:
    """Whether an array or a tensor holds complex numbers."""
    return getattr(x, "_data", x).dtype.kind == "c"
