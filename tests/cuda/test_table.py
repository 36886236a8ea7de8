"""Every function on its samples, on a GPU beside the CPU: forward, gradient and second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from tests.ops.table import OURS, SAMPLED, Library, array, gradients, has_gradient, has_second, run, samples_of, second

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")]

CUDA = Library(nb, "cuda")


def assert_close(on_gpu: Any, on_cpu: Any, what: str) -> None:
    got, expected = (None if x is None else array(x) if hasattr(x, "detach") else x for x in (on_gpu, on_cpu))
    if got is None or expected is None:
        assert got is None
        assert expected is None
        return
    assert got.dtype == expected.dtype, what
    np.testing.assert_allclose(got, expected, 1e-7, 1e-9, err_msg=what)


def each(ops: list[Any]) -> Any:
    return pytest.mark.parametrize("op", ops, ids=lambda op: op.name)


@each(SAMPLED)
def test_an_op_computes_on_the_gpu_what_it_computes_on_the_cpu(op: Any):
    for i, case in enumerate(samples_of(op)):
        there, here = (run(op, case, library, gradient=has_gradient(op)) for library in (CUDA, OURS))
        for got, expected in zip(there.outputs, here.outputs, strict=True):
            if isinstance(got, nb.Tensor):
                assert got.is_cuda, f"sample {i}"
                assert_close(got, expected, f"sample {i}")


@each([op for op in SAMPLED if has_gradient(op)])
def test_an_op_has_the_same_gradient_on_the_gpu(op: Any):
    for i, case in enumerate(samples_of(op)):
        there, here = (gradients(run(op, case, library), library)[0] for library in (CUDA, OURS))
        for got, expected in zip(there, here, strict=True):
            assert_close(got, expected, f"sample {i}")


@each([op for op in SAMPLED if has_second(op)])
def test_an_op_has_the_same_second_derivative_on_the_gpu(op: Any):
    for i, case in enumerate(samples_of(op)):
        there, here = (second(run(op, case, library), library) for library in (CUDA, OURS))
        for got, expected in zip(there, here, strict=True):
            assert_close(got, expected, f"sample {i}")
