"""Zeros, infinities, NaN and ties: values and gradients are PyTorch's."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.core.backward import grad

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

VALUES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, -3.0, 6.0, 100.0, -100.0, 1e30, -1e30, np.inf, -np.inf, np.nan]
)

UNARY = [
    "abs", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "square", "sin",
    "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "sign",
    "floor", "ceil", "trunc", "round", "frac", "neg", "erf", "erfc", "relu", "sinc", "logit", "nan_to_num", "isnan",
    "isinf", "isfinite", "signbit", "deg2rad", "logical_not", "relu6", "hardtanh", "hardsigmoid", "hardswish",
    "softplus", "logsigmoid", "leaky_relu", "elu", "selu", "celu", "silu", "softshrink", "hardshrink", "tanhshrink",
    "softsign", "sgn", "mish", "gelu", "erfinv", "i0", "rad2deg", "isposinf",
    "isneginf",
]  # fmt: skip
BINARY = [
    "maximum", "minimum", "fmax", "fmin", "add", "sub", "mul", "div", "remainder", "fmod", "pow", "atan2", "hypot",
    "copysign", "eq", "lt", "ge", "logical_and", "xlogy",
]  # fmt: skip


def function(library: Any, name: str) -> Any:
    return getattr(library, name, None) or getattr(library.nn.functional, name)


def ours(name: str, arrays: list[np.ndarray]) -> tuple[Any, list[Any]]:
    inputs = [nb.tensor(a, requires_grad=True) for a in arrays]
    out = function(nb, name)(*inputs)
    return out, list(grad(out, inputs, nb.ones_like(out), allow_unused=True)) if out.requires_grad else []


def theirs(name: str, arrays: list[np.ndarray]) -> tuple[Any, list[Any]]:
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = function(torch, name)(*inputs)
    return out, list(
        torch.autograd.grad(out, inputs, torch.ones_like(out), allow_unused=True)
    ) if out.requires_grad else []


def assert_same(got: Any, expected: Any) -> None:
    got, expected = (np.asarray(t.detach().numpy(force=True)) for t in (got, expected))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_special_values_is_torchs(name: str):
    (out, grads), (expected, expected_grads) = ours(name, [VALUES]), theirs(name, [VALUES])
    assert_same(out, expected)
    for got, wanted in zip(grads, expected_grads, strict=True):
        assert_same(got, wanted)


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_many_special_values_is_that_of_few(name: str):
    (few, grads), (many, many_grads) = ours(name, [VALUES]), ours(name, [np.tile(VALUES, 200)])
    for got, wanted in zip([many, *many_grads], [few, *grads], strict=True):
        assert_same(got.reshape(200, -1)[7], wanted)


@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_special_values_is_torchs(name: str):
    pairs = np.array(list(itertools.product(VALUES, VALUES)))
    arrays = [pairs[:, 0].copy(), pairs[:, 1].copy()]
    (out, grads), (expected, expected_grads) = ours(name, arrays), theirs(name, arrays)
    assert_same(out, expected)
    for got, wanted in zip(grads, expected_grads, strict=True):
        assert_same(got, wanted)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_running_products_with_zeros_have_torchs_gradients(dtype: str):
    array = np.random.default_rng(0).standard_normal((6, 5)) + (0.5j if dtype[0] == "c" else 0)
    array[[0, 1, 2, 4, 2, 5], [0, 1, 2, 2, 0, 1]] = 0  # columns with one, with two and with none

    def gradients(library: Any) -> list[Any]:
        x, g = (library.tensor(a.astype(dtype), requires_grad=True) for a in (array, array[::-1] + 1))
        out = x.cumprod(0)
        (first,) = library.autograd.grad(out, x, g, retain_graph=True)
        (recorded,) = library.autograd.grad(out, x, g, create_graph=True)
        return [first, *library.autograd.grad(recorded, (x, g), x.detach() + 2)]

    for got, wanted in zip(gradients(nb), gradients(torch), strict=True):
        assert_same(got, wanted.resolve_conj())


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_running_totals_of_long_rows_are_torchs(name: str, dim: int):
    array = np.random.default_rng(0).standard_normal((3, 4, 200)) + 2

    def totals(library: Any) -> list[Any]:
        x = library.tensor(array, requires_grad=True)
        out = getattr(x, name)(dim)
        return [out, *library.autograd.grad(out.sin().sum(), x)]

    for got, wanted in zip(totals(nb), totals(torch), strict=True):
        assert_same(got, wanted)
