"""What the tests' stand-in takes for true of CuPy. On a machine with a GPU these ask CuPy itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.gpu

REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "conversion to NumPy": lambda cp, x: np.asarray(x),
    "a NumPy array beside one of the device": lambda cp, x: x + np.ones(3),
    "a NumPy array alone": lambda cp, x: cp.exp(np.ones(3)),
    "a 0-d NumPy array": lambda cp, x: x * np.array(2.0),
    "NumPy's functions that CuPy lacks arguments for": lambda cp, x: np.sum(x, where=np.ones(3, bool)),
    "sum(where=)": lambda cp, x: cp.sum(x, where=x > 1),
    "max(initial=)": lambda cp, x: x.max(initial=0),
    "add(where=)": lambda cp, x: cp.add(x, x, where=x > 1),
    "astype(casting=)": lambda cp, x: x.astype("f4", casting="unsafe"),
    "count_nonzero(keepdims=)": lambda cp, x: cp.count_nonzero(x, keepdims=True),
    "a difference of truth values": lambda cp, x: (x > 1) - (x > 1),
    "a number as a condition": lambda cp, x: cp.where(True, x, x),
    "complex numbers that meet": lambda cp, x: cp.add.at(x.astype("D"), cp.asarray([0, 0]), x[:2].astype("D")),
    "products that meet": lambda cp, x: cp.multiply.at(x, cp.asarray([0, 0]), x[:2]),
    "a quotient put into whole numbers": lambda cp, x: cp.divide(x, 2, out=cp.zeros(3, int)),
    "an array of the device as an index": lambda cp, x: [1, 2, 3][cp.asarray(1)],
    "truth of several": lambda cp, x: bool(x > 1),
    "a hash": lambda cp, x: hash(x),
    "an attribute": lambda cp, x: setattr(x, "note", 1),
    "float16 in a decomposition": lambda cp, x: cp.linalg.inv(cp.eye(2, dtype="e")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_cupy_refuses(what: str):
    import cupy

    with pytest.raises((TypeError, ValueError, NotImplementedError, AttributeError)):
        REFUSED[what](cupy, cupy.arange(3.0))


def test_single_elements_stay_on_the_device():
    import cupy

    x = cupy.arange(3.0, dtype="f")
    for one in (x.sum(), x[1], x.max(), cupy.add.reduce(x), cupy.exp(2.0), x.mean()):
        assert isinstance(one, cupy.ndarray)
        assert one.shape == ()
    assert (x * 2.5).dtype == (np.float32(2) * x).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64


def test_indices_out_of_bounds_wrap_around():
    import cupy

    x = cupy.arange(3)
    assert x[cupy.asarray([3, -4])].tolist() == [0, 2]
    with pytest.raises(IndexError):
        x[3]


def test_decompositions_fail_only_when_asked_to():
    import cupy
    import cupyx

    zero = cupy.zeros((2, 2))
    assert not bool(cupy.isfinite(cupy.linalg.inv(zero)).all())
    with cupyx.errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
        cupy.linalg.inv(zero)


def test_views_share_memory_and_results_do_not():
    import cupy

    x = cupy.zeros((2, 3))
    x.reshape(3, 2).T[0, 0] = 1
    cupy.diagonal(x)[1:] = 2
    x.ravel()[5] = 3
    (x + 0)[...] = 9
    assert x.tolist() == [[1, 0, 0], [0, 2, 3]]
    assert x[0].base is x


def test_the_sum_of_transposed_arrays_lies_in_rows():
    import cupy

    x = cupy.zeros((2, 3)).T
    assert (x + x).flags.c_contiguous
    assert x.copy().flags.c_contiguous
    assert x.astype("f").flags.f_contiguous
    assert cupy.empty_like(x).flags.f_contiguous
