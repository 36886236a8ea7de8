"""Every op on complex numbers gives what PyTorch gives, or refuses them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.ops.samples import Fixed

from .table import SAMPLED, Library, Ran, array, gradients, has_gradient, has_second, name_of, run, samples_of, second

pytestmark = pytest.mark.filterwarnings("ignore")

MORE_THAN_TORCH = {"histogram", "embedding_bag", "isin"}
"""What torch refuses, and this package computes; besides functions that torch computes but does not differentiate."""
LESS_THAN_TORCH = {"adaptive_avg_pool1d"}
"""What this package refuses, and torch does not."""
NOT_HERMITIAN = {"cholesky"}
"""Functions whose samples lose their meaning with imaginary parts: `test_linalg` has samples of its own."""


def with_imaginary_parts(value: Any, random: Any) -> Any:
    """A sample whose floats that are differentiated are complex."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "f" or isinstance(value, Fixed):
            return value
        return np.asarray(value + 1j * random.uniform(-1, 1, value.shape))
    if isinstance(value, list | tuple):
        return type(value)(with_imaginary_parts(v, random) for v in value)
    return {k: with_imaginary_parts(v, random) for k, v in value.items()} if isinstance(value, dict) else value


def is_complex(value: Any) -> bool:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return (isinstance(value, np.ndarray) and value.dtype.kind == "c") or any(is_complex(v) for v in values)


def complex_samples(op: Any) -> list[Any]:
    """A few of the samples of `op`, as complex numbers."""
    cases = samples_of(op)
    found = [with_imaginary_parts(case, np.random.default_rng(5)) for case in cases[:: max(1, len(cases) // 4)]]
    return [case for case in found if is_complex(case)]


def outcome(op: Any, case: Any, library: Library) -> Ran | Exception:
    try:
        ran = run(op, case, library, gradient=has_gradient(op))
    except Exception as error:
        return error
    return TypeError("not implemented") if any(o is NotImplemented for o in ran.outputs) else ran


def assert_same(got: Any, expected: Any, rtol: float = 1e-6) -> None:
    if got is None or expected is None:
        np.testing.assert_allclose(0 if got is None else got, 0 if expected is None else expected, atol=1e-9)
        return
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol, 1e-8)


def numbers(tensors: list[Any]) -> list[Any]:
    return [None if t is None else array(t) for t in tensors]


def derivatives(op: Any, case: Any, library: Library) -> list[list[Any]]:
    """First and second derivatives as far as the library has them."""
    ran = run(op, case, library)
    if not ran.differentiable():
        return []
    found = [numbers(gradients(ran, library)[0])]
    if has_second(op):
        found.append(second(run(op, case, library), library))
    return found


@pytest.mark.parametrize("op", [op for op in SAMPLED if name_of(op)], ids=lambda op: op.name)
def test_an_op_on_complex_numbers_is_torchs_or_is_refused(op: Any):
    torch = Library(pytest.importorskip("torch"))
    if torch.function(name_of(op)) is None or op.name in NOT_HERMITIAN:
        pytest.skip("torch has no such function")
    for case in complex_samples(op):
        ours, theirs = outcome(op, case, Library(nb)), outcome(op, case, torch)
        if isinstance(theirs, Exception):
            undifferentiated = "does not support automatic differentiation" in str(theirs)
            assert isinstance(ours, Exception) or op.name in MORE_THAN_TORCH or undifferentiated, (
                "torch refuses complex numbers here: core/real_only.py names what this package refuses"
            )
            continue
        if op.name in LESS_THAN_TORCH:
            continue
        assert isinstance(ours, Ran), ours
        for got, expected in zip(ours.outputs, theirs.outputs, strict=True):
            assert_same(array(got), array(expected))
        if not has_gradient(op) or not theirs.differentiable():
            continue
        try:
            expected = derivatives(op, case, torch)
        except (RuntimeError, NotImplementedError):  # torch has no such derivative
            continue
        for got, wanted in zip(derivatives(op, case, Library(nb)), expected, strict=True):
            for g, w in zip(got, wanted, strict=True):
                assert_same(g, w)
